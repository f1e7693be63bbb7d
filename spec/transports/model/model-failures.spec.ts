import { once } from 'node:events'
import { createServer } from 'node:net'
import { inspect } from 'node:util'
import { expect } from 'chai'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { Logger } from '../../../actors/kernel/telemetry.ts'
import { askFor, type CallRig, clientAt, eventually, failureOf, hear, signal } from '../../support/model-calls.ts'
import {
  delta,
  done,
  type ModelServer,
  type Reply,
  reply,
  startModelServer,
  toolDelta,
} from '../../support/model-server.ts'
import { Gate } from '../../support/probe.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const KEY = 'sk-live-0123456789abcdef'

describe('a model call that goes wrong', () => {
  let clock: VirtualClock
  let server: ModelServer
  let rig: CallRig

  beforeEach(() => {
    clock = new VirtualClock()
  })

  afterEach(async () => {
    await rig.close()
    await server.close()
    expect(clock.pending, 'timers left behind').to.equal(0)
  })

  async function call(replies: Reply[], over: Parameters<typeof clientAt>[1] = {}, deadlineMs = 600_000) {
    server = await startModelServer(replies)
    rig = clientAt(server.url, { clock, apiKey: KEY, ...over })
    return hear(rig.client.stream(askFor('hi', { deadline: clock.now() + deadlineMs }), signal))
  }

  /** Moves time on whenever the call waits for it before its next request. */
  async function afterWaits(requests: number, waits: number[]): Promise<void> {
    for (let n = 1; n < requests; n++) {
      // Deadline and silence have timers of their own while a request is out; a wait is the only one in between.
      await eventually(() => server?.requests.length === n && clock.pending === 1)
      waits.push(clock.nextIn ?? 0)
      clock.advance(clock.nextIn ?? 0)
    }
  }

  describe('before its first chunk', () => {
    it('waits as long as Retry-After says in seconds', async () => {
      const waits: number[] = []
      const answer = call([reply.status(429, { 'retry-after': '7' }), reply.text('at last')])
      await afterWaits(2, waits)
      expect((await answer).text).to.equal('at last')
      expect(waits).to.deep.equal([7_000])
    })

    it('waits until the date of Retry-After', async () => {
      const waits: number[] = []
      const date = new Date(clock.now() + 30_000).toUTCString()
      const answer = call([reply.status(503, { 'retry-after': date }), reply.text('at last')])
      await afterWaits(2, waits)
      await answer
      expect(waits).to.deep.equal([30_000])
    })

    it('doubles its waits otherwise, and gives up after six calls with the last refusal', async () => {
      const waits: number[] = []
      const answer = failureOf(call([reply.status(500, {}, { error: { message: 'overloaded' } })]))
      await afterWaits(6, waits)
      const failure = await answer
      expect(failure.code).to.equal('MODEL_UNAVAILABLE')
      expect(failure.detail).to.include('answered 500: overloaded')
      expect(waits).to.deep.equal([250, 500, 1_000, 2_000, 4_000])
      expect(server.requests).to.have.length(6)
    })

    it('fails at once, with the time to try again, when the wait would outlast the deadline', async () => {
      const failure = await failureOf(call([reply.status(429, { 'retry-after': '20' })], {}, 10_000))
      expect(failure).to.include({ code: 'MODEL_UNAVAILABLE', retryAfter: 20 })
      expect(server.requests).to.have.length(1)
    })

    it('tries again after a lost connection and after a stream that ended at once', async () => {
      const waits: number[] = []
      const answer = call([reply.hangUp(), reply.cut(), reply.stream(delta({})), reply.text('here')])
      await afterWaits(4, waits)
      expect((await answer).text).to.equal('here')
    })

    it('tries again when nobody listens', async () => {
      server = await startModelServer()
      const { port } = new URL(server.url)
      await server.close()
      rig = clientAt(`http://127.0.0.1:${port}`, { clock })
      const answer = hear(rig.client.stream(askFor('hi'), signal))
      await eventually(() => clock.pending === 1)
      server = await startModelServer([reply.text('up again')], { port: Number(port) })
      clock.advance(clock.nextIn ?? 0)
      expect((await answer).text).to.equal('up again')
    })

    it('stops waiting at once when it is aborted', async () => {
      const stop = new AbortController()
      server = await startModelServer([reply.status(429, { 'retry-after': '7' })])
      rig = clientAt(server.url, { clock })
      const failure = failureOf(hear(rig.client.stream(askFor('hi'), stop.signal)))
      await eventually(() => server.requests.length === 1 && clock.pending === 1)
      stop.abort(new Failure('DRAINING', 'stop'))
      expect((await failure).code).to.equal('DRAINING')
    })
  })

  describe('with a refusal that no wait mends', () => {
    for (const [status, body, words] of [
      [401, { error: { message: `Incorrect API key provided: ${KEY}.` } }, 'Incorrect API key provided: [key].'],
      [401, { error: { message: 'Incorrect API key provided: sk-li***cdef' } }, 'Incorrect API key provided: [key]'],
      [400, { error: 'context length exceeded' }, 'context length exceeded'],
      [404, { message: 'no model-a here' }, 'no model-a here'],
      [422, { detail: [{ loc: ['body', 'x'] }] }, '"loc":["body","x"]'],
      [403, 'plain\r\nwords', 'plain words'],
      [301, '', 'answered 301'],
      [429, { error: { message: 'You exceeded your quota', code: 'insufficient_quota' } }, 'You exceeded your quota'],
    ] as const) {
      it(`says ${words} (${status}), once, as MODEL_REJECTED`, async () => {
        const failure = await failureOf(call([reply.status(status, {}, body)]))
        expect(failure.code).to.equal('MODEL_REJECTED')
        expect(failure.detail).to.include(words)
        expect(server.requests).to.have.length(1)
      })
    }

    it('hears it inside a 200 as well', async () => {
      const error = { message: 'context too long', type: 'invalid_request_error' }
      const failure = await failureOf(call([reply.stream({ error })]))
      expect(failure.code).to.equal('MODEL_REJECTED')
      expect(failure.detail).to.include('reported an error: context too long')
    })
  })

  describe('with an answer that is not the protocol', () => {
    const endless: Reply = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: ')
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(16_384)));
      }
      response.on('drain', more)
      more()
    }
    const html: Reply = (response) => {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end('<html>Welcome</html>')
    }
    const manyCalls = Array.from({ length: 129 }, (_, i) => toolDelta({ index: i, function: { name: `t${i}` } }))
    const cases: [string, Reply, RegExp][] = [
      ['a chunk that is not JSON', reply.stream(delta({ content: 'a' }), 'data: {"choices": [\n\n'), /not JSON/],
      ['a chunk that is JSON but no object', reply.stream('data: 42\n\n'), /not JSON/],
      ['an endless line', endless, /one event is longer than 100000 characters/],
      ['a web page', html, /a web page/],
      ['words without events', reply.stream('hello there\n'), /no events/],
      ['JSON without choices', reply.json({ hello: 'there' }), /without choices/],
      [
        'an answer too large',
        reply.stream(...Array(30).fill(delta({ content: 'x'.repeat(5_000) }))),
        /longer than 100000/,
      ],
      [
        'too many bytes of nothing',
        reply.stream(...Array(200).fill(`: ${'x'.repeat(5_000)}\n\n`)),
        /larger than 500000/,
      ],
      ['more tool calls than anyone runs', reply.stream(...manyCalls), /more than 128 tool calls/],
    ]
    const limits = { maxEventChars: 100_000, maxAnswerChars: 100_000, maxBytes: 500_000 }
    for (const [what, bad, words] of cases) {
      it(`is MODEL_GARBLED at ${what}, after one call and with the socket closed (C3, C4)`, async () => {
        const failure = await failureOf(call([bad], { limits }))
        expect(failure.code).to.equal('MODEL_GARBLED')
        expect(failure.detail).to.match(words)
        expect(server.requests).to.have.length(1)
        await (await server.request(0)).over
      })
    }
  })

  describe('in the middle of the answer', () => {
    const first = delta({ content: 'first ' })

    for (const [how, ending] of [
      ['broken off', reply.cut],
      ['ended early', reply.stream],
    ] as const) {
      it(`is MODEL_UNAVAILABLE when the stream is ${how}, and is not made again (C1)`, async () => {
        const heard = new Gate()
        server = await startModelServer([ending(first, heard.opened), reply.text('second')])
        rig = clientAt(server.url, { clock })
        const answer = rig.client.stream(askFor('hi'), signal)[Symbol.asyncIterator]()
        await answer.next()
        heard.open()
        expect((await failureOf(answer.next())).code).to.equal('MODEL_UNAVAILABLE')
        expect(server.requests).to.have.length(1)
      })
    }

    it('is MODEL_UNAVAILABLE after too long a silence, and silence counts from the last byte', async () => {
      server = await startModelServer([reply.stall(first)])
      rig = clientAt(server.url, { clock, limits: { idleMs: 10_000 } })
      const answer = rig.client.stream(askFor('hi'), signal)[Symbol.asyncIterator]()
      const opening = answer.next()
      await server.request(0)
      clock.advance(9_000)
      await opening
      const failure = failureOf(answer.next())
      clock.advance(9_000)
      expect(clock.pending, 'still waiting').to.be.greaterThan(0)
      clock.advance(1_000)
      expect((await failure).detail).to.equal('the model sent nothing for 10 s')
      expect(await (await server.request(0)).over).to.equal('cut by client')
    })

    it('is MODEL_UNAVAILABLE at the deadline', async () => {
      const answer = failureOf(call([reply.silence()], {}, 5_000))
      await eventually(() => clock.nextIn === 5_000)
      clock.advance(5_000)
      expect((await answer).detail).to.include('before the deadline')
    })

    it('ends within 200 ms of an abort, with its reason and the socket closed (C3)', async () => {
      const stop = new AbortController()
      server = await startModelServer([reply.stall(first)])
      rig = clientAt(server.url, { clock })
      const answer = rig.client.stream(askFor('hi'), stop.signal)[Symbol.asyncIterator]()
      await answer.next()
      const failure = failureOf(answer.next())
      const began = performance.now()
      stop.abort(new Failure('DRAINING', 'the user stopped it'))
      expect(await failure).to.include({ code: 'DRAINING' })
      expect(await (await server.request(0)).over).to.equal('cut by client')
      expect(performance.now() - began).to.be.lessThan(200)
    })

    it('closes the socket when its reader leaves (C3)', async () => {
      server = await startModelServer([reply.stall(first)])
      rig = clientAt(server.url, { clock })
      for await (const _ of rig.client.stream(askFor('hi'), signal)) break
      expect(await (await server.request(0)).over).to.equal('cut by client')
    })

    it('does not undo an answer that is complete (C2)', async () => {
      const heard = new Gate()
      server = await startModelServer([reply.cut(delta({ content: 'whole' }, 'stop'), done, heard.opened)])
      rig = clientAt(server.url, { clock })
      const kinds: string[] = []
      for await (const chunk of rig.client.stream(askFor('hi'), signal)) {
        kinds.push(chunk.kind)
        if (chunk.kind === 'finish') heard.open()
      }
      expect(kinds).to.deep.equal(['text', 'usage', 'finish'])
    })
  })

  it('ends when the server keeps the connection open after [DONE]', async () => {
    const answer = call([reply.stall(delta({ content: 'whole' }, 'stop'), done)])
    await eventually(() => clock.nextIn === 250)
    clock.advance(250)
    expect((await answer).text).to.equal('whole')
  })

  it('does not even call when it is aborted already or late', async () => {
    server = await startModelServer()
    rig = clientAt(server.url, { clock })
    const late = askFor('hi', { deadline: clock.now() })
    expect((await failureOf(hear(rig.client.stream(late, signal)))).code).to.equal('MODEL_UNAVAILABLE')
    const aborted = AbortSignal.abort(new Failure('DRAINING', 'over'))
    expect((await failureOf(hear(rig.client.stream(askFor('hi'), aborted)))).code).to.equal('DRAINING')
    expect(server.requests).to.have.length(0)
  })

  it('shows the key in no failure, cause or log line (C5)', async () => {
    const lines: string[] = []
    const note = (fields: object, message: string) => lines.push(inspect([fields, message], { depth: 10 }))
    const log: Logger = { debug: note, info: note, warn: note, error: note, child: () => log }
    const failures: unknown[] = []
    const leaks: Reply[] = [
      reply.status(400, {}, { error: { message: `stream_options refused for ${KEY}` } }),
      reply.status(500, {}, `trace: Authorization: Bearer ${KEY}`),
      reply.hangUp(),
      reply.stream(`data: garbage ${KEY}\n\n`),
    ]
    const answer = failureOf(call(leaks, { log }))
    await eventually(() => server?.requests.length === 2 && clock.pending === 1)
    clock.advance(1_000)
    await eventually(() => server.requests.length === 3 && clock.pending === 1)
    clock.advance(1_000)
    failures.push(await answer)
    await rig.close()
    rig = clientAt(`http://user:${KEY}@127.0.0.1:1/v1?key=${KEY}`, { clock, log })
    const unreachable = failureOf(hear(rig.client.stream(askFor('hi', { deadline: clock.now() + 1 }), signal)))
    failures.push(await unreachable)
    rig = clientAt(server.url, { clock, log, apiKey: `${KEY}\nX: y` })
    failures.push(await failureOf(hear(rig.client.stream(askFor('hi'), signal))))
    expect(lines).to.have.length.greaterThan(2)
    expect(inspect(failures, { depth: 10 }) + lines.join('\n')).not.to.include(KEY)
  })

  it('survives a server that does not speak HTTP at all', async () => {
    const raw = createServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n'))
    raw.listen(0, '127.0.0.1')
    await once(raw, 'listening')
    server = await startModelServer()
    rig = clientAt(`http://127.0.0.1:${(raw.address() as { port: number }).port}`, {
      clock,
      limits: { backoff: { attempts: 1, firstMs: 1, maxMs: 1 } },
    })
    expect((await failureOf(hear(rig.client.stream(askFor('hi'), signal)))).code).to.equal('MODEL_UNAVAILABLE')
    raw.close()
  })
})
