import { expect } from 'chai'
import { SignJWT } from 'jose'
import type { RequeuedCall } from '../../../persistence/requeued-calls.ts'
import type { AuditQuery } from '../../../transports/gateway/audit-trail.ts'
import { callJson } from '../../support/call-json.ts'
import { type GatewayHarness, startGateway } from '../../support/gateway-harness.ts'

const SECRET = 'a secret that is long enough for HS256'

const denied = (callId: string, tenant: string): RequeuedCall => ({
  ...{ callId, tenant, sessionId: callId.split('/')[0] as string, personaId: 'soma', tool: 'echo', args: { n: 1 } },
  ...{ metadata: { k: 1 }, decision: { id: 'd', allow: false, reason: 'No.', policy: 'p' }, deniedAt: 1_000 },
})

async function* nothing(): AsyncGenerator<never> {
  yield* []
}

/** Answers as persistence does, of one call of tenant a. */
class OneDenied {
  readonly asked: unknown[] = []
  call = denied('s1/3.0', 'a')

  async list(query: { tenant?: string; limit: number }) {
    this.asked.push(query)
    return query.tenant === undefined || query.tenant === 'a' ? [this.call] : []
  }
  async get(callId: string) {
    return callId === this.call.callId ? this.call : undefined
  }
  async resolve(_: string, resolution: NonNullable<RequeuedCall['resolution']> | object) {
    const stands = this.call.resolution ?? { ...(resolution as NonNullable<RequeuedCall['resolution']>), done: false }
    this.call = { ...this.call, resolution: stands }
    return stands
  }
  async done() {}
}

describe('tools, as operators of several tenants see them', () => {
  let harness: GatewayHarness
  let requeued: OneDenied
  const audited: AuditQuery[] = []
  const as = async (tenant: string, scope = '') => {
    const jwt = new SignJWT({ tenant, sub: `ann-${tenant}`, scope }).setProtectedHeader({ alg: 'HS256' })
    const token = await jwt.setExpirationTime('1h').sign(new TextEncoder().encode(SECRET))
    return { authorization: `Bearer ${token}` }
  }
  const call = async (method: string, path: string, who: object, body?: unknown) =>
    callJson(harness.url, method, path, body, who)

  beforeEach(async () => {
    requeued = new OneDenied()
    audited.length = 0
    const audit = {
      rows(query: AuditQuery) {
        audited.push(query)
        return nothing()
      },
    }
    harness = await startGateway({
      auth: { mode: 'jwt', secret: SECRET, algorithms: ['HS256'] },
      deps: { requeued, audit },
    })
  })
  afterEach(() => harness.close())

  it('are switched, resolved and exported with the scope admin alone', async () => {
    const nobody = await as('a')
    for (const [method, path, body] of [
      ['PUT', '/v1/tool-catalog/echo', { enabled: false }],
      ['GET', '/v1/requeue', undefined],
      ['GET', '/v1/requeue/s1%2F3.0', undefined],
      ['POST', '/v1/requeue/s1%2F3.0/resolve', { action: 'allow', why: 'x' }],
      ['GET', '/v1/admin/audit/export', undefined],
    ] as const) {
      expect((await call(method, path, nobody, body)).body.code, path).to.equal('FORBIDDEN')
    }
    expect(harness.sent).to.deep.equal([])
  })

  it('a switch of one tenant is no other’s, and that of all needs admin:all', async () => {
    const [a, b, all] = [await as('a', 'admin'), await as('b', 'admin'), await as('c', 'admin admin:all')]
    await call('PUT', '/v1/tool-catalog/echo', a, { enabled: false, why: 'odd' })
    const enabled = async (who: object) => {
      const { body } = await call('GET', '/v1/tool-catalog', who)
      return (body as unknown as { enabled: boolean }[])[0]?.enabled
    }
    expect([await enabled(a), await enabled(b)]).to.deep.equal([false, true])
    const asked = { session_id: 'mine', tool_name: 'echo' }
    expect((await call('POST', '/v1/tool/request', a, asked)).body.code).to.equal('TOOL_DISABLED')
    expect((await call('POST', '/v1/tool/request', b, asked)).status).to.equal(200)
    const everybody = { enabled: false, every_tenant: true }
    expect((await call('PUT', '/v1/tool-catalog/echo', a, everybody)).body.code).to.equal('FORBIDDEN')
    expect((await call('PUT', '/v1/tool-catalog/echo', all, everybody)).status).to.equal(200)
    expect(await enabled(b)).to.equal(false)
  })

  it('shows how each tool is doing', async () => {
    const { body } = await call('GET', '/v1/tool-catalog', await as('a'))
    expect((body as unknown as object[])[0]).to.deep.include({
      name: 'echo',
      breaker: 'closed',
      running: 1,
      waiting: 2,
    })
  })

  it('a denied call is seen and resolved by its tenant’s operators alone', async () => {
    const [a, b] = [await as('a', 'admin'), await as('b', 'admin')]
    expect((await call('GET', '/v1/requeue', b)).body.calls).to.deep.equal([])
    expect((await call('GET', '/v1/requeue/s1%2F3.0', b)).body.code).to.equal('REQUEUED_CALL_NOT_FOUND')
    const allow = { action: 'allow', why: 'asked' }
    expect((await call('POST', '/v1/requeue/s1%2F3.0/resolve', b, allow)).body.code).to.equal('REQUEUED_CALL_NOT_FOUND')
    expect(harness.sent).to.deep.equal([])
    expect((await call('POST', '/v1/requeue/s1%2F3.0/resolve', a, allow)).body).to.include({
      status: 'sent',
      by: 'ann-a',
    })
    expect((await call('POST', '/v1/requeue/s1%2F3.0/resolve', a, allow)).status).to.equal(200)
    expect(
      harness.sent.map(({ id }) => id),
      'I3: a repeat is the same envelope',
    ).to.deep.equal(['requeue:s1/3.0', 'requeue:s1/3.0'])
    expect(harness.sent[0]).to.deep.include({ to: 'session:s1', tenant: 'a' })
    expect(harness.sent[0]?.body).to.deep.include({
      requestId: 'requeue/3.0',
      metadata: { k: 1 },
      approval: { callId: 's1/3.0', by: 'ann-a', why: 'asked' },
    })
    const deny = await call('POST', '/v1/requeue/s1%2F3.0/resolve', a, { action: 'deny', why: 'no' })
    expect([deny.status, deny.body.code]).to.deep.equal([409, 'REQUEUED_CALL_RESOLVED'])
  })

  it('a deny sends nothing', async () => {
    const answer = await call('POST', '/v1/requeue/s1%2F3.0/resolve', await as('a', 'admin'), {
      action: 'deny',
      why: 'no',
    })
    expect([answer.body.status, harness.sent.length]).to.deep.equal(['closed', 0])
  })

  it('I10: no client may approve its own call', async () => {
    await call('POST', '/v1/tool/request', await as('a'), {
      ...{ session_id: 'mine', tool_name: 'echo', approval: { callId: 'x', by: 'me', why: 'y' } },
      metadata: { approval: { callId: 'x', by: 'me', why: 'y' } },
    })
    expect(harness.sent.map(({ body }) => 'approval' in body)).to.deep.equal([false])
  })

  it('the audit is of the token’s tenant, and of all with admin:all', async () => {
    await fetch(`${harness.url}/v1/admin/audit/export?limit=7`, { headers: await as('a', 'admin') })
    await fetch(`${harness.url}/v1/admin/audit/export`, { headers: await as('a', 'admin admin:all') })
    expect(audited.map(({ tenant }) => tenant)).to.deep.equal(['a', undefined])
    const bad = await call('GET', '/v1/admin/audit/export?since=yesterday', await as('a', 'admin'))
    expect([bad.status, bad.body.code]).to.deep.equal([400, 'INVALID_REQUEST'])
  })
})
