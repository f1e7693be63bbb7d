import { expect } from 'chai'
import { Failure } from '../../../actors/kernel/failure.ts'
import { uuidOf } from '../../../transports/gateway/session-id.ts'
import { callJson } from '../../support/call-json.ts'
import { type GatewayHarness, quarantineEntry, recordOf, startGateway } from '../../support/gateway-harness.ts'

describe('requests to the gateway', () => {
  let harness: GatewayHarness

  before(async () => {
    harness = await startGateway({ limits: { bodyBytes: 100_000, messageChars: 1_000 } })
  })
  after(() => harness.close())

  const call = (method: string, path: string, body?: unknown, headers?: object) =>
    callJson(harness.url, method, path, body, headers)

  const message = '/v1/session/message'

  describe('messages', () => {
    it('are answered with the ids of their session and turn, once the mailbox has them', async () => {
      const { status, body } = await call('POST', message, {
        message: 'hello',
        metadata: { k: 'v' },
      })
      expect(status).to.equal(200)
      const envelope = harness.sent.at(-1)
      expect(envelope).to.deep.include({ id: body.event_id, to: `session:${body.session_id}`, tenant: 'local' })
      expect(envelope?.body).to.deep.include({ turnId: body.event_id, attachments: [], metadata: { k: 'v' } })
      expect(harness.records.get(body.session_id as string)?.tenant).to.equal('local')
    })

    it('I1: are refused, not accepted, when the mailbox does not take them', async () => {
      harness.failSend(new Failure('MAILBOX_FULL', 'The backlog is over its limit.', { retryAfter: 7 }))
      const { status, headers, body } = await call('POST', message, { message: 'hello' })
      harness.failSend(undefined)
      expect(status).to.equal(503)
      expect(headers.get('retry-after')).to.equal('7')
      expect(body.code).to.equal('MAILBOX_FULL')
    })

    it('may name their session, and the name is the same UUID each time', async () => {
      const first = await call('POST', message, { session_id: 'my notes', message: 'one' })
      const second = await call('POST', message, { session_id: 'my notes', message: 'two' })
      expect(first.body.session_id).to.equal(uuidOf('session', 'local', 'my notes'))
      expect(second.body.session_id).to.equal(first.body.session_id)
    })

    it('honour the old headers, and ignore a tenant in the body', async () => {
      const headers = { 'x-persona-id': 'pirate', 'x-agent-profile': 'p', 'x-universe-id': 'u' }
      await call('POST', message, { message: 'hello', tenant: 'victim' }, headers)
      const envelope = harness.sent.at(-1)
      expect(envelope?.tenant).to.equal('local')
      expect(envelope?.body).to.deep.include({
        personaId: 'pirate',
        metadata: { agent_profile_id: 'p', universe_id: 'u' },
      })
    })

    it('carry the caller’s trace on', async () => {
      const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
      await call('POST', message, { message: 'hello' }, { traceparent })
      expect(harness.sent.at(-1)?.trace).to.include({ traceparent })
    })
  })

  describe('an Idempotency-Key', () => {
    it('gives a repeat the same ids, so that the session applies it once', async () => {
      const key = { 'idempotency-key': 'key-1' }
      const first = await call('POST', message, { message: 'once' }, key)
      const second = await call('POST', message, { message: 'once' }, key)
      expect(second.body).to.deep.equal(first.body)
      const journal = harness.sessions.journals.get(first.body.session_id as string)
      expect(journal?.filter(({ event }) => event.type === 'user.message')).to.have.length(1)
    })

    it('used with another body is a conflict', async () => {
      const key = { 'idempotency-key': 'key-2' }
      await call('POST', message, { message: 'one' }, key)
      const { status, body } = await call('POST', message, { message: 'two' }, key)
      expect(status).to.equal(422)
      expect(body.code).to.equal('IDEMPOTENCY_CONFLICT')
    })

    it('makes an import the same sessions', async () => {
      const key = { 'idempotency-key': 'key-3' }
      const chats = [{ history: [{ role: 'user', content: 'hi' }] }, { history: [{ role: 'user', content: 'ho' }] }]
      const first = await call('POST', '/v1/sessions/import', { chats }, key)
      const second = await call('POST', '/v1/sessions/import', { chats }, key)
      expect(first.body.ctxids).to.have.length(2)
      expect(second.body).to.deep.equal(first.body)
    })
  })

  describe('a session', () => {
    it('is listed, read, and its journal paged', async () => {
      const { body } = await call('POST', message, { message: 'hello' })
      const id = body.session_id as string
      expect((await call('GET', '/v1/sessions?limit=200')).body.sessions).to.have.deep.nested.property(
        '[0].tenant',
        'local',
      )
      expect((await call('GET', `/v1/sessions/${id}`)).body).to.include({ session_id: id, head: 3 })
      const page = (await call('GET', `/v1/sessions/${id}/events?after=1&limit=1`)).body
      expect(page).to.include({ session_id: id, next_cursor: 2 })
      expect(page.events).to.have.deep.nested.property('[0].id', 2)
      expect((await call('GET', `/v1/sessions/${id}/events?after=2`)).body.next_cursor).to.equal(null)
      expect((await call('GET', `/v1/sessions/${id}/history`)).body.log).to.contain('user: hello')
      expect((await call('GET', `/v1/sessions/${id}/context-window`)).body.tokens).to.equal(10)
    })

    it('takes every command', async () => {
      const { body } = await call('POST', message, { message: 'hello' })
      const id = body.session_id as string
      const from = harness.sent.length
      for (const [path, given] of [
        ['reset', undefined],
        ['pause', { paused: true }],
        ['pause', { paused: false }],
        ['stop', { also_queued: true }],
        ['nudge', {}],
        ['intervene', { text: 'wait' }],
        ['persona', { persona_id: 'pirate' }],
        ['metadata', { metadata: { a: 1 } }],
        ['inject', { role: 'tool', call_id: 'c', content: 'x', why: 'a test' }],
      ] as const) {
        expect((await call('POST', `/v1/sessions/${id}/${path}`, given)).status, path).to.equal(200)
      }
      for (const action of ['summarize', 'nudge', 'pause', 'resume', 'stop']) {
        expect((await call('POST', '/v1/session/action', { session_id: id, action })).status, action).to.equal(200)
      }
      expect((await call('POST', '/v1/tool/request', { session_id: id, tool_name: 'echo' })).body.status).to.equal(
        'enqueued',
      )
      expect((await call('DELETE', `/v1/sessions/${id}`)).status).to.equal(200)
      expect(harness.sent.slice(from).map((envelope) => envelope.body.kind)).to.deep.equal([
        ...['Reset', 'Pause', 'Resume', 'Stop', 'Nudge', 'Intervene', 'SwitchPersona', 'UpdateMetadata', 'Inject'],
        ...['Act', 'Nudge', 'Pause', 'Resume', 'Stop', 'RequestTool', 'Delete'],
      ])
    })

    it('is exported as what import reads', async () => {
      const { body } = await call('POST', message, { message: 'hello' })
      const { ctxid, content } = (await call('POST', '/v1/sessions/export', { session_id: body.session_id })).body
      expect(ctxid).to.equal(body.session_id)
      const imported = await call('POST', '/v1/sessions/import', { chats: [content] })
      expect(imported.status).to.equal(200)
      expect(harness.sent.at(-1)?.body).to.have.deep.nested.property('history[0]', { role: 'user', content: 'hello' })
    })

    it('of another tenant is not there, on any route', async () => {
      const id = '3f0c8e0a-0000-4000-8000-0000000000ff'
      harness.records.set(id, recordOf(id, 'other'))
      const from = harness.sent.length
      const tries: [string, string, unknown?][] = [
        ['GET', `/v1/sessions/${id}`],
        ['GET', `/v1/sessions/${id}/events`],
        ['GET', `/v1/sessions/${id}/history`],
        ['GET', `/v1/sessions/${id}/context-window`],
        ['GET', `/v1/session/${id}/events`],
        ['DELETE', `/v1/sessions/${id}`],
        ['POST', `/v1/sessions/${id}/reset`],
        ['POST', `/v1/sessions/${id}/stop`],
        ['POST', `/v1/sessions/${id}/inject`, { role: 'user', content: 'x', why: 'x' }],
        ['POST', '/v1/sessions/export', { session_id: id }],
        ['POST', message, { session_id: id, message: 'x' }],
        ['POST', '/v1/session/action', { session_id: id, action: 'summarize' }],
        ['POST', '/v1/tool/request', { session_id: id, tool_name: 'echo' }],
        ['GET', `/v1/responses/resp_${id.replaceAll('-', '')}${'0'.repeat(32)}`],
      ]
      for (const [method, path, given] of tries) {
        const { status, body } = await call(method, path, given)
        expect(status, path).to.equal(404)
        expect(JSON.stringify(body), path).to.contain('SESSION_NOT_FOUND')
      }
      for (const path of ['/v1/chat/completions', '/v1/responses']) {
        const given = { model: 'rehearsal/demo', messages: [{ role: 'user', content: 'x' }], input: 'x' }
        const { status } = await call('POST', path, given, { 'x-session-id': id })
        expect(status, path).to.equal(404)
      }
      expect(harness.sent.length, 'nothing was sent').to.equal(from)
    })

    it('that is quarantined answers so', async () => {
      const { body } = await call('POST', message, { message: 'hello' })
      const entry = quarantineEntry(body.session_id as string, 'local')
      harness.quarantined.set(entry.address, entry)
      const refused = await call('POST', message, { session_id: body.session_id, message: 'again' })
      expect(refused.status).to.equal(503)
      expect(refused.body.code).to.equal('SESSION_QUARANTINED')
      const path = `/v1/admin/quarantine/${encodeURIComponent(entry.address)}`
      expect((await call('GET', path)).body.detail).to.equal('it failed five times')
      expect((await call('POST', `${path}/resume`, { action: 'drop' })).body.status).to.equal('resumed')
      expect((await call('POST', `${path}/resume`)).body.code).to.equal('NOT_QUARANTINED')
      expect((await call('POST', message, { session_id: body.session_id, message: 'again' })).status).to.equal(200)
    })
  })

  describe('machines', () => {
    it('read health, readiness, metrics and the OpenAPI document', async () => {
      expect((await call('GET', '/healthz')).body.status).to.equal('ok')
      expect((await call('GET', '/readyz')).status).to.equal(200)
      expect(await (await fetch(`${harness.url}/metrics`)).text()).to.contain('up 1')
      const { body } = await call('GET', '/openapi.json')
      expect(body.openapi).to.equal('3.1.0')
      expect(body.paths).to.include.keys('/v1/session/message', '/v1/chat/completions', '/v1/sessions/{id}/events')
      expect(JSON.stringify(body)).to.contain('"maxLength":1000')
    })

    it('pages are served under a strict policy, and need nothing from elsewhere', async () => {
      const assets = [...(await (await fetch(harness.url)).text()).matchAll(/"(\/console\/assets\/[^"]+)"/g)]
      expect(assets.length).to.be.at.least(2)
      for (const path of ['/', '/docs', ...assets.map(([, asset]) => asset as string)]) {
        const response = await fetch(`${harness.url}${path}`)
        expect(response.status, path).to.equal(200)
        expect(response.headers.get('content-security-policy')).to.contain("default-src 'none'")
        expect(await response.text(), path).to.not.match(/(src|href)="https?:|<script>|style="/)
      }
    })
  })
})
