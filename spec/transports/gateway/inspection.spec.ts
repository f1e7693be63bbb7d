import { expect } from 'chai'
import { SignJWT } from 'jose'
import type { DryRunReport, DryRunRequest, DryRunSide } from '../../../transports/gateway/dry-runs.ts'
import type { PendingStep } from '../../../transports/gateway/session-reader.ts'
import { callJson } from '../../support/call-json.ts'
import { FakeSessions } from '../../support/fake-sessions.ts'
import { type GatewayHarness, realClock, recordOf, startGateway } from '../../support/gateway-harness.ts'

const ID = '8c5f2f1e-0000-4000-8000-000000000001'
const SECRET = 'a secret that is long enough for HS256'

const beforeModel: PendingStep = {
  hold: 7,
  since: 0,
  turnId: 't1',
  before: 'model',
  reason: 'next',
  messages: [{ position: 2, message: { role: 'user', content: 'hello' } }],
  calls: [],
}

const side: DryRunSide = {
  source: 'run',
  ended: 'final',
  events: [],
  outcome: 'completed',
  finalText: 'x',
  toolCalls: [{ tool: 'echo', args: {}, status: 'success', output: 'x', from: 'recorded' }],
  modelCalls: 1,
  usage: { promptTokens: 1, completionTokens: 1, costMicros: 5 },
}

/** A session that step mode holds, as the journal tells it. */
class HeldSessions extends FakeSessions {
  pending: PendingStep | undefined = beforeModel
  paused = false

  override async view(sessionId: string) {
    const { pending, paused } = this
    return { ...(await super.view(sessionId)), stepMode: true, paused, pending }
  }
}

describe('inspection routes', () => {
  let harness: GatewayHarness
  let sessions: HeldSessions
  const asked: DryRunRequest[] = []
  const dryRuns = {
    run: async (request: DryRunRequest): Promise<DryRunReport> => {
      asked.push(request)
      const { sessionId, limits } = request
      const difference = {
        changed: false,
        text: [],
        callsOnlyInBaseline: [],
        callsOnlyInFork: [],
        tokens: 0,
        costMicros: 0,
      }
      return { sessionId, at: 3, head: 3, limits, baseline: side, fork: side, difference }
    },
  }

  async function start(options: Parameters<typeof startGateway>[0] = {}) {
    asked.length = 0
    sessions = new HeldSessions({ announce() {}, preview() {} } as never, realClock)
    harness = await startGateway({ ...options, deps: { reader: sessions, dryRuns } })
    harness.records.set(ID, recordOf(ID, 'local'))
  }
  afterEach(() => harness.close())

  const call = (method: string, what: string, body?: unknown, headers = {}) =>
    callJson(harness.url, method, `/v1/sessions/${ID}/${what}`, body, headers)
  const sent = () => harness.sent.at(-1)?.body

  it('put control messages in, with who and why', async () => {
    await start()
    const told = [
      [
        { command: 'stop', turn_id: 't1', also_queued: true },
        { name: 'stop', turnId: 't1', alsoQueued: true },
      ],
      [{ command: 'pause' }, { name: 'pause' }],
      [
        { command: 'persona', persona_id: 'default' },
        { name: 'persona', personaId: 'default' },
      ],
    ] as const
    for (const [body, command] of told) {
      expect((await call('POST', 'inject', { role: 'control', ...body, why: 'because' })).status).to.equal(200)
      expect(sent()).to.deep.include({ kind: 'Inject', message: { role: 'control', command }, why: 'because' })
      expect(harness.sent.at(-1)?.priority).to.equal('control')
    }
    for (const body of [{ command: 'explode' }, { command: 'persona' }, { command: 'persona', persona_id: 'nobody' }]) {
      const { status } = await call('POST', 'inject', { role: 'control', ...body, why: 'because' })
      expect(status, JSON.stringify(body)).to.be.oneOf([400, 422])
    }
    expect((await call('POST', 'inject', { role: 'control', command: 'stop' })).status, 'why is asked for').to.equal(
      400,
    )
  })

  it('switch step mode, show what is held, edit it and go on', async () => {
    await start()
    await call('POST', 'step-mode', { on: true, why: 'because' })
    expect(sent()).to.include({ kind: 'SetStepMode', on: true, why: 'because' })
    const { body } = await call('GET', 'pending')
    expect(body).to.deep.include({ step_mode: true, paused: false })
    expect(body.pending).to.deep.include({ hold: 7, before: 'model', messages: beforeModel.messages })
    await call('PUT', 'pending', { hold: 7, position: 2, content: 'better', why: 'typo' })
    const edit = { what: 'message', position: 2, content: 'better' }
    expect(sent()).to.deep.include({ kind: 'EditPending', hold: 7, edit, why: 'typo' })
    await call('POST', 'step', {})
    expect(sent()).to.include({ kind: 'Step', hold: 7 })
  })

  it('answer 409 to what is about nothing that is held, and send nothing', async () => {
    await start()
    const refused: [string, string, object][] = [
      ['POST', 'step', { hold: 6 }],
      ['PUT', 'pending', { position: 9, content: 'x', why: 'y' }],
      ['PUT', 'pending', { call_id: 'c', arguments: {}, why: 'y' }],
    ]
    for (const [method, what, body] of refused) {
      expect((await call(method, what, body)).body.code, JSON.stringify(body)).to.equal('NOTHING_PENDING')
    }
    sessions.paused = true
    expect((await call('POST', 'step', {})).body.code).to.equal('NOTHING_PENDING')
    sessions.pending = undefined
    expect((await call('POST', 'step', {})).status).to.equal(409)
    expect(harness.sent).to.deep.equal([])
  })

  it('run a dry run within its limits, sending nothing', async () => {
    await start()
    const inject = { role: 'system', content: 'be terse', why: 'because' }
    const { status, body } = await call('POST', 'dry-run', { inject, message: 'hello', at: 3 })
    expect(status).to.equal(200)
    expect(body).to.include({ session_id: ID, at: 3, booked: false })
    expect(asked[0]).to.deep.include({
      inject: { role: 'system', content: 'be terse' },
      message: 'hello',
      limits: { steps: 10, tokens: 50_000, seconds: 60 },
    })
    for (const bad of [{}, { message: 'x', limits: { steps: 51 } }, { message: 'x', at: -1 }]) {
      expect((await call('POST', 'dry-run', bad)).status).to.equal(400)
    }
    expect(harness.sent).to.deep.equal([])
  })

  it('want the scope admin, and a session of one’s own tenant', async () => {
    await start({ auth: { mode: 'jwt', secret: SECRET, issuer: 'me', audience: 'soma' } })
    const sign = (claims: object) =>
      new SignJWT({ iss: 'me', aud: 'soma', ...claims })
        .setProtectedHeader({ alg: 'HS256' })
        .setExpirationTime('5m')
        .sign(new TextEncoder().encode(SECRET))
    const tokens = [await sign({ tenant: 'local' }), await sign({ tenant: 'other', scope: 'admin' })]
    const routes: [string, string, object | undefined][] = [
      ['POST', 'inject', { role: 'control', command: 'stop', why: 'x' }],
      ['POST', 'step-mode', { on: true, why: 'x' }],
      ['GET', 'pending', undefined],
      ['PUT', 'pending', { position: 2, content: 'x', why: 'x' }],
      ['POST', 'step', {}],
      ['POST', 'dry-run', { message: 'x' }],
    ]
    for (const [method, what, body] of routes) {
      const codes = await Promise.all(
        tokens.map(async (token) => (await call(method, what, body, { authorization: `Bearer ${token}` })).body.code),
      )
      expect(codes, `${method} ${what}`).to.deep.equal(['FORBIDDEN', 'SESSION_NOT_FOUND'])
    }
    expect(harness.sent).to.deep.equal([])
    expect(asked).to.deep.equal([])
  })
})
