import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { expect } from 'chai'
import { eventually } from '../../support/eventually.ts'
import { type GatewayHarness, startGateway } from '../../support/gateway-harness.ts'
import { eicar, zipBomb } from '../../support/hostile-files.ts'

const MB = 1024 * 1024
const tokenSecret = 'a secret that is long enough for HS256'

function signed(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const said = `${part({ alg: 'HS256' })}.${part({ ...claims, exp: 4_000_000_000 })}`
  return `${said}.${createHmac('sha256', tokenSecret).update(said).digest('base64url')}`
}

describe('uploads', () => {
  let harness: GatewayHarness
  beforeEach(async () => {
    harness = await startGateway({
      auth: { mode: 'jwt', secret: tokenSecret },
      uploads: { files: 10, fileBytes: 25 * MB, sessionFiles: 12 },
    })
  })
  afterEach(() => harness.close())

  const as = (tenant: string, scope = '') => ({ authorization: `Bearer ${signed({ tenant, scope, sub: 'ann' })}` })

  async function upload(
    files: [string, string | Uint8Array, string?][],
    more: Record<string, string> = {},
    session = 'room',
  ) {
    const form = new FormData()
    if (session !== '') form.append('session_id', session)
    for (const [name, bytes, type = 'application/octet-stream'] of files) {
      form.append('files', new Blob([bytes], { type }), name)
    }
    const response = await fetch(`${harness.url}/v1/uploads`, {
      method: 'POST',
      body: form,
      headers: { ...as('acme'), ...more },
    })
    // biome-ignore lint/suspicious/noExplicitAny: an answer as it came; the spec says what it expects of it.
    return { status: response.status, body: (await response.json()) as any }
  }
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  const jsonOf = (answer: Response) => answer.json() as Promise<any>
  const call = (method: string, path: string, headers: Record<string, string>, body?: unknown) =>
    fetch(`${harness.url}${path}`, {
      method,
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })

  it('answers the old stack’s fields, and gives the bytes back with headers that run nothing', async () => {
    const bytes = randomBytes(300_000)
    const { status, body } = await upload([
      ['data.bin', bytes],
      ['note.md', '# hi'],
    ])
    expect(status).to.equal(200)
    expect(body).to.have.length(2)
    expect(body[0]).to.have.all.keys(
      ...['id', 'filename', 'mime', 'size', 'sha256', 'created_at', 'tenant', 'session_id', 'status'],
      ...['quarantine_reason', 'path'],
    )
    expect(body[0]).to.include({
      filename: 'data.bin',
      size: 300_000,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      tenant: 'acme',
      status: 'clean',
      quarantine_reason: null,
    })
    expect(body[1]).to.include({ mime: 'text/markdown', path: `/v1/attachments/${body[1].id}` })
    const answer = await call('GET', body[0].path, as('acme'))
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).to.equal(true)
    expect(answer.headers.get('x-content-type-options')).to.equal('nosniff')
    expect(answer.headers.get('content-disposition')).to.match(/^attachment; filename="data.bin"/)
    expect(answer.headers.get('content-security-policy')).to.contain("default-src 'none'")
    const part = await call('GET', body[0].path, { ...as('acme'), range: 'bytes=262143-262145' })
    expect(part.status).to.equal(206)
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(262_143, 262_146))).to.equal(true)
  })

  it('shows no file to another tenant, by no route', async () => {
    const { body } = await upload([['a.txt', 'secret']])
    const [{ id, session_id }] = body
    for (const [method, path] of [
      ['GET', `/v1/attachments/${id}`],
      ['GET', `/v1/sessions/${session_id}/attachments`],
      ['DELETE', `/v1/admin/attachments/${id}`],
    ] as const) {
      expect((await call(method, path, as('evil', 'admin'))).status, path).to.equal(404)
    }
    expect(
      (await call('POST', `/v1/admin/attachments/${id}/release`, as('evil', 'admin'), { why: 'x' })).status,
    ).to.equal(404)
    const said = await call('POST', '/v1/session/message', as('evil'), { message: 'hi', attachments: [id] })
    expect([said.status, (await jsonOf(said)).code]).to.deep.equal([404, 'ATTACHMENT_NOT_FOUND'])
    const form = new FormData()
    form.append('session_id', session_id)
    form.append('files', new Blob(['x']), 'x.txt')
    const into = await fetch(`${harness.url}/v1/uploads`, { method: 'POST', body: form, headers: as('evil') })
    expect(into.status).to.equal(404)
  })

  it('quarantines by content, whatever a file is called or said to be', async () => {
    const png = Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
      'base64',
    )
    const html = '<!doctype html><script>alert(1)</script>'
    const expected: [string, string | Uint8Array, string, string][] = [
      ['ok.png', png, 'image/png', 'clean'],
      ['ok.html', html, 'text/html', 'clean'],
      ['ok.txt', 'plain words', 'text/plain', 'clean'],
      ['cat.png', html, 'image/png', 'active'],
      ['cat.svg', '<svg onload="alert(1)"/>', 'image/svg+xml', 'active'],
      ['run.txt', '#!/bin/sh\nrm -rf /', 'text/plain', 'script'],
      ['setup.jpg', Buffer.concat([Buffer.from('MZ'), Buffer.alloc(400)]), 'image/jpeg', 'executable'],
      ['tool', Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01\0', 'latin1'), Buffer.alloc(400)]), '', 'executable'],
      ['virus.txt', eicar, 'text/plain', 'eicar'],
      ['paper.pdf', 'just words', 'application/pdf', 'mismatch'],
      ['bomb.zip', await zipBomb(40 * MB), 'application/zip', 'archive-bomb'],
    ]
    const { body } = await upload(
      expected.slice(0, 6).map(([name, bytes, type]) => [name, bytes, type]),
      {},
      'one',
    )
    const { body: more } = await upload(
      expected.slice(6).map(([name, bytes, type]) => [name, bytes, type]),
      {},
      'two',
    )
    const found = [...body, ...more].map((one) => [one.filename, one.quarantine_reason?.split(':')[0] ?? 'clean'])
    expect(found).to.deep.equal(expected.map(([name, , , what]) => [name, what]))
    const bad = body[3]
    expect((await call('GET', bad.path, as('acme'))).status).to.equal(403)
    const said = await call('POST', '/v1/session/message', as('acme'), {
      session_id: 'one',
      message: 'look',
      attachments: [bad.path],
    })
    expect([said.status, (await jsonOf(said)).code]).to.deep.equal([403, 'ATTACHMENT_QUARANTINED'])

    expect((await call('POST', `/v1/admin/attachments/${bad.id}/release`, as('acme'), { why: 'ok' })).status).to.equal(
      403,
    )
    const waiting = await call('GET', '/v1/admin/attachments?status=quarantined', as('acme', 'admin'))
    expect((await jsonOf(waiting)).attachments).to.have.length(8)
    await call('POST', `/v1/admin/attachments/${bad.id}/release`, as('acme', 'admin'), { why: 'known' })
    expect((await call('GET', bad.path, as('acme'))).status).to.equal(200)
    expect((await call('DELETE', `/v1/admin/attachments/${bad.id}`, as('acme', 'admin'))).status).to.equal(200)
    expect((await call('GET', bad.path, as('acme'))).status).to.equal(404)
  })

  it('keeps no path, no control character and no deceit of a filename', async () => {
    const hostile: [string, string][] = [
      ['../../etc/passwd', 'passwd'],
      ['C:\\Windows\\win.ini', 'win.ini'],
      ['report\u202efdp.txt', 'reportfdp.txt'],
      ['a\u0001b\u007f.txt', 'ab.txt'],
      ['.htaccess', 'htaccess'],
    ]
    const { status, body } = await upload(hostile.map(([name]) => [name, 'x']))
    expect(status, JSON.stringify(body)).to.equal(200)
    expect(body.map((one: { filename: string }) => one.filename)).to.deep.equal(hostile.map(([, shown]) => shown))
    const [long] = (await upload([[`${'x'.repeat(500)}.pdf.txt`, 'x']])).body
    expect(long.filename)
      .to.have.length(200)
      .and.match(/\.txt$/)
    expect((await upload([['..', 'x']])).body.code).to.equal('UPLOAD_INVALID')
  })

  it('gives the same files for the same Idempotency-Key, and refuses others', async () => {
    const key = { 'idempotency-key': randomUUID() }
    const first = await upload(
      [
        ['a.txt', 'one'],
        ['b.txt', 'two'],
      ],
      key,
    )
    const again = await upload(
      [
        ['a.txt', 'one'],
        ['b.txt', 'two'],
      ],
      key,
    )
    expect(again.body).to.deep.equal(first.body)
    expect((await upload([['other.txt', 'one']], key)).body.code).to.equal('IDEMPOTENCY_CONFLICT')
    expect((await upload([['a.txt', 'changed']], key)).body.code).to.equal('IDEMPOTENCY_CONFLICT')
    const listed = await call('GET', '/v1/sessions/room/attachments', as('acme'))
    expect((await jsonOf(listed)).attachments).to.have.length(2)
  })

  it('names what is wrong with an upload', async () => {
    expect((await upload([])).body.code).to.equal('UPLOAD_INVALID')
    const json = await call('POST', '/v1/uploads', as('acme'), {})
    expect([json.status, (await jsonOf(json)).code]).to.deep.equal([415, 'UNSUPPORTED_MEDIA_TYPE'])
    const eleven = Array.from({ length: 11 }, (_, n): [string, string] => [`${n}.txt`, 'x'])
    expect((await upload(eleven, {}, 'many')).body.code).to.equal('UPLOAD_TOO_LARGE')
    const large = await upload([['large.bin', Buffer.alloc(25 * MB + 1, 7)]], {}, 'large')
    expect([large.status, large.body.code]).to.deep.equal([413, 'UPLOAD_TOO_LARGE'])
    await upload(eleven.slice(0, 10), {}, 'full')
    expect((await upload(eleven.slice(0, 3), {}, 'full')).body.code).to.equal('UPLOAD_LIMIT')
    const late = new FormData()
    late.append('files', new Blob(['x']), 'x.txt')
    late.append('session_id', 'late')
    const answer = await fetch(`${harness.url}/v1/uploads`, { method: 'POST', body: late, headers: as('acme') })
    expect((await jsonOf(answer)).code).to.equal('UPLOAD_INVALID')
  })

  it('takes what 10 files of 25 MB are, and answers others meanwhile', async () => {
    const file = randomBytes(25 * MB)
    const files = Array.from({ length: 10 }, (_, n): [string, Uint8Array] => [`${n}.bin`, file])
    let done = false
    const uploading = upload(files).finally(() => {
      done = true
    })
    const times: number[] = []
    while (!done) {
      const from = performance.now()
      await (await fetch(`${harness.url}/healthz`)).text()
      times.push(performance.now() - from)
    }
    const { status, body } = await uploading
    expect(status, JSON.stringify(body)).to.equal(200)
    expect(body).to.have.length(10)
    expect(Math.max(...times), 'the slowest answer meanwhile, ms').to.be.below(2_000)
  }).timeout(120_000)

  it('leaves nothing of a client that goes away in the middle', async () => {
    const socket = connect(Number(new URL(harness.url).port), '127.0.0.1')
    const head = [
      ...['POST /v1/uploads?session_id=gone HTTP/1.1', 'host: 127.0.0.1', `authorization: ${as('acme').authorization}`],
      ...['content-type: multipart/form-data; boundary=b', 'content-length: 9000000', '', ''],
    ]
    socket.write(head.join('\r\n'))
    socket.write('--b\r\ncontent-disposition: form-data; name="files"; filename="half.bin"\r\n\r\n')
    socket.write(Buffer.alloc(600_000, 1))
    const told = (phase: string) =>
      harness.sent.some(
        ({ body }) => body.kind === 'NoteUpload' && body.filename === 'half.bin' && body.phase === phase,
      )
    await eventually(() => told('uploading'))
    socket.destroy()
    await eventually(() => told('failed'))
    const listed = await call('GET', '/v1/sessions/gone/attachments', as('acme'))
    expect((await jsonOf(listed)).attachments).to.deep.equal([])
  })

  it('tells the session how each upload goes', async () => {
    const { body } = await upload([
      ['a.txt', 'one'],
      ['v.txt', eicar],
    ])
    const notes = harness.sent.flatMap(({ body: it }) =>
      it.kind === 'NoteUpload' ? [`${it.filename} ${it.phase}`] : [],
    )
    expect(notes).to.deep.equal(['a.txt uploading', 'a.txt clean', 'v.txt uploading', 'v.txt quarantined'])
    const [{ session_id }] = body
    const named = await call('POST', '/v1/session/message', as('acme'), {
      session_id,
      message: 'read it',
      attachments: [body[0].path, body[0].id],
    })
    expect(named.status).to.equal(200)
    const turn = harness.sent.at(-1)?.body
    expect(turn?.kind === 'AcceptUserTurn' && turn.attachments).to.deep.equal([body[0].path])
    const other = await call('POST', '/v1/session/message', as('acme'), { message: 'x', attachments: [body[0].path] })
    expect(other.status).to.equal(404)
  })
})
