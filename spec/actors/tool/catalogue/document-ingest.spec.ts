import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { Document, Packer, Paragraph } from 'docx'
import JSZip from 'jszip'
import { PDFDocument, StandardFonts } from 'pdf-lib'
import { isFailure } from '../../../../actors/kernel/failure.ts'
import { documentIngest, type RememberChunks } from '../../../../actors/tool/catalogue/document-ingest.ts'
import { systemClock, systemIds } from '../../../../infra/clock.ts'
import { quarantineRules } from '../../../../infra/screening/quarantine-rules.ts'
import { screenUploads } from '../../../../infra/screening/screen-uploads.ts'
import { InMemoryAttachments } from '../../../../persistence/in-memory-attachments.ts'
import { InMemoryStore } from '../../../../persistence/in-memory-store.ts'

describe('document_ingest', () => {
  const store = new InMemoryAttachments(new InMemoryStore(), systemIds, systemClock)
  const sessionId = randomUUID()
  const context = {
    ...{ callId: 'c', tenant: 'acme', sessionId, personaId: 'soma' },
    ...{ signal: new AbortController().signal, now: () => 0, progress() {} },
  }
  const save = async (
    filename: string,
    bytes: Uint8Array | string,
    mime = 'application/octet-stream',
    screened = true,
  ) =>
    store.save({
      ...{ tenant: 'acme', sessionId, filename, mime, source: 'upload' as const },
      bytes: typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes,
      ...(screened && { screen: screenUploads(quarantineRules) }),
    })
  const ingest = async (args: object, at: Partial<typeof context> = {}, rememberChunks?: RememberChunks) => {
    const tool = documentIngest({ attachments: async () => store, ...(rememberChunks && { rememberChunks }) })
    try {
      return await tool.run(tool.schema.parse(args), { ...context, ...at })
    } catch (error) {
      return isFailure(error) ? `${error.code}: ${error.detail}` : Promise.reject(error)
    }
  }
  const pdfOf = async (pages: string[]) => {
    const document = await PDFDocument.create()
    const font = await document.embedFont(StandardFonts.Helvetica)
    for (const text of pages) document.addPage().drawText(text, { x: 40, y: 500, size: 12, font })
    return document.save()
  }

  it('reads a PDF page by page, and says how to go on', async () => {
    const pages = Array.from({ length: 9 }, (_, n) => `This is leaf ${n + 1}.\n${'some more words\n'.repeat(20)}`)
    const { id, mime } = await save('report.pdf', await pdfOf(pages))
    expect(mime).to.equal('application/pdf')
    const all = await ingest({ attachment_id: id, max_characters: 1_000 })
    expect(all).to.contain('pages: 9').and.contain('--- page 1 of 9 ---\nThis is leaf 1.')
    expect(all).to.match(/\[cut: pages (\d) to 9 are left out; ask for pages "\1-9" to go on\]/)
    const some = await ingest({ attachment_id: `/v1/attachments/${id}`, pages: '8-9' })
    expect(some).to.contain('This is leaf 8.').and.contain('This is leaf 9.').and.not.contain('leaf 7')
    expect(await ingest({ attachment_id: id, pages: '12' })).to.match(/^TOOL_ARGUMENTS: .*has 9 pages/)
    expect(await ingest({ attachment_id: id, pages: 'last' })).to.match(/^TOOL_ARGUMENTS/)
  }).timeout(60_000)

  it('reads DOCX, HTML, Markdown and text', async () => {
    const docx = new Document({ sections: [{ children: [new Paragraph('Hello from Word')] }] })
    const word = await save('a.docx', new Uint8Array(await Packer.toBuffer(docx)))
    expect(word).to.include({ status: 'clean' })
    expect(await ingest({ attachment_id: word.id })).to.contain('Hello from Word')
    const page = await save('a.html', '<!doctype html><body><h1>Title</h1><script>no()</script><p>Body</p></body>')
    expect(await ingest({ attachment_id: page.id }))
      .to.contain('Body')
      .and.not.contain('no()')
    const note = await save('a.md', '# Heading\n\nünï')
    expect(await ingest({ attachment_id: note.id })).to.contain('# Heading\n\nünï')
  }).timeout(60_000)

  it('says of broken, scanned and unreadable files what they are', async () => {
    const scan = await PDFDocument.create()
    scan.addPage()
    const damaged = (await pdfOf(['x'])).slice(0, 300)
    for (const [name, bytes, why] of [
      ['scan.pdf', await scan.save(), /no text, only pictures of it \(a scan\)/],
      ['damaged.pdf', damaged, /damaged/],
      ['empty.txt', '', /has no text/],
      ['cat.gif', Buffer.from('R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==', 'base64'), /it is an image/],
    ] as const) {
      const { id } = await save(name, bytes)
      expect(await ingest({ attachment_id: id }), name)
        .to.match(/^DOCUMENT_UNREADABLE/)
        .and.match(why)
    }
  }).timeout(60_000)

  it('survives documents made to harm', async () => {
    const mime = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'
    const docxOf = async (xml: string | Uint8Array) => {
      const zip = new JSZip()
      zip.file('word/document.xml', xml)
      return zip.generateAsync({ type: 'uint8array', compression: 'DEFLATE' })
    }
    const bomb = await save('bomb.docx', await docxOf(new Uint8Array(66 * 1024 * 1024)), mime, false)
    expect(await ingest({ attachment_id: bomb.id })).to.match(/^DOCUMENT_UNREADABLE.*unpacks to more than/)
    const deep = await save(
      'deep.docx',
      await docxOf(`${'<w:p>'.repeat(50_000)}${'</w:p>'.repeat(50_000)}`),
      mime,
      false,
    )
    expect(await ingest({ attachment_id: deep.id })).to.match(/^DOCUMENT_UNREADABLE/)
  }).timeout(90_000)

  it('reads nothing of another tenant, of another session, or in quarantine', async () => {
    const { id } = await save('a.txt', 'secret words')
    expect(await ingest({ attachment_id: id }, { tenant: 'evil' })).to.match(/^ATTACHMENT_NOT_FOUND/)
    expect(await ingest({ attachment_id: id }, { sessionId: randomUUID() })).to.match(/^ATTACHMENT_NOT_FOUND/)
    await store.mark('acme', id, { status: 'quarantined', by: 'op' })
    expect(await ingest({ attachment_id: id })).to.match(/^ATTACHMENT_QUARANTINED/)
  })

  it('remembers pages under keys that stay, where there is a memory', async () => {
    const { id } = await save('a.txt', 'to be kept')
    expect(await ingest({ attachment_id: id, remember: true })).to.contain('there is no memory here')
    const kept: string[] = []
    const remember: RememberChunks = async ({ tenant }, chunks) => {
      kept.push(...chunks.map(({ key, text }) => `${tenant} ${key} ${text}`))
      return chunks.length
    }
    expect(await ingest({ attachment_id: id, remember: true }, {}, remember)).to.contain('Remembered: 1 pages.')
    expect(kept).to.deep.equal([`acme attachment/${id}/page/1 to be kept`])
  })
})
