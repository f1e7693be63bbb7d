import { once } from 'node:events'
import { createServer } from 'node:net'
import { inspect } from 'node:util'
import { expect } from 'chai'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { Logger } from '../../../actors/kernel/telemetry.ts'
import { callBench, KEY } from '../../support/model-call-bench.ts'
import { askFor, clientAt, eventually, failureOf, hear, signal } from '../../support/model-calls.ts'
import { delta, done, type Reply, reply, startModelServer, toolDelta } from '../../support/model-server.ts'
import { Gate } from '../../support/probe.ts'

describe('a model call that goes wrong', () => {
  const at = callBench()

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
        const failure = await failureOf(at.call([reply.status(status, {}, body)]))
        expect(failure.code).to.equal('MODEL_REJECTED')
        expect(failure.detail).to.include(words)
        expect(at.server.requests).to.have.length(1)
      })
    }

    it('hears it inside a 200 as well', async () => {
      const error = { message: 'context too long', type: 'invalid_request_error' }
      const failure = await failureOf(at.call([reply.stream({ error })]))
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
        const failure = await failureOf(at.call([bad], { limits }))
        expect(failure.code).to.equal('MODEL_GARBLED')
        expect(failure.detail).to.match(words)
        expect(at.server.requests).to.have.length(1)
        await (await at.server.request(0)).over
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
        at.server = await startModelServer([ending(first, heard.opened), reply.text('second')])
        at.rig = clientAt(at.server.url, { clock: at.clock })
        const answer = at.rig.client.stream(askFor('hi'), signal)[Symbol.asyncIterator]()
        await answer.next()
        heard.open()
        expect((await failureOf(answer.next())).code).to.equal('MODEL_UNAVAILABLE')
        expect(at.server.requests).to.have.length(1)
      })
    }

    it('is MODEL_UNAVAILABLE after too long a silence, and silence counts from the last byte', async () => {
      at.server = await startModelServer([reply.stall(first)])
      at.rig = clientAt(at.server.url, { clock: at.clock, limits: { idleMs: 10_000 } })
      const answer = at.rig.client.stream(askFor('hi'), signal)[Symbol.asyncIterator]()
      const opening = answer.next()
      await at.server.request(0)
      at.clock.advance(9_000)
      await opening
      const failure = failureOf(answer.next())
      at.clock.advance(9_000)
      expect(at.clock.pending, 'still waiting').to.be.greaterThan(0)
      at.clock.advance(1_000)
      expect((await failure).detail).to.equal('the model sent nothing for 10 s')
      expect(await (await at.server.request(0)).over).to.equal('cut by client')
    })

    it('is MODEL_UNAVAILABLE at the deadline', async () => {
      const answer = failureOf(at.call([reply.silence()], {}, 5_000))
      await eventually(() => at.clock.nextIn === 5_000)
      at.clock.advance(5_000)
      expect((await answer).detail).to.include('before the deadline')
    })

    it('ends within 200 ms of an abort, with its reason and the socket closed (C3)', async () => {
      const stop = new AbortController()
      at.server = await startModelServer([reply.stall(first)])
      at.rig = clientAt(at.server.url, { clock: at.clock })
      const answer = at.rig.client.stream(askFor('hi'), stop.signal)[Symbol.asyncIterator]()
      await answer.next()
      const failure = failureOf(answer.next())
      const began = performance.now()
      stop.abort(new Failure('DRAINING', 'the user stopped it'))
      expect(await failure).to.include({ code: 'DRAINING' })
      expect(await (await at.server.request(0)).over).to.equal('cut by client')
      expect(performance.now() - began).to.be.lessThan(200)
    })

    it('closes the socket when its reader leaves (C3)', async () => {
      at.server = await startModelServer([reply.stall(first)])
      at.rig = clientAt(at.server.url, { clock: at.clock })
      for await (const _ of at.rig.client.stream(askFor('hi'), signal)) break
      expect(await (await at.server.request(0)).over).to.equal('cut by client')
    })

    it('does not undo an answer that is complete (C2)', async () => {
      const heard = new Gate()
      at.server = await startModelServer([reply.cut(delta({ content: 'whole' }, 'stop'), done, heard.opened)])
      at.rig = clientAt(at.server.url, { clock: at.clock })
      const kinds: string[] = []
      for await (const chunk of at.rig.client.stream(askFor('hi'), signal)) {
        kinds.push(chunk.kind)
        if (chunk.kind === 'finish') heard.open()
      }
      expect(kinds).to.deep.equal(['text', 'usage', 'finish'])
    })
  })

  it('ends when the server keeps the connection open after [DONE]', async () => {
    const answer = at.call([reply.stall(delta({ content: 'whole' }, 'stop'), done)])
    await eventually(() => at.clock.nextIn === 250)
    at.clock.advance(250)
    expect((await answer).text).to.equal('whole')
  })

  it('does not even call when it is aborted already or late', async () => {
    at.server = await startModelServer()
    at.rig = clientAt(at.server.url, { clock: at.clock })
    const late = askFor('hi', { deadline: at.clock.now() })
    expect((await failureOf(hear(at.rig.client.stream(late, signal)))).code).to.equal('MODEL_UNAVAILABLE')
    const aborted = AbortSignal.abort(new Failure('DRAINING', 'over'))
    expect((await failureOf(hear(at.rig.client.stream(askFor('hi'), aborted)))).code).to.equal('DRAINING')
    expect(at.server.requests).to.have.length(0)
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
    const answer = failureOf(at.call(leaks, { log }))
    await eventually(() => at.server?.requests.length === 2 && at.clock.pending === 1)
    at.clock.advance(1_000)
    await eventually(() => at.server.requests.length === 3 && at.clock.pending === 1)
    at.clock.advance(1_000)
    failures.push(await answer)
    await at.rig.close()
    at.rig = clientAt(`http://user:${KEY}@127.0.0.1:1/v1?key=${KEY}`, { clock: at.clock, log })
    const unreachable = failureOf(hear(at.rig.client.stream(askFor('hi', { deadline: at.clock.now() + 1 }), signal)))
    failures.push(await unreachable)
    at.rig = clientAt(at.server.url, { clock: at.clock, log, apiKey: `${KEY}\nX: y` })
    failures.push(await failureOf(hear(at.rig.client.stream(askFor('hi'), signal))))
    expect(lines).to.have.length.greaterThan(2)
    expect(inspect(failures, { depth: 10 }) + lines.join('\n')).not.to.include(KEY)
  })

  it('survives a server that does not speak HTTP at all', async () => {
    const raw = createServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n'))
    raw.listen(0, '127.0.0.1')
    await once(raw, 'listening')
    at.server = await startModelServer()
    at.rig = clientAt(`http://127.0.0.1:${(raw.address() as { port: number }).port}`, {
      clock: at.clock,
      limits: { backoff: { attempts: 1, firstMs: 1, maxMs: 1 } },
    })
    expect((await failureOf(hear(at.rig.client.stream(askFor('hi'), signal)))).code).to.equal('MODEL_UNAVAILABLE')
    raw.close()
  })
})
