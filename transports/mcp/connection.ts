import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { Progress } from '@modelcontextprotocol/sdk/types.js'
import type { Clock } from '../../actors/kernel/clock.ts'
import { Failure, isFailure } from '../../actors/kernel/failure.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import {
  type CallAnswer,
  type CallHow,
  type ConnectionEvents,
  ConnectionLost,
  type McpConnection,
  type McpServer,
  type OpenConnection,
  type ServerTool,
} from '../../actors/mcp/protocol.ts'
import { answerOf } from './call-answer.ts'
import { fewLines, tellLines } from './few-lines.ts'
import { type WatchedFetch, watchedFetch } from './http-way.ts'
import { causes, failureIn, issuesIn, reasonOf, unopened } from './reasons.ts'
import { watchTransport } from './watched-transport.ts'

export interface ConnectionMeans {
  readonly version: string
  readonly clock: Clock
  readonly log: Logger
  /** Fetch that reaches what this server may, and nothing else. */
  fetchFor(server: McpServer): WatchedFetch
}

/** One message of a server: an image of a few MB in base64 fits. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024
/** The deadline is the caller's; the SDK's own, of a minute, would come before it. */
const NEVER_MS = 2_000_000_000
const NOT_CONNECTED = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT/
/** Codes of JSON-RPC that the SDK makes itself. */
const CLOSED = -32000
const METHOD_NOT_FOUND = -32601
const INVALID_PARAMS = -32602

/** Connections by the official SDK, loaded with the first server (0.3 s). */
export function mcpConnections(means: ConnectionMeans): OpenConnection {
  return async (server, events, signal) => {
    const [{ Client }, types] = await Promise.all([
      import('@modelcontextprotocol/sdk/client/index.js'),
      import('@modelcontextprotocol/sdk/types.js'),
    ])
    const safe = hiding(server.secrets)
    const once = onlyFirst(events, safe)
    const client = new Client({ name: 'SomaAgent', version: means.version })
    // While it opens, connect() itself rejects with the cause; only a broken answer it would wait out.
    let opened = false
    const broken = new AbortController()
    const way: ConnectionEvents = {
      ...once,
      closed: (why) => (opened ? once.closed(why) : broken.abort(new Failure('MCP_UNAVAILABLE', safe(why)))),
    }
    client.onclose = () => opened && once.closed('it ended or closed its connection')
    client.onerror = (error) => opened && once.suspected(error.message)
    client.setNotificationHandler(types.ToolListChangedNotificationSchema, () => events.toolsChanged())
    try {
      const transport = await transportOf(server, means, way, safe)
      const told = fewLines(means.clock, (line) =>
        means.log.warn({ server: server.name, line: safe(line) }, 'MCP server sent what is no message'),
      )
      watchTransport(transport, way, means.clock, told)
      const either = AbortSignal.any([signal, broken.signal])
      await client.connect(transport, { signal: either, timeout: server.startMs })
      opened = true
      if (client.transport === undefined) throw new Failure('MCP_UNAVAILABLE', 'it ended as soon as it was there')
    } catch (error) {
      once.over = true
      await client.close().catch(() => {})
      throw unopened(error, safe)
    }
    if (signal.aborted) {
      once.over = true
      await client.close()
      throw signal.reason
    }
    return new SdkConnection(client, types, once, safe)
  }
}

async function transportOf(
  server: McpServer,
  { fetchFor, clock, log }: ConnectionMeans,
  events: ConnectionEvents,
  safe: (text: string) => string,
): Promise<Transport> {
  const { way, name } = server
  if (way.kind === 'http') {
    const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js')
    const fetch = watchedFetch(fetchFor(server), way, events)
    return new StreamableHTTPClientTransport(new URL(way.url), { fetch }) as Transport
  }
  const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js')
  const { command, args, env, cwd } = way
  const transport = new StdioClientTransport({
    command,
    args: [...args],
    // The SDK adds PATH, HOME and four of their like, and nothing else of our environment.
    env: { ...env },
    stderr: 'pipe',
    maxBufferSize: MAX_MESSAGE_BYTES,
    cwd,
  })
  const { stderr } = transport
  if (stderr) {
    tellLines(stderr as import('node:stream').Readable, clock, (line) =>
      log.info({ server: name, line: safe(line) }, 'MCP server says'),
    )
  }
  return transport
}

interface Once extends ConnectionEvents {
  /** Closed, or by us: what is still told is no news. */
  over: boolean
  /** Why it is closed: more than the SDK says to the calls that still wait. */
  why: string | undefined
}

function onlyFirst(events: ConnectionEvents, safe: (text: string) => string): Once {
  const once: Once = {
    over: false,
    why: undefined,
    closed(why) {
      if (once.over) return
      once.over = true
      once.why = safe(why)
      events.closed(once.why)
    },
    suspected(why) {
      if (!once.over) events.suspected(safe(why))
    },
    toolsChanged: () => events.toolsChanged(),
  }
  return once
}

class SdkConnection implements McpConnection {
  readonly peer: string
  readonly #client: Client
  readonly #types: typeof import('@modelcontextprotocol/sdk/types.js')
  readonly #events: Once
  readonly #safe: (text: string) => string

  constructor(
    client: Client,
    types: typeof import('@modelcontextprotocol/sdk/types.js'),
    events: Once,
    safe: (text: string) => string,
  ) {
    const { name = 'unnamed', version = '' } = client.getServerVersion() ?? {}
    this.peer = `${name} ${version}`.trim().slice(0, 200)
    this.#client = client
    this.#types = types
    this.#events = events
    this.#safe = safe
  }

  async tools(signal: AbortSignal): Promise<readonly ServerTool[]> {
    if (!this.#client.getServerCapabilities()?.tools) return []
    const { listTools, toolPage } = await import('./tool-list.ts')
    // Not client.listTools(): it compiles every output schema, which nobody here reads.
    return listTools((params) =>
      this.#client.request({ method: 'tools/list', params }, toolPage, {
        // One for each page: the SDK listens to it for good.
        signal: AbortSignal.any([signal]),
        timeout: NEVER_MS,
      }),
    )
  }

  async call(tool: string, args: unknown, { callId, signal, timeoutMs, progress }: CallHow): Promise<CallAnswer> {
    try {
      const result = await this.#client.request(
        {
          method: 'tools/call',
          params: {
            name: tool,
            arguments: (args ?? {}) as Record<string, unknown>,
            _meta: { 'somaagent/call-id': callId },
          },
        },
        this.#types.CallToolResultSchema,
        {
          // The SDK sends notifications/cancelled when this aborts.
          signal,
          timeout: timeoutMs + 1_000,
          ...(progress && { onprogress: (told: Progress) => progress(shown(told)) }),
        },
      )
      const { text, isError } = answerOf(result)
      return { text: this.#safe(text), isError }
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw this.#unanswered(error)
    }
  }

  /** What an error says of the call: refused by the server, surely never taken, or lost on the way. */
  #unanswered(error: unknown): Error {
    if (isFailure(error)) return error
    const { code } = error as { code?: unknown }
    // It answered, so it lives, and the call ran.
    if (issuesIn(error)) {
      const detail = `The answer of the MCP server is none: ${issuesIn(error)}. The call may have taken effect.`
      return new Failure('TOOL_FAILED', this.#safe(detail))
    }
    const why = (code === CLOSED && this.#events.why) || this.#safe(reasonOf(error))
    // A server that was restarted knows our HTTP session no more: 404, or 400 by some.
    const forgotten = code === 404 || (code === 400 && /session/i.test(why))
    if (typeof code === 'number' && code >= 400 && !forgotten) return refusedBy(code, why)
    if (code === METHOD_NOT_FOUND || code === INVALID_PARAMS) return new Failure('TOOL_ARGUMENTS', why)
    if (typeof code === 'number' && code < 0 && code !== CLOSED) return new Failure('TOOL_FAILED', why)
    const blocked = failureIn(error)
    if (blocked) return blocked
    const surelyNotRun = forgotten || NOT_CONNECTED.test(causes(error))
    this.#events.closed(why)
    return new ConnectionLost(why, { surelyNotRun, cause: error })
  }

  async ping(timeoutMs: number): Promise<void> {
    try {
      await this.#client.ping({ timeout: timeoutMs })
    } catch (error) {
      // A server that knows no ping has answered.
      if ((error as { code?: unknown }).code === METHOD_NOT_FOUND) return
      throw new Failure('MCP_UNAVAILABLE', `it does not answer a ping: ${this.#safe(reasonOf(error))}`)
    }
  }

  async close(): Promise<void> {
    this.#events.over = true
    await this.#client.close()
  }
}

function refusedBy(status: number, why: string): Failure {
  if (status === 401 || status === 403) {
    return new Failure('TOOL_FAILED', `The MCP server refused our credentials (${status}): ${why}`)
  }
  const after = status >= 500 ? ' The call may or may not have taken effect.' : ''
  return new Failure('TOOL_FAILED', `The MCP server answered with the status ${status}: ${why}${after}`)
}

function shown({ progress, total, message }: Progress): { text?: string; fraction?: number } {
  const fraction = total !== undefined && total > 0 ? Math.min(1, progress / total) : undefined
  return { ...(message !== undefined && { text: message }), ...(fraction !== undefined && { fraction }) }
}

/** Short ones are left: they would hide ordinary words. */
function hiding(secrets: readonly string[]): (text: string) => string {
  const long = secrets.filter((secret) => secret.length >= 4)
  return (text) => long.reduce((safe, secret) => safe.replaceAll(secret, '[redacted]'), text)
}
