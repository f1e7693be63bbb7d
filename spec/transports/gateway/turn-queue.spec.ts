import { once } from 'node:events'
import { expect } from 'chai'
import WebSocket from 'ws'
import { silentLogger } from '../../../actors/kernel/telemetry.ts'
import { OpenTurnCounts } from '../../../transports/gateway/open-turns.ts'
import { InProcessOutbound } from '../../../transports/in-process-outbound.ts'
import { callJson } from '../../support/call-json.ts'
import { FakeSessions, type TurnScript } from '../../support/fake-sessions.ts'
import { type GatewayHarness, startGateway } from '../../support/gateway-harness.ts'
import { Service } from '../../support/service.ts'
import { SessionListener } from '../../support/session-listener.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

/** Of the default persona: 32 wait and one runs. */
const LIMIT = 33
const message = '/v1/session/message'

describe('a full queue of turns', () => {
  let harness: GatewayHarness
  let held: TurnScript[]

  beforeEach(async () => {
    harness = await startGateway()
    held = []
    harness.sessions.script = (turn) => held.push(turn)
  })
  afterEach(() => harness.close())

  const call = (path: string, body: unknown, headers?: object) => callJson(harness.url, 'POST', path, body, headers)
  const post = (headers?: object) => call(message, { session_id: 's', message: 'x' }, headers)

  async function fill(): Promise<string> {
    const answers = await Promise.all(Array.from({ length: LIMIT }, () => post()))
    expect(answers.map(({ status }) => status)).to.deep.equal(Array(LIMIT).fill(200))
    return answers[0]?.body.session_id as string
  }

  it('T1: refuses what came beside too many others, and sends nothing of it', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => post()))
    const refused = answers.filter(({ status }) => status === 429)
    expect(answers.filter(({ status }) => status === 200)).to.have.length(LIMIT)
    expect(refused).to.have.length(60 - LIMIT)
    expect(refused[0]?.body.code).to.equal('TURN_QUEUE_FULL')
    expect(refused[0]?.headers.get('retry-after')).to.equal('1')
    expect(harness.sent).to.have.length(LIMIT)
  })

  it('D4: is refused on every way to a turn, and other sessions are not', async () => {
    const id = await fill()
    const named = { 'x-session-id': 's' }
    const chat = { model: 'rehearsal/demo', messages: [{ role: 'user', content: 'x' }] }
    for (const [path, body, headers] of [
      [message, { session_id: 's', message: 'x' }, {}],
      ['/v1/session/action', { session_id: 's', action: 'summarize' }, {}],
      ['/v1/chat/completions', chat, named],
      ['/v1/chat/completions', { ...chat, stream: true }, named],
      ['/v1/responses', { model: 'rehearsal/demo', input: 'x' }, named],
    ] as const) {
      const { status, headers: answered, body: told } = await call(path, body, headers)
      expect(status, path).to.equal(429)
      expect(answered.get('retry-after'), path).to.equal('1')
      expect(JSON.stringify(told), path).to.contain('TURN_QUEUE_FULL')
    }
    const socket = new WebSocket(`${harness.url.replace('http', 'ws')}/v1/session/${id}/stream?after=${LIMIT}`)
    await once(socket, 'open')
    socket.send('{"type":"message","text":"x"}')
    const [frame] = (await once(socket, 'message')) as [Buffer]
    expect(JSON.parse(frame.toString())).to.include({ type: 'error', code: 'TURN_QUEUE_FULL' })
    socket.close()
    expect(harness.sent).to.have.length(LIMIT)
    expect((await call(`/v1/sessions/${id}/stop`, {})).status, 'what steers').to.equal(200)
    expect((await call(`/v1/sessions/${id}/intervene`, { text: 'x' })).status, 'what steers').to.equal(200)
    expect((await call(message, { session_id: 'other', message: 'x' })).status).to.equal(200)
  })

  it('D4: takes the same Idempotency-Key later, even with other words, and a repeat of what it took at once', async () => {
    const first = await post({ 'idempotency-key': 'first' })
    for (let i = 1; i < LIMIT; i++) await post()
    const key = { 'idempotency-key': 'late' }
    expect((await post(key)).status).to.equal(429)
    expect((await post({ 'idempotency-key': 'first' })).body).to.deep.equal(first.body)
    held.shift()?.finish()
    expect((await call(message, { session_id: 's', message: 'other words' }, key)).status).to.equal(200)
    expect((await post()).status, 'full again').to.equal(429)
  })

  it('T1: gives back the place of a turn that was not sent', async () => {
    for (let i = 0; i < LIMIT + 1; i++) {
      expect(
        (await call('/v1/session/action', { session_id: 's', action: 'summarize', persona_id: 'x' })).status,
      ).to.equal(422)
      harness.failSend(Object.assign(new Error('down')) as never)
      expect((await post()).status).to.equal(500)
      harness.failSend(undefined)
    }
    await fill()
  })
})

describe('the count of open turns', () => {
  const clock = new VirtualClock()
  const outbound = new InProcessOutbound(silentLogger)
  let sessions: FakeSessions
  let counts: OpenTurnCounts

  beforeEach(() => {
    sessions = new FakeSessions(outbound, clock)
    counts = new OpenTurnCounts({ outbound, reader: sessions, clock })
  })

  const take = (turnId: string, tenant = 'a') =>
    counts.take({ tenant, sessionId: 's', turnId, limit: 2, intervenes: false })
  const said = (type: string, turn_id: string) => sessions.event('s', type, '', { turn_id })
  const refused = async (turnId: string) => {
    const failure = await take(turnId).then(
      () => undefined,
      (error: { code: string }) => error.code,
    )
    expect(failure).to.equal('TURN_QUEUE_FULL')
  }

  it('T1: gives no seat twice to those who ask side by side', async () => {
    const asked = await Promise.allSettled(['1', '2', '3', '4'].map((turn) => take(turn)))
    expect(asked.filter(({ status }) => status === 'fulfilled')).to.have.length(2)
  })

  it('T2, T3: forgets a turn at its end, and the session with its last', async () => {
    await take('1')
    await take('2')
    await refused('3')
    said('assistant.final', '1')
    await take('3')
    said('assistant.final', '2')
    said('assistant.final', '3')
    expect(counts.size).to.equal(0)
  })

  it('T2: finds in the journal the end that was not announced', async () => {
    for (const turn of ['1', '2']) {
      await take(turn)
      said('user.message', turn)
    }
    sessions.lost.add(3)
    said('assistant.final', '1')
    await take('3')
    await refused('4')
  })

  it('T2: waits for a turn that is on its way, and not for ever', async () => {
    await take('1')
    await take('2')
    await refused('3')
    clock.advance(11_000)
    await take('3')
  })

  it('lets an intervention through while a turn runs, for it steers that one', async () => {
    for (const turn of ['1', '2']) {
      await take(turn)
      said('user.message', turn)
    }
    await counts.take({ tenant: 'a', sessionId: 's', turnId: '3', limit: 2, intervenes: true })
  })

  it('tells one tenant nothing of another’s session', async () => {
    await take('1')
    await take('2')
    await take('3', 'b')
  })
})

describe('200 messages behind a turn that hangs', function () {
  this.timeout(60_000)
  let service: Service
  before(async () => {
    service = await Service.start()
  })
  after(() => service.release())

  it('are refused beyond the limit and leave no trace; every one that was answered 200 is done after a stop', async () => {
    const first = await service.request('POST', message, { message: 'hang' })
    const { session_id } = first.body as { session_id: string }
    const listener = await SessionListener.open(service.url, session_id)
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => service.request('POST', message, { session_id, message: 'say done' })),
    )
    const accepted = answers.filter(({ status }) => status === 200)
    expect(accepted.length).to.equal(LIMIT - 1)
    expect(answers.filter(({ status }) => status === 429)).to.have.length(200 - accepted.length)
    await service.request('POST', `/v1/sessions/${session_id}/stop`, {})
    for (const { body } of accepted) {
      const final = await listener.final((body as { event_id: string }).event_id)
      expect(final.event.metadata.outcome).to.equal('completed')
    }
    listener.close()
    const { body } = await service.request('GET', `/v1/sessions/${session_id}/events?limit=500`)
    const types = (body as { events: { payload: { type: string } }[] }).events.map(({ payload }) => payload.type)
    expect(types.filter((type) => type === 'user.message')).to.have.length(LIMIT)
  })
})
