import { expect } from 'chai'
import { Failure } from '../../../actors/kernel/failure.ts'
import { callBench } from '../../support/model-call-bench.ts'
import { askFor, clientAt, eventually, failureOf, hear, signal } from '../../support/model-calls.ts'
import { delta, reply, startModelServer } from '../../support/model-server.ts'

describe('a model call that fails before its first chunk', () => {
  const at = callBench()

  it('waits as long as Retry-After says in seconds', async () => {
    const waits: number[] = []
    const answer = at.call([reply.status(429, { 'retry-after': '7' }), reply.text('at last')])
    await at.afterWaits(2, waits)
    expect((await answer).text).to.equal('at last')
    expect(waits).to.deep.equal([7_000])
  })

  it('waits until the date of Retry-After', async () => {
    const waits: number[] = []
    const date = new Date(at.clock.now() + 30_000).toUTCString()
    const answer = at.call([reply.status(503, { 'retry-after': date }), reply.text('at last')])
    await at.afterWaits(2, waits)
    await answer
    expect(waits).to.deep.equal([30_000])
  })

  it('doubles its waits otherwise, and gives up after six calls with the last refusal', async () => {
    const waits: number[] = []
    const answer = failureOf(at.call([reply.status(500, {}, { error: { message: 'overloaded' } })]))
    await at.afterWaits(6, waits)
    const failure = await answer
    expect(failure.code).to.equal('MODEL_UNAVAILABLE')
    expect(failure.detail).to.include('answered 500: overloaded')
    expect(waits).to.deep.equal([250, 500, 1_000, 2_000, 4_000])
    expect(at.server.requests).to.have.length(6)
  })

  it('fails at once, with the time to try again, when the wait would outlast the deadline', async () => {
    const failure = await failureOf(at.call([reply.status(429, { 'retry-after': '20' })], {}, 10_000))
    expect(failure).to.include({ code: 'MODEL_UNAVAILABLE', retryAfter: 20 })
    expect(at.server.requests).to.have.length(1)
  })

  it('tries again after a lost connection and after a stream that ended at once', async () => {
    const waits: number[] = []
    const answer = at.call([reply.hangUp(), reply.cut(), reply.stream(delta({})), reply.text('here')])
    await at.afterWaits(4, waits)
    expect((await answer).text).to.equal('here')
  })

  it('tries again when nobody listens', async () => {
    at.server = await startModelServer()
    const { port } = new URL(at.server.url)
    await at.server.close()
    at.rig = clientAt(`http://127.0.0.1:${port}`, { clock: at.clock })
    const answer = hear(at.rig.client.stream(askFor('hi'), signal))
    await eventually(() => at.clock.pending === 1)
    at.server = await startModelServer([reply.text('up again')], { port: Number(port) })
    at.clock.advance(at.clock.nextIn ?? 0)
    expect((await answer).text).to.equal('up again')
  })

  it('stops waiting at once when it is aborted', async () => {
    const stop = new AbortController()
    at.server = await startModelServer([reply.status(429, { 'retry-after': '7' })])
    at.rig = clientAt(at.server.url, { clock: at.clock })
    const failure = failureOf(hear(at.rig.client.stream(askFor('hi'), stop.signal)))
    await eventually(() => at.server.requests.length === 1 && at.clock.pending === 1)
    stop.abort(new Failure('DRAINING', 'stop'))
    expect((await failure).code).to.equal('DRAINING')
  })
})
