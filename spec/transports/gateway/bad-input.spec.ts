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
