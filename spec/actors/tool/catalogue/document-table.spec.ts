import { randomBytes, randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { PDFDocument, StandardFonts } from 'pdf-lib'
import { isFailure } from '../../../../actors/kernel/failure.ts'
import { documentIngest, type RememberChunks } from '../../../../actors/tool/catalogue/document-ingest.ts'
import { systemClock, systemIds } from '../../../../infra/clock.ts'
import { quarantineRules } from '../../../../infra/screening/quarantine-rules.ts'
import { screenUploads } from '../../../../infra/screening/screen-uploads.ts'
import { InMemoryAttachments } from '../../../../persistence/in-memory-attachments.ts'
import { InMemoryStore } from '../../../../persistence/in-memory-store.ts'
import { encryptedPdf } from '../../../support/encrypted-pdf.ts'
import { docxWith } from '../../../support/hostile-files.ts'

/** What becomes of a file, from its upload to what the model is told. */
describe('document_ingest, file by file', function () {
  this.timeout(120_000)
  const store = new InMemoryAttachments(new InMemoryStore(), systemIds, systemClock)
  const sessionId = randomUUID()
  const told = async (filename: string, bytes: Uint8Array, args: object = {}, rememberChunks?: RememberChunks) => {
    const { id } = await store.save({
      ...{ tenant: 'acme', sessionId, filename, mime: 'application/octet-stream', source: 'upload' as const, bytes },
      screen: screenUploads(quarantineRules),
    })
    const tool = documentIngest({ attachments: async () => store, ...(rememberChunks && { rememberChunks }) })
    const context = {
      ...{ callId: 'c', tenant: 'acme', sessionId, personaId: 'soma', now: () => 0, progress() {} },
      signal: new AbortController().signal,
    }
    try {
      return await tool.run(tool.schema.parse({ attachment_id: id, ...args }), context)
    } catch (error) {
      return isFailure(error) ? `${error.code}: ${error.detail}` : Promise.reject(error)
    }
  }
  const text = (words: string) => Buffer.from(words, 'utf8')
  const utf16be = (words: string) => Buffer.from(words, 'utf16le').swap16()

  it('reads what can be read, and says of each other one what it is', async () => {
    const script = await PDFDocument.create()
    script.addPage()
    script.addJavaScript('x', 'app.alert(1)')
    const broken = Buffer.concat([text('%PDF-1.7\n'), randomBytes(3_000)])
    const html = '<!doctype html><title>T</title><style>.no{}</style><script>no()</script><p onclick="no()">Body</p>'
    const rows: readonly (readonly [string, Uint8Array, RegExp])[] = [
      ['open.pdf', encryptedPdf('swordfish', ''), /--- page 1 of 1 ---\nswordfish$/],
      ['locked.pdf', encryptedPdf('swordfish', 'secret'), /^DOCUMENT_UNREADABLE: .*protected by a password/],
      ['broken.pdf', broken, /^DOCUMENT_UNREADABLE: .*damaged/],
      ['script.pdf', await script.save(), /^ATTACHMENT_QUARANTINED/],
      ['plain.docx', await docxWith(), /--- page 1 of 1 ---\nHello$/],
      ['macros.docx', await docxWith({ 'word/vbaProject.bin': 'x' }), /^ATTACHMENT_QUARANTINED/],
      ['no-xml.docx', await docxWith({ 'word/document.xml': '<w:document' }), /^DOCUMENT_UNREADABLE/],
      ['cut.docx', (await docxWith()).subarray(0, 600), /^ATTACHMENT_QUARANTINED/],
      ['old.doc', Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(600)]), /a password protects/],
      ['le.txt', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('Füße €', 'utf16le')]), /\nFüße €$/],
      ['be.txt', Buffer.concat([Buffer.from([0xfe, 0xff]), utf16be('Füße €')]), /\nFüße €$/],
      ['latin.txt', Buffer.from('F\xfc\xdfe und mehr', 'latin1'), /\nFüße und mehr$/],
      ['bom.txt', text('\ufeffFüße'), /---\nFüße$/],
      ['page.html', text(html), /^(?![\s\S]*no\()[\s\S]*Body$/],
      ['empty.txt', Buffer.alloc(0), /^DOCUMENT_UNREADABLE: .*has no text/],
      ['noise.bin', randomBytes(3_000), /^DOCUMENT_UNREADABLE: .*nothing here reads application\/octet-stream/],
    ]
    for (const [name, bytes, expected] of rows) expect(await told(name, bytes), name).to.match(expected)
  })

  it('reads of 2,000 pages only what is asked for, and says how to go on', async () => {
    const document = await PDFDocument.create()
    const font = await document.embedFont(StandardFonts.Helvetica)
    const words = 'some more words\n'.repeat(60)
    for (let n = 1; n <= 2_000; n++)
      document.addPage().drawText(`leaf ${n}\n${words}`, { x: 40, y: 700, size: 8, font })
    const bytes = await document.save()
    const first = await told('long.pdf', bytes)
    expect(first).to.match(/\[cut: pages (\d+) to 2000 are left out; ask for pages "\1-2000" to go on\]$/)
    expect(await told('long.pdf', bytes, { pages: '1999-' }))
      .to.contain('leaf 1999')
      .and.contain('leaf 2000')
    const kept: number[] = []
    const remember: RememberChunks = async (_context, chunks) => kept.push(...chunks.map(({ text }) => text.length))
    const noted = await told('long.pdf', bytes, { pages: '101-', remember: true }, remember)
    expect(noted).to.contain('Remembered: 500 pages, up to page 600; ask for pages "601-2000" to remember the rest.')
  })
})
