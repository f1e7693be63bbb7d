import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { type GatewayHarness, startGateway } from '../../support/gateway-harness.ts'

/** Uploads as no well-meaning client sends them, written into the socket byte for byte. */
describe('hostile uploads', () => {
  let harness: GatewayHarness
  beforeEach(async () => {
    harness = await startGateway({ uploads: { seconds: 1, sessionFiles: 40 } })
  })
  afterEach(() => harness.close())

  const head = (length: number, more = '') =>
    `POST /v1/uploads?session_id=room HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n${more}` +
    `content-type: multipart/form-data; boundary=b\r\ncontent-length: ${length}\r\n\r\n`
  const part = (disposition: string, body = 'x') =>
    `--b\r\ncontent-disposition: form-data; name="files"; ${disposition}\r\n\r\n${body}`
  const toGateway = () => connect(Number(new URL(harness.url).port), '127.0.0.1')
  const answered = async (request: string) => {
    const socket = toGateway()
    socket.write(Buffer.from(request, 'latin1'))
    return answerOf(await text(socket))
  }
  // biome-ignore lint/suspicious/noExplicitAny: an answer as it came; the spec says what it expects of it.
  const answerOf = (raw: string): { status: number; body: any } => ({
    status: Number(raw.split(' ')[1]),
    body: JSON.parse(/[[{][\s\S]*[\]}]/.exec(raw.slice(raw.indexOf('\r\n\r\n')))?.[0] ?? 'null'),
  })
  const named = (disposition: string) => {
    const form = `${part(disposition)}\r\n--b--\r\n`
    return answered(head(form.length) + form)
  }
  const attachments = async () => {
    const answer = await fetch(`${harness.url}/v1/sessions/room/attachments`)
    return ((await answer.json()) as { attachments: unknown[] }).attachments
  }

  it('keeps a name that can be shown, quarantines by the one that was sent, or refuses it', async () => {
    const star = (name: string) => `filename*=utf-8''${encodeURIComponent(name)}`
    const rows: readonly (readonly [string, string])[] = [
      ['filename="../../etc/passwd"', 'passwd clean'],
      [star('../..\\x/notes.txt'), 'notes.txt clean'],
      [star('a\0b\x1b.txt'), 'ab.txt clean'],
      [star('a\nb.txt'), 'UPLOAD_INVALID'],
      [star('setup.exe\0.txt'), 'setup.exe.txt clean'],
      [star('setup.exe::$DATA'), 'setup.exe executable'],
      [star('setup.exe . .'), 'setup.exe executable'],
      [star('invoice.pdf      .exe'), 'invoice.pdf      .exe executable'],
      [star('report\u202efdp.txt'), 'reportfdp.txt mismatch'],
      [`filename="${'x'.repeat(4_000)}.txt"`, `${'x'.repeat(195)}….txt clean`],
      [`filename="${'x'.repeat(4_000)}.exe"`, `${'x'.repeat(195)}….exe executable`],
      ['filename="a\0b.txt"', 'ab.txt clean'],
      ['filename="a\nb.txt"', 'UPLOAD_INVALID'],
      ['filename=".."', 'UPLOAD_INVALID'],
      ['filename=""', 'UPLOAD_INVALID'],
      [`filename="${'x'.repeat(100_000)}.exe"`, `${'x'.repeat(199)}… clean`],
    ]
    for (const [disposition, expected] of rows) {
      const { status, body } = await named(disposition)
      const what = disposition.slice(0, 60)
      if (expected === 'UPLOAD_INVALID')
        expect([status, body.code], `${what}: ${JSON.stringify(body)}`).to.deep.equal([400, expected])
      else {
        expect(status, `${what}: ${JSON.stringify(body)}`).to.equal(200)
        const [{ filename, quarantine_reason: why }] = body
        expect(`${filename} ${why?.split(':')[0] ?? 'clean'}`, what).to.equal(expected)
      }
    }
  })

  it('ends the upload of a client that stalls, wherever it does, and keeps nothing of that file', async () => {
    const whole = `${part('filename="whole.txt"')}\r\n`
    for (const [where, sent] of [
      ['before its first part', ''],
      ['in the head of a part', '--b\r\ncontent-disposition: form-da'],
      ['in the middle of a file', part('filename="half.txt"', 'y'.repeat(300_000))],
      ['after a whole file', `${whole}--b\r\n`],
    ] as const) {
      const socket = toGateway()
      socket.write(head(9_000_000, `idempotency-key: ${where.replaceAll(' ', '-')}\r\n`) + sent)
      const chunks: Buffer[] = []
      socket.on('data', (chunk) => chunks.push(chunk))
      // The answer comes while the request is not at its end; the connection is of no more use.
      await once(socket, 'close')
      const { status, body } = answerOf(Buffer.concat(chunks).toString())
      expect([status, body.code], where).to.deep.equal([408, 'UPLOAD_TIMEOUT'])
    }
    expect((await attachments()).map((one) => (one as { filename: string }).filename)).to.deep.equal(['whole.txt'])
  }).timeout(30_000)

  it('answers a repeated upload of a session that is full, and takes no byte of another', async () => {
    await harness.close()
    harness = await startGateway({ uploads: { sessionFiles: 2 } })
    const form = `${part('filename="a.txt"')}\r\n${part('filename="b.txt"')}\r\n--b--\r\n`
    const first = await answered(head(form.length, 'idempotency-key: one\r\n') + form)
    expect(first.body).to.have.length(2)
    const again = await answered(head(form.length, 'idempotency-key: one\r\n') + form)
    expect(again.body).to.deep.equal(first.body)
    // The body has not come: the refusal needs none of it.
    const other = await answered(head(9_000_000) + part('filename="c.txt"'))
    expect([other.status, other.body.code]).to.deep.equal([409, 'UPLOAD_LIMIT'])
  })
})
