import { createHash, randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { PDFDocument, StandardFonts } from 'pdf-lib'
import { packageRoot } from '../../infra/package-root.ts'
import { CHUNK_BYTES } from '../../persistence/attachments.ts'
import { openPersistence, type Persistence } from '../../persistence/open.ts'
import { eventually } from '../support/eventually.ts'
import { common } from '../support/persistence-under-test.ts'
import { Service } from '../support/service.ts'

/** It lets memory be written, besides the tools. */
const policy = join(packageRoot, 'infra/policy/default.yaml')

describe('kill -9 in the middle of an upload and of document_ingest', function () {
  this.timeout(180_000)
  let service: Service
  beforeEach(async () => {
    service = await Service.start({ env: { SOMA_POLICY_FILE: policy } })
  })
  afterEach(() => service.release())

  async function upload(session: string, name: string, bytes: Uint8Array, key: string) {
    const form = new FormData()
    form.append('session_id', session)
    form.append('files', new Blob([bytes]), name)
    const headers = { 'idempotency-key': key }
    const answer = await fetch(`${service.url}/v1/uploads`, { method: 'POST', body: form, headers })
    // biome-ignore lint/suspicious/noExplicitAny: an answer as it came; the spec says what it expects of it.
    return (await answer.json()) as any
  }
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  const told = async (session: string, type: string): Promise<any[]> => {
    const { body } = await service.get(`/v1/sessions/${session}/events?limit=500`)
    // biome-ignore lint/suspicious/noExplicitAny: as above.
    return (body.events ?? []).map(({ payload }: any) => payload).filter((one: any) => one.type === type)
  }
  /** What lies in the database of a process that is down. */
  const inDatabase = async <Answer>(look: (stores: Persistence) => Promise<Answer>): Promise<Answer> => {
    const stores = await openPersistence({ ...common, dataDir: service.dataDir })
    try {
      return await look(stores)
    } finally {
      await stores.close()
    }
  }
  const pieces = async ({ sql }: Persistence) =>
    (await sql.query<{ count: number }>('select count(*)::float8 as count from attachment_chunks'))[0]?.count ?? 0

  it('shows nothing of the half upload, gives its id to the same one again, and sweeps what it left', async () => {
    const file = randomBytes(24_000_000)
    const head =
      'POST /v1/uploads?session_id=kill HTTP/1.1\r\nhost: 127.0.0.1\r\nidempotency-key: twice\r\n' +
      'content-type: multipart/form-data; boundary=b\r\ncontent-length: 24000500\r\n\r\n' +
      '--b\r\ncontent-disposition: form-data; name="files"; filename="big.bin"\r\n\r\n'
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(head)
    // More than the buffers between hold: when the last of it is gone, most of it is in the store.
    await new Promise((resolve) => socket.write(file.subarray(0, 20_000_000), resolve))
    await eventually(async () => (await told('kill', 'uploads.progress')).length === 1)
    const [{ metadata: begun }] = await told('kill', 'uploads.progress')
    await service.kill()
    expect(await inDatabase(pieces), 'pieces of the half upload').to.be.above(4)

    await service.start()
    expect((await service.get('/v1/sessions/kill/attachments')).body.attachments).to.deep.equal([])
    expect((await service.get(`/v1/attachments/${begun.attachment_id}`)).status).to.equal(404)
    const [again] = await upload('kill', 'big.bin', file, 'twice')
    expect(again.id).to.equal(begun.attachment_id)
    expect(again.sha256).to.equal(createHash('sha256').update(file).digest('hex'))
    expect(await upload('kill', 'big.bin', file, 'twice')).to.deep.equal([again])

    await service.stop()
    await inDatabase(async (stores) => {
      const whole = Math.ceil(file.length / CHUNK_BYTES)
      expect(await pieces(stores), 'with those of the half upload').to.be.above(whole)
      expect(await stores.attachments.sweep(Date.now() + 1_000)).to.equal(1)
      expect(await pieces(stores)).to.equal(whole)
    })
  })

  it('reads the document again to its one result, and remembers every page once', async () => {
    const pages = 250
    const document = await PDFDocument.create()
    const font = await document.embedFont(StandardFonts.Helvetica)
    for (let n = 1; n <= pages; n++)
      document.addPage().drawText(`This is leaf ${n}.`, { x: 40, y: 500, size: 12, font })
    const [file] = await upload('read', 'long.pdf', await document.save(), 'one')
    await service.say('read', `call document_ingest ${JSON.stringify({ attachment_id: file.id, remember: true })}`)
    const remembered = async () => {
      const { body } = await service.get('/v1/memory/export')
      return typeof body === 'string' ? body.trim().split('\n').filter(Boolean) : body ? [JSON.stringify(body)] : []
    }
    await eventually(async () => (await remembered()).length > 1, 60_000)
    expect((await remembered()).length, 'remembered when it was killed').to.be.below(pages)
    expect(await told('read', 'tool.result')).to.deep.equal([])
    await service.kill()

    await service.start()
    await eventually(async () => (await told('read', 'assistant.final')).length > 0, 120_000)
    const results = await told('read', 'tool.result')
    expect(results).to.have.length(1)
    expect(results[0].message).to.contain(`Remembered: ${pages} pages.`)
    expect(await told('read', 'assistant.final')).to.have.length(1)
    expect(await remembered()).to.have.length(pages)
  })
})
