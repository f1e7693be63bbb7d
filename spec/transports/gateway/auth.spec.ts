import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { expect } from 'chai'
import { exportSPKI, generateKeyPair, SignJWT } from 'jose'
import WebSocket from 'ws'
import { sessionIdOf } from '../../../transports/gateway/session-id.ts'
import { type GatewayHarness, recordOf, startGateway } from '../../support/gateway-harness.ts'
import { SseReader } from '../../support/sse-reader.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const SECRET = 'a secret that is long enough for HS256'

describe('authentication', () => {
  let harness: GatewayHarness
  afterEach(() => harness.close())

  const sign = (claims: object, options: { secret?: string; expires?: string } = {}) =>
    new SignJWT({ iss: 'me', aud: 'soma', ...claims })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime(options.expires ?? '5m')
      .sign(new TextEncoder().encode(options.secret ?? SECRET))

  async function call(path: string, token?: string, init: RequestInit = {}) {
    const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) }
    const response = await fetch(`${harness.url}${path}`, { ...init, headers })
    return { status: response.status, headers: response.headers, body: (await response.json()) as { code?: string } }
  }

  const jwt = { mode: 'jwt' as const, secret: SECRET, issuer: 'me', audience: 'soma' }

  it('takes the tenant from the token alone, whatever claim it is in', async () => {
    harness = await startGateway({ auth: jwt })
    for (const claim of ['tenant', 'org', 'customer']) {
      const token = await sign({ [claim]: `by-${claim}`, sub: 'ann' })
      const body = JSON.stringify({ message: 'hello', tenant: 'victim' })
      expect((await call('/v1/session/message', token, { method: 'POST', body })).status).to.equal(200)
      expect(harness.sent.at(-1)?.tenant).to.equal(`by-${claim}`)
    }
  })

  it('gives equal names of two tenants two sessions, and hides each from the other', async () => {
    harness = await startGateway({ auth: jwt })
    const [ann, bob] = [await sign({ tenant: 'a' }), await sign({ tenant: 'b' })]
    const send = (token: string, session_id: string) =>
      call('/v1/session/message', token, { method: 'POST', body: JSON.stringify({ message: 'x', session_id }) })
    const hers = (await send(ann, 'notes')).body as { session_id: string }
    const his = (await send(bob, 'notes')).body as { session_id: string }
    expect(his.session_id).to.not.equal(hers.session_id)
    expect((await send(bob, hers.session_id)).body.code).to.equal('SESSION_NOT_FOUND')
    expect((await call(`/v1/sessions/${hers.session_id}`, bob)).status).to.equal(404)
    expect((await call(`/v1/sessions/${hers.session_id}`, ann)).status).to.equal(200)
  })

  it('lets nobody begin a session under the id that another tenant’s name will have, nor learn whether it is there', async () => {
    harness = await startGateway({ auth: jwt })
    const [ann, bob] = [await sign({ tenant: 'a' }), await sign({ tenant: 'b' })]
    const send = (token: string, session_id: string) =>
      call('/v1/session/message', token, { method: 'POST', body: JSON.stringify({ message: 'x', session_id }) })
    const upload = async (session: string) => {
      const body = new FormData()
      body.set('session_id', session)
      body.set('files', new Blob(['x']), 'x.txt')
      const headers = { authorization: `Bearer ${bob}` }
      return (await fetch(`${harness.url}/v1/uploads`, { method: 'POST', headers, body })).status
    }
    const [taken, free] = [sessionIdOf('a', 'taken'), sessionIdOf('a', 'free')]
    expect((await send(ann, 'taken')).status).to.equal(200)
    for (const id of [taken, free, free.toUpperCase()]) {
      expect((await send(bob, id)).body.code, id).to.equal('SESSION_NOT_FOUND')
      expect(await upload(id), id).to.equal(404)
    }
    expect((await send(ann, 'free')).body).to.include({ session_id: free })
    expect((await send(ann, free)).status, 'her own, by its id').to.equal(200)
    expect((await send(bob, randomUUID())).status, 'an id of his own').to.equal(200)
  })

  it('refuses no token, a forged, an expired, a misdirected and a tenantless one', async () => {
    harness = await startGateway({ auth: jwt })
    const refused = [
      undefined,
      'rubbish',
      await sign({ tenant: 'a' }, { secret: 'another secret that is long enough' }),
      await sign({ tenant: 'a' }, { expires: '-1m' }),
      await sign({ tenant: 'a', aud: 'elsewhere' }),
      await sign({ tenant: 'a'.repeat(201) }),
      await sign({ tenant: 'a', iss: 'somebody' }),
      await sign({}),
      `${btoa('{"alg":"none"}')}.${btoa('{"tenant":"a","iss":"me","aud":"soma"}')}.`.replaceAll('=', ''),
    ]
    for (const token of refused) {
      const { status, headers, body } = await call('/v1/sessions', token)
      expect(status).to.equal(401)
      expect(body.code).to.equal('UNAUTHENTICATED')
      expect(headers.get('www-authenticate')).to.equal('Bearer')
    }
    expect((await call('/healthz')).status, 'health is open').to.equal(200)
  })

  it('never takes a public key for an HMAC secret', async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
    const pem = await exportSPKI(publicKey)
    harness = await startGateway({ auth: { mode: 'jwt', publicKey: pem } })
    const forged = await sign({ tenant: 'a' }, { secret: pem })
    expect((await call('/v1/sessions', forged)).status).to.equal(401)
    const real = await new SignJWT({ tenant: 'a' })
      .setProtectedHeader({ alg: 'RS256' })
      .setExpirationTime('5m')
      .sign(privateKey)
    expect((await call('/v1/sessions', real)).status).to.equal(200)
  })

  it('refuses a token that never expires, and says so', async () => {
    harness = await startGateway({ auth: jwt })
    const endless = await new SignJWT({ iss: 'me', aud: 'soma', tenant: 'a' })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode(SECRET))
    const { status, body } = await call('/v1/sessions', endless)
    expect(status).to.equal(401)
    expect(body).to.have.property('detail').that.contains('`exp`')
  })

  it('ends a stream when its token does, and tells the cursor to come back with', async () => {
    const clock = new VirtualClock()
    harness = await startGateway({ auth: jwt, deps: { clock } })
    const token = await new SignJWT({ iss: 'me', aud: 'soma', tenant: 'a' })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime(clock.now() / 1000 + 10)
      .sign(new TextEncoder().encode(SECRET))
    const id = '3f0c8e0a-0000-4000-8000-0000000000aa'
    harness.records.set(id, recordOf(id, 'a'))
    harness.sessions.event(id, 'session.started')
    const reader = await SseReader.open(`${harness.url}/v1/session/${id}/events`, { authorization: `Bearer ${token}` })
    expect((await reader.next())?.id).to.equal('1')
    const socket = new WebSocket(`${harness.url.replace('http', 'ws')}/v1/session/${id}/stream?access_token=${token}`)
    await once(socket, 'message')
    clock.advance(9_999)
    harness.sessions.event(id, 'session.metadata')
    expect((await reader.next())?.id, 'while it is good').to.equal('2')
    clock.advance(1)
    const closed = once(socket, 'close')
    const last = await reader.next()
    expect(last?.event).to.equal('error')
    expect(JSON.parse(last?.data ?? '')).to.include({ code: 'UNAUTHENTICATED', cursor: 2 })
    expect(await reader.next()).to.equal(undefined)
    const [code, reason] = (await closed) as [number, Buffer]
    expect(code).to.equal(4401)
    expect(reason.toString()).to.equal('UNAUTHENTICATED cursor=2')
  })

  it('does not end the stream of a token that is good for a year', async () => {
    const clock = new VirtualClock()
    const delays: number[] = []
    const watched = {
      now: () => clock.now(),
      after(delayMs: number, task: () => void) {
        delays.push(delayMs)
        return clock.after(delayMs, task)
      },
    }
    harness = await startGateway({ auth: jwt, deps: { clock: watched } })
    const year = 365 * 86_400
    const token = await new SignJWT({ iss: 'me', aud: 'soma', tenant: 'a' })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime(clock.now() / 1000 + year)
      .sign(new TextEncoder().encode(SECRET))
    const id = '3f0c8e0a-0000-4000-8000-0000000000aa'
    harness.records.set(id, recordOf(id, 'a'))
    harness.sessions.event(id, 'session.started')
    const reader = await SseReader.open(`${harness.url}/v1/session/${id}/events`, { authorization: `Bearer ${token}` })
    await reader.next()
    expect(Math.max(...delays), 'the most that a timer can wait').to.equal(2 ** 31 - 1)
    reader.close()
  })

  it('takes ?access_token on the streams alone, where a browser cannot send a header', async () => {
    harness = await startGateway({ auth: jwt })
    const token = await sign({ tenant: 'a' })
    expect((await call(`/v1/session/none/events?access_token=${token}`)).body.code).to.equal('SESSION_NOT_FOUND')
    expect((await call(`/v1/sessions?access_token=${token}`)).status).to.equal(401)
    const body = JSON.stringify({ message: 'x' })
    const refused = await call(`/v1/session/message?access_token=${token}`, undefined, { method: 'POST', body })
    expect(refused.status).to.equal(401)
  })

  it('asks for the scope admin where operators act', async () => {
    harness = await startGateway({ auth: jwt })
    const plain = await sign({ tenant: 'a', scope: 'read write' })
    const admin = await sign({ tenant: 'a', scp: ['admin'] })
    for (const path of ['/v1/admin/tree', '/v1/admin/dead-letters', '/v1/admin/quarantine', '/v1/admin/dlq/x']) {
      expect((await call(path, plain)).body.code, path).to.equal('FORBIDDEN')
      expect((await call(path, admin)).status, path).to.equal(200)
    }
    const birth = { method: 'POST', body: JSON.stringify({ message: 'x', session_id: 's' }) }
    await call('/v1/session/message', plain, birth)
    const inject = { method: 'POST', body: JSON.stringify({ role: 'user', content: 'x', why: 'y' }) }
    expect((await call('/v1/sessions/s/inject', plain, inject)).body.code).to.equal('FORBIDDEN')
    expect((await call('/v1/sessions/s/inject', admin, inject)).status).to.equal(200)
  })

  it('allows a configured origin, preflight included, and no other', async () => {
    harness = await startGateway({ config: { allowedOrigins: ['https://app.example'] } })
    const ask = (origin: string, method: string) =>
      fetch(`${harness.url}/v1/sessions`, { method, headers: { origin, 'access-control-request-method': 'POST' } })
    const preflight = await ask('https://app.example', 'OPTIONS')
    expect(preflight.status).to.equal(204)
    expect(preflight.headers.get('access-control-allow-origin')).to.equal('https://app.example')
    expect((await ask('https://app.example', 'GET')).status).to.equal(200)
    expect((await ask('https://evil.example', 'OPTIONS')).status).to.equal(403)
    expect((await ask(harness.url, 'GET')).status, 'its own page').to.equal(200)
  })
})
