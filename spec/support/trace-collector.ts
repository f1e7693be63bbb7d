import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

/** A span as OTLP/HTTP with JSON has it, as far as the specs look. */
export interface CollectedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  /** service.instance.id: which process. */
  readonly process: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly failure: string | undefined
  /** Milliseconds. */
  readonly start: number
  readonly end: number
}

interface Exported {
  readonly resourceSpans: readonly {
    readonly resource: {
      readonly attributes: readonly { readonly key: string; readonly value: { stringValue?: string } }[]
    }
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly traceId: string
        readonly spanId: string
        readonly parentSpanId?: string
        readonly name: string
        readonly startTimeUnixNano: string
        readonly endTimeUnixNano: string
        readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[]
        readonly status: { readonly code?: number; readonly message?: string }
      }[]
    }[]
  }[]
}

const PATIENCE_MS = 20_000

/** A real receiver of OTLP over HTTP: what a collector would hear, for a spec to wait for. */
export class TraceCollector {
  readonly spans: CollectedSpan[] = []
  /** Bodies as they came, to look for what must not be in them. */
  readonly bodies: string[] = []
  readonly #server = createServer(async (request, response) => {
    const exported = (await json(request)) as Exported
    this.bodies.push(JSON.stringify(exported))
    const accepted = request.method === 'POST' && request.url === '/v1/traces'
    if (accepted) this.spans.push(...spansOf(exported))
    response.writeHead(accepted ? 200 : 404, { 'content-type': 'application/json' }).end('{}')
    for (const wake of this.#waiting) wake()
  })
  readonly #waiting = new Set<() => void>()

  static async start(): Promise<TraceCollector> {
    const collector = new TraceCollector()
    collector.#server.listen(0, '127.0.0.1')
    await once(collector.#server, 'listening')
    return collector
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  of(traceId: string): CollectedSpan[] {
    return this.spans.filter((span) => span.traceId === traceId)
  }

  /** Resolves when what was collected satisfies; rejects with the names of what was heard instead. */
  async until(satisfies: () => boolean): Promise<void> {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    while (!satisfies()) {
      await new Promise<void>((resolve, reject) => {
        this.#waiting.add(resolve)
        signal.addEventListener('abort', () =>
          reject(new Error(`heard only ${this.spans.map(({ name }) => name).join(', ')}`)),
        )
      })
      this.#waiting.clear()
    }
  }

  close(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }
}

function spansOf({ resourceSpans }: Exported): CollectedSpan[] {
  return resourceSpans
    .flatMap(({ resource, scopeSpans }) => {
      const process =
        resource.attributes.find(({ key }) => key === 'service.instance.id')?.value.stringValue ?? 'not named'
      return scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ process, span })))
    })
    .map(({ process, span }) => ({
      process,
      traceId: span.traceId,
      spanId: span.spanId,
      parentSpanId: span.parentSpanId || undefined,
      name: span.name,
      attributes: Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]])),
      failure: span.status.code === 2 ? span.status.message : undefined,
      start: Number(BigInt(span.startTimeUnixNano) / 1_000_000n),
      end: Number(BigInt(span.endTimeUnixNano) / 1_000_000n),
    }))
}
