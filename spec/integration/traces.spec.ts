import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { type ModelServer, reply, startModelServer } from '../support/model-server.ts'
import { Service, somaMain } from '../support/service.ts'
import { SessionListener } from '../support/session-listener.ts'
import { type CollectedSpan, TraceCollector } from '../support/trace-collector.ts'

const traceId = (digit: string) => digit.repeat(32)
const given = (digit: string, flags: string) => ({ traceparent: `00-${traceId(digit)}-${'b'.repeat(16)}-${flags}` })
const question = 'a very private question'

describe('traces', function () {
  this.timeout(60_000)
  let collector: TraceCollector
  let model: ModelServer
  let page: { readonly server: Server; readonly url: string; readonly seen: (string | undefined)[] }
  let service: Service

  before(async () => {
    collector = await TraceCollector.start()
    page = await startPage()
    model = await startModelServer((request) =>
      request.body.messages.at(-1)?.role === 'tool'
        ? reply.text('a very private answer')
        : reply.calls({ name: 'http_fetch', arguments: { url: page.url } }),
    )
    service = await Service.start({
      env: {
        OTLP_ENDPOINT: collector.endpoint,
        SOMA_TRACE_RATIO: '0',
        SOMA_MODEL: 'model-a',
        OPENAI_BASE_URL: model.url,
        OPENAI_API_KEY: 'sk-a-very-private-key',
        SOMA_HTTP_FETCH_ALLOW: '127.0.0.1',
      },
    })
  })
  after(async () => {
    await service?.release()
    await model?.close()
    page?.server.close()
    await collector?.close()
  })

  async function turn(session: string, headers: Record<string, string>): Promise<void> {
    const { body } = await service.post('/v1/session/message', { session_id: session, message: question }, headers)
    const listener = await SessionListener.open(service.url, body.session_id)
    await listener.final(body.event_id)
    listener.close()
  }

  describe('of one conversation, begun by a client that sends a traceparent', () => {
    let spans: CollectedSpan[]
    let told: (string | undefined)[]
    before(async () => {
      const [asked, fetched] = [model.requests.length, page.seen.length]
      await turn('traced', given('a', '01'))
      const journaled = (kind: string) =>
        collector
          .of(traceId('a'))
          .some(({ name, attributes }) => name === 'journal.append' && String(attributes['soma.events']).includes(kind))
      await collector.until(() => journaled('TurnFinished') && journaled('InvocationFinished'))
      spans = collector.of(traceId('a'))
      told = [...model.requests.slice(asked).map(({ headers }) => String(headers.traceparent)), page.seen[fetched]]
    })

    it('are one trace from the gateway by mailbox, session, model and tool to the final answer', () => {
      expect(new Set(spans.map(({ name }) => name))).to.deep.equal(
        new Set([
          'http.request',
          'mailbox.send',
          'mailbox.deliver',
          'actor.handle',
          'journal.append',
          'model.call',
          'tool.run',
        ]),
      )
      expect(new Set(spans.map(({ attributes }) => attributes['soma.kind']).filter(Boolean))).to.deep.equal(
        new Set(['session', 'tool']),
      )
      expect(spans.filter(({ name }) => name === 'model.call')).to.have.length(2)
    })

    it('hang together: every span but the first has its cause in the trace', () => {
      const known = new Set(spans.map(({ spanId }) => spanId))
      const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined || !known.has(parentSpanId))
      expect(roots.map(({ name, parentSpanId }) => ({ name, parentSpanId }))).to.deep.equal([
        { name: 'http.request', parentSpanId: 'b'.repeat(16) },
      ])
    })

    it('go on to the model and to where http_fetch goes', () => {
      const modelCalls = spans.filter(({ name }) => name === 'model.call').map(({ spanId }) => spanId)
      expect(told.slice(0, 2)).to.have.members(modelCalls.map((spanId) => `00-${traceId('a')}-${spanId}-01`))
      const run = spans.find(({ name }) => name === 'tool.run')
      expect(run?.attributes['soma.tool']).to.equal('http_fetch')
      expect(told[2]).to.equal(`00-${traceId('a')}-${run?.spanId}-01`)
    })

    it('hold no message, no answer, no argument and no key', () => {
      expect(collector.bodies.join()).not.to.match(/private|127\.0\.0\.1:\d+\/page/)
    })
  })

  it('are not sent when the client says so, nor beyond SOMA_TRACE_RATIO; the trace goes on all the same', async () => {
    const asked = model.requests.length
    await turn('unsampled', given('c', '00'))
    await turn('beyond the ratio', {})
    await turn('sampled', given('d', '01'))
    await collector.until(() => collector.of(traceId('d')).some(({ name }) => name === 'model.call'))
    const sampled = new Set(['a', 'd', 'e'].map(traceId))
    expect(collector.spans.filter((span) => !sampled.has(span.traceId))).to.deep.equal([])
    expect(model.requests[asked]?.headers.traceparent).to.match(new RegExp(`^00-${traceId('c')}-[0-9a-f]{16}-00$`))
    expect(model.requests[asked + 2]?.headers.traceparent).to.match(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  })

  it('of a turn that outlived its process go on after the restart', async () => {
    const before = model.requests.length
    // Killed while the model is asked: the call is made again by the next process, in the trace of the question.
    const { body } = await service.post(
      '/v1/session/message',
      { session_id: 'killed', message: question },
      given('e', '01'),
    )
    await model.request(before)
    await service.kill()
    await service.start()
    const listener = await SessionListener.open(service.url, body.session_id)
    await listener.final(body.event_id)
    listener.close()
    const ids = model.requests.slice(before).map(({ headers }) => String(headers.traceparent).slice(3, 35))
    expect(ids.length).to.be.greaterThan(2)
    expect(new Set(ids)).to.deep.equal(new Set([traceId('e')]))
  })

  it('that a collector does not take are counted, and cost nothing else', async () => {
    const other = await Service.start({ env: { OTLP_ENDPOINT: 'http://127.0.0.1:9', SOMA_TRACE_RATIO: '1' } })
    try {
      const sent = performance.now()
      const { session_id, event_id } = await other.say('no collector', 'say hello')
      const listener = await SessionListener.open(other.url, session_id)
      await listener.final(event_id)
      listener.close()
      while (!/soma_trace_spans_total\{result="error"\} [1-9]/.test((await other.get('/metrics')).body)) {
        expect(performance.now() - sent).to.be.lessThan(30_000)
      }
      const stopping = performance.now()
      expect(await other.stop()).to.equal(0)
      expect(performance.now() - stopping).to.be.lessThan(8_000)
      expect(readFileSync(join(other.folder.path, 'service.log'), 'utf8')).to.include('traces cannot be sent')
    } finally {
      await other.release()
    }
  })
})

describe('without OTLP_ENDPOINT', function () {
  this.timeout(60_000)
  it('nothing of OpenTelemetry is loaded', async () => {
    // The program's own modules, as Node names them while it loads them; `serve` is stopped by its own port.
    const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', loading(somaMain)], {
      env: { PATH: process.env.PATH ?? '', LOG_LEVEL: 'silent' },
    })
    const loaded = JSON.parse(stderr.trim().split('\n').at(-1) as string) as string[]
    expect(loaded.some((url) => url.includes('one-process'))).to.equal(true)
    expect(loaded.filter((url) => url.includes('opentelemetry') || url.includes('otlp-tracing'))).to.deep.equal([])
  })
})

/** Loads what a start loads, under a hook that writes down every module. */
function loading(main: string): string {
  const one = new URL('one-process.js', `file://${main}`).href
  const tracing = new URL('telemetry/tracing.js', `file://${main}`).href
  return `
    import { register } from 'node:module'
    import { MessageChannel } from 'node:worker_threads'
    const { port1, port2 } = new MessageChannel()
    const loaded = []
    port1.on('message', (url) => loaded.push(url))
    register('data:text/javascript,' + encodeURIComponent(\`
      let port
      export const initialize = (data) => { port = data.port }
      export const load = (url, context, next) => { port.postMessage(url); return next(url, context) }
    \`), { data: { port: port2 }, transferList: [port2] })
    await import(${JSON.stringify(one)})
    const { openTracing } = await import(${JSON.stringify(tracing)})
    if ((await openTracing(undefined, {})) !== undefined) throw new Error('a tracer without an endpoint')
    setImmediate(() => setImmediate(() => { console.error(JSON.stringify(loaded)); process.exit(0) }))
  `
}

async function startPage() {
  const seen: (string | undefined)[] = []
  const server = createServer((request, response) => {
    seen.push(request.headers.traceparent as string | undefined)
    response.writeHead(200, { 'content-type': 'text/plain' }).end('a page')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/page`, seen }
}
