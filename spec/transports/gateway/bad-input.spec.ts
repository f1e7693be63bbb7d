import { once } from 'node:events'
import { connect } from 'node:net'
import { expect } from 'chai'
import type { Failure } from '../../../actors/kernel/failure.ts'
import { callJson } from '../../support/call-json.ts'
import { type GatewayHarness, startGateway } from '../../support/gateway-harness.ts'

const message = '/v1/session/message'

describe('bad input', () => {
  let harness: GatewayHarness

  before(async () => {
    harness = await startGateway({ limits: { bodyBytes: 100_000, messageChars: 1_000 } })
  })
  after(() => harness.close())

  const call = (method: string, path: string, body?: unknown, headers?: object) =>
    callJson(harness.url, method, path, body, headers)

  const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`
  const table: [string, string, string, unknown, number, string, object?][] = [
    ['invalid JSON', 'POST', message, '{"message":', 400, 'MALFORMED_JSON'],
    ['an empty body', 'POST', message, '', 400, 'INVALID_REQUEST'],
    ['a wrong type', 'POST', message, { message: 7 }, 400, 'INVALID_REQUEST'],
    ['too long a text', 'POST', message, { message: 'x'.repeat(1_001) }, 400, 'INVALID_REQUEST'],
    ['a budget in words', 'POST', message, { message: 'x', metadata: { budget: 'much' } }, 400, 'INVALID_REQUEST'],
    ['too large a body', 'POST', message, { message: 'x'.repeat(100_001) }, 413, 'PAYLOAD_TOO_LARGE'],
    ['a body nested too deep', 'POST', message, `{"message":"x","metadata":{"a":${deep}}}`, 400, 'INVALID_REQUEST'],
    ['another content type', 'POST', message, 'x', 415, 'UNSUPPORTED_MEDIA_TYPE', { 'content-type': 'text/plain' }],
    ['too long a session name', 'POST', message, { message: 'x', session_id: 'x'.repeat(129) }, 400, 'INVALID_REQUEST'],
    ['an unknown persona', 'POST', message, { message: 'x', persona_id: 'nobody' }, 422, 'PERSONA_NOT_FOUND'],
    ['an unknown action', 'POST', '/v1/session/action', { action: 'dance' }, 422, 'UNKNOWN_ACTION'],
    ['an unknown tool', 'POST', '/v1/tool/request', { session_id: 's', tool_name: 'x' }, 404, 'TOOL_NOT_FOUND'],
    ['an unknown session', 'GET', '/v1/sessions/nowhere', undefined, 404, 'SESSION_NOT_FOUND'],
    ['an unknown route', 'GET', '/v1/nowhere', undefined, 404, 'ROUTE_NOT_FOUND'],
    ['a wrong method', 'PUT', message, { message: 'x' }, 405, 'METHOD_NOT_ALLOWED'],
    ['a foreign origin', 'POST', message, { message: 'x' }, 403, 'ORIGIN_REJECTED', { origin: 'https://evil.example' }],
    ['a null origin', 'POST', message, { message: 'x' }, 403, 'ORIGIN_REJECTED', { origin: 'null' }],
    ['a limit out of range', 'GET', '/v1/sessions?limit=9999', undefined, 400, 'INVALID_REQUEST'],
    [
      'too long a key',
      'POST',
      message,
      { message: 'x' },
      400,
      'INVALID_REQUEST',
      { 'idempotency-key': 'x'.repeat(256) },
    ],
    ['an unknown dead letter', 'DELETE', '/v1/admin/dead-letters/x', undefined, 404, 'DEAD_LETTER_NOT_FOUND'],
    [
      'a NUL as the cursor of dead letters',
      'GET',
      '/v1/admin/dead-letters?before=%00',
      undefined,
      400,
      'INVALID_CURSOR',
    ],
    ['a NUL in an address', 'GET', '/v1/admin/dead-letters?address=tool:%00', undefined, 400, 'INVALID_REQUEST'],
    ['a NUL in a quarantined address', 'GET', '/v1/admin/quarantine/tool:%00', undefined, 404, 'NOT_QUARANTINED'],
    [
      'an import for an unknown persona',
      'POST',
      '/v1/sessions/import',
      { chats: [{ history: [] }, { history: [], persona_id: 'nobody' }] },
      422,
      'PERSONA_NOT_FOUND',
    ],
    [
      'a command of an unknown persona',
      'POST',
      '/v1/session/action',
      { session_id: 's', action: 'stop', persona_id: 'nobody' },
      422,
      'PERSONA_NOT_FOUND',
    ],
    [
      'a tool for an unknown persona',
      'POST',
      '/v1/tool/request',
      { session_id: 's', tool_name: 'echo', persona_id: 'nobody' },
      422,
      'PERSONA_NOT_FOUND',
    ],
    ['a bad chat in an import', 'POST', '/v1/sessions/import', { chats: ['{"x":1}'] }, 400, 'INVALID_REQUEST'],
  ]
  for (const [what, method, path, given, status, code, headers] of table) {
    it(`${what} is ${status} ${code}, as a problem document that says what to do`, async () => {
      const answer = await call(method, path, given, headers)
      expect(answer.status).to.equal(status)
      expect(answer.headers.get('content-type')).to.contain('application/problem+json')
      expect(answer.body).to.include({ code, status }).and.to.include.keys('title', 'detail', 'remedy', 'trace_id')
      expect(JSON.stringify(answer.body)).to.not.contain('node_modules')
      if (status === 405) expect(answer.headers.get('allow')).to.equal('POST')
    })
  }

  it('a foreign Host is refused: a name that resolves here is not ours', async () => {
    const socket = connect(Number(new URL(harness.url).port), '127.0.0.1')
    socket.write('GET /v1/sessions HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n')
    const [data] = (await once(socket, 'data')) as [Buffer]
    expect(data.toString())
      .to.match(/^HTTP\/1.1 421/)
      .and.to.contain('HOST_REJECTED')
    socket.destroy()
  })

  for (const [what, head] of [
    ['two Host headers', 'GET /v1/sessions HTTP/1.1\r\nhost: 127.0.0.1\r\nhost: evil.example'],
    ['twice the same Host header', 'GET /v1/sessions HTTP/1.1\r\nhost: 127.0.0.1\r\nHost: 127.0.0.1'],
    ['a target of another host', 'GET http://evil.example/v1/sessions HTTP/1.1\r\nhost: 127.0.0.1'],
    ['a target of another port', 'GET http://127.0.0.1:1/v1/sessions HTTP/1.1\r\nhost: 127.0.0.1'],
  ] as const) {
    it(`${what} is refused: it may have been checked for the one and meant for the other`, async () => {
      expect(await told(head))
        .to.match(/^HTTP\/1.1 421/)
        .and.to.contain('HOST_REJECTED')
    })
  }

  it('a target that names the same host as the header is taken', async () => {
    expect(await told('GET http://127.0.0.1/v1/sessions HTTP/1.1\r\nhost: 127.0.0.1')).to.match(/^HTTP\/1.1 200/)
  })

  async function told(head: string): Promise<string> {
    const socket = connect(Number(new URL(harness.url).port), '127.0.0.1')
    socket.write(`${head}\r\nconnection: close\r\n\r\n`)
    const [data] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    return data.toString()
  }

  for (const [what, path, given, field] of [
    ['an empty message', 'chat/completions', { messages: [{ role: 'user', content: '' }] }, 'body/messages'],
    ['no parts', 'chat/completions', { messages: [{ role: 'user', content: [] }] }, 'body/messages'],
    ['an empty item', 'responses', { input: [{ role: 'user', content: '' }] }, 'body/input'],
    [
      'a result that nothing called for',
      'responses',
      { input: [{ type: 'function_call_output', call_id: 'c', output: 'x' }] },
      'body/input',
    ],
    ['a response that is not to be stored', 'responses', { input: 'x', store: false }, 'body/store'],
  ] as const) {
    it(`${what} in ${path} is refused, and the field named`, async () => {
      const from = harness.sent.length
      const answer = await call('POST', `/v1/${path}`, { model: 'rehearsal/demo', ...given })
      expect(answer.status).to.equal(400)
      expect(JSON.stringify(answer.body)).to.contain('INVALID_REQUEST').and.to.contain(field.slice('body/'.length))
      expect(harness.sent.length).to.equal(from)
    })
  }

  it('bytes that are no HTTP get a problem document too', async () => {
    const socket = connect(Number(new URL(harness.url).port), '127.0.0.1')
    socket.write('rubbish\r\n\r\n')
    const [data] = (await once(socket, 'data')) as [Buffer]
    expect(data.toString())
      .to.match(/^HTTP\/1.1 400/)
      .and.to.contain('INVALID_REQUEST')
    socket.destroy()
  })

  it('a defect tells its trace and nothing else', async () => {
    harness.failSend(new Error('secret at /srv/app.ts:7') as Failure)
    const { status, body } = await call('POST', message, { message: 'x' })
    harness.failSend(undefined)
    expect(status).to.equal(500)
    expect(body.code).to.equal('INTERNAL')
    expect(JSON.stringify(body)).to.not.contain('secret')
  })
})
