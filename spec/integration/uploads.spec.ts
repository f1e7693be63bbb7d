import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { expect } from 'chai'
import { PDFDocument, StandardFonts } from 'pdf-lib'
import { eventually } from '../support/eventually.ts'
import { Service } from '../support/service.ts'

describe('uploads of a running service', function () {
  this.timeout(120_000)
  let service: Service
  before(async () => {
    service = await Service.start()
  })
  after(() => service.release())

  async function upload(session: string, name: string, bytes: Uint8Array | string, key: string) {
    const form = new FormData()
    form.append('session_id', session)
    form.append('files', new Blob([bytes]), name)
    const headers = { 'idempotency-key': key }
    const answer = await fetch(`${service.url}/v1/uploads`, { method: 'POST', body: form, headers })
    // biome-ignore lint/suspicious/noExplicitAny: an answer as it came; the spec says what it expects of it.
    return (await answer.json()) as any
  }
  const progress = async (session: string) => {
    const { body } = await service.get(`/v1/sessions/${session}/events?limit=500`)
    return (body.events ?? [])
      .filter(({ payload }: { payload: { type: string } }) => payload.type === 'uploads.progress')
      .map(({ payload }: { payload: { metadata: Record<string, unknown> } }) => payload.metadata.status)
  }
  const attachmentsOf = async (session: string) =>
    (await service.get(`/v1/sessions/${session}/attachments`)).body.attachments

  it('keeps what it acknowledged and nothing of what it was killed in, and takes the same upload again', async () => {
    const key = randomUUID()
    const [kept] = await upload('kill', 'kept.txt', 'kept', key)
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(
      'POST /v1/uploads?session_id=kill HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: multipart/form-data; boundary=b\r\n' +
        'content-length: 9000000\r\n\r\n--b\r\ncontent-disposition: form-data; name="files"; filename="half.bin"\r\n\r\n',
    )
    socket.write(Buffer.alloc(2_000_000, 7))
    await eventually(async () => (await progress('kill')).filter((it: unknown) => it === 'uploading').length === 2)
    await service.kill()
    await service.start()
    expect((await attachmentsOf('kill')).map(({ id }: { id: string }) => id)).to.deep.equal([kept.id])
    expect((await (await fetch(`${service.url}${kept.path}`)).text()).toString()).to.equal('kept')
    expect(await upload('kill', 'kept.txt', 'kept', key)).to.deep.equal([kept])
    expect(await attachmentsOf('kill')).to.have.length(1)
  })

  it('lets the model read an uploaded PDF, and deletes it with its session', async () => {
    const document = await PDFDocument.create()
    const font = await document.embedFont(StandardFonts.Helvetica)
    document.addPage().drawText('The password is swordfish.', { x: 40, y: 500, size: 12, font })
    const [file] = await upload('read', 'secret.pdf', await document.save(), randomUUID())
    const accepted = await service.post('/v1/session/message', {
      session_id: 'read',
      message: `call document_ingest ${JSON.stringify({ attachment_id: file.id })}`,
    })
    expect(accepted.status, JSON.stringify(accepted.body)).to.equal(200)
    const results = async () => {
      const { body } = await service.get('/v1/sessions/read/events?limit=500')
      return body.events.filter(({ payload }: { payload: { type: string } }) => payload.type === 'tool.result')
    }
    await eventually(async () => (await results()).length > 0, 60_000)
    const [{ payload }] = await results()
    expect(payload.message).to.contain('The password is swordfish.')
    expect(await progress('read')).to.deep.equal(['uploading', 'clean'])

    expect((await service.request('DELETE', '/v1/sessions/read')).status).to.equal(200)
    await eventually(async () => (await fetch(`${service.url}${file.path}`)).status === 404)
  })

  it('is reached by `soma upload`', async () => {
    const file = service.folder.write('note.md', '# from the command line')
    const ran = await service.soma(['--json', 'upload', file, '--session', 'cli'])
    expect(ran.code, ran.stderr).to.equal(0)
    expect(JSON.parse(ran.stdout)).to.include({ filename: 'note.md', mime: 'text/markdown', status: 'clean' })
    expect(await attachmentsOf('cli')).to.have.length(1)
  })
})
