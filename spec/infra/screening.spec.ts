import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { AFRelationship, PDFDocument, PDFName, PDFString } from 'pdf-lib'
import { Failure } from '../../actors/kernel/failure.ts'
import { quarantineRules } from '../../infra/screening/quarantine-rules.ts'
import { screenUploads } from '../../infra/screening/screen-uploads.ts'
import type { Content } from '../../persistence/attachments.ts'
import { shownFilename } from '../../transports/gateway/uploads/filename.ts'
import { codeOf } from '../support/code-of.ts'
import { docxWith, encryptedZip, nestedZip, overlappingZip, program, zipBomb, zipOf } from '../support/hostile-files.ts'

type Bytes = Uint8Array | string
/** Name as it is sent, content, and what comes of it: `clean`, or how the reason begins. */
type Row = readonly [string, Bytes | Promise<Bytes>, string | RegExp]

describe('screening of uploads', function () {
  this.timeout(60_000)

  /** In pieces that cut everything in two. */
  const contentOf = (bytes: Uint8Array, piece = 997): Content => ({
    size: bytes.length,
    async *read({ from, to }) {
      for (let at = from; at < to; at += piece) yield bytes.subarray(at, Math.min(to, at + piece))
    },
  })
  const verdictOf = async (sentName: string, given: Bytes | Promise<Bytes>) => {
    const bytes = await given
    const content = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
    const filename = shownFilename(sentName) ?? ''
    const pieces = content.length > 1_000_000 ? 256 * 1024 : 997
    const claimed = { filename, sentName, mime: 'application/octet-stream' }
    const verdict = await screenUploads(quarantineRules)(contentOf(content, pieces), claimed)
    return verdict.quarantineReason ?? verdict.status
  }
  const expectEach = async (rows: readonly Row[]) => {
    for (const [name, bytes, expected] of rows) {
      const verdict = await verdictOf(name, bytes)
      if (expected instanceof RegExp) expect(verdict, name).to.match(expected)
      else if (expected === 'clean') expect(verdict, name).to.equal('clean')
      else expect(verdict.split(':')[0], `${name}: ${verdict}`).to.equal(expected)
    }
  }

  it('holds back what its name would make a program, whatever is in it', async () => {
    await expectEach([
      ['setup.exe', 'just words', /^executable: it has the name of a program \(\.exe\)$/],
      ['SETUP.EXE', '', 'executable'],
      ['invoice.pdf.exe', 'just words', /^executable: .*\(\.pdf\.exe\), behind that of a document$/],
      ['invoice.pdf      .exe', 'x', 'executable'],
      ['setup.exe.', 'x', 'executable'],
      ['setup.exe . .', 'x', 'executable'],
      ['setup.exe::$DATA', 'x', 'executable'],
      ['notes.txt:setup.exe:$DATA', 'x', 'clean'],
      ['setup.\u200bexe', 'x', 'executable'],
      ['setup．exe', 'x', 'executable'],
      ['..\\..\\setup.exe', 'x', 'executable'],
      ['photo.jpg.lnk', 'x', 'executable'],
      ['click.settingcontent-ms', '<x/>', 'executable'],
      ['annexe\u202ecod.scr', 'x', /^mismatch: its name holds characters that turn|^executable/],
      ['report\u202efdp.txt', 'x', /^mismatch: its name holds characters that turn the writing round/],
      ['run.vbs', 'x', 'script'],
      ['run.bat', 'x', 'script'],
      ['report.pdf.js', 'x', /^script: .*\(\.pdf\.js\), behind that of a document$/],
      ['run.txt', '#!/bin/sh\n', 'script'],
      ['run', '#!/bin/sh\n', 'script'],
    ])
  })

  it('lets source files and other honest names pass', async () => {
    const names =
      'main.py app.js index.html.ts mod.d.ts lib.vb a.tar.txt v1.2.3 Makefile README data.csv.py robots.txt.ts'
    await expectEach([
      ...[...names.split(' '), 'exe', 'my exe notes.txt', 'ملف\u200f.txt', 'com'].map(
        (name): Row => [name, 'x', 'clean'],
      ),
      ['deploy.sh', '#!/bin/sh\n', 'clean'],
      ['fit.py', '#!/usr/bin/env python3\n', 'clean'],
      ['repository.zip', zipOf({ 'gradlew.bat': 'x', 'run.ps1': 'x', 'src/main.sh': '#!/bin/sh' }), 'clean'],
      ['empty.txt', '', 'clean'],
    ])
  })

  it('opens archives in archives, three deep, and says where in them something lies', async () => {
    await expectEach([
      ['a.zip', zipOf({ 'b/setup.exe': 'words' }), /^executable: b\/setup\.exe in it: it has the name of a program/],
      ['a.zip', nestedZip(2, { 'x.dat': program }), /^executable: inner\.zip in it: x\.dat in it: it is a program/],
      ['a.zip', nestedZip(4, { 'x.dat': program }), /^executable: (inner\.zip in it: ){3}x\.dat in it/],
      ['a.zip', nestedZip(4, { 'x.txt': 'words' }), 'clean'],
      ['a.zip', nestedZip(5, { 'x.txt': 'words' }), /^archive-bomb: .*nested deeper than 3$/],
      ['a.gz', gzipSync(program), 'executable'],
      ['a.gz', gzipSync(gzipSync(await zipOf({ 'x.dat': program }))), 'executable'],
      ['a.zip', zipOf({ 'a.gz': gzipSync(program) }), 'executable'],
      ['a.zip', zipOf({ 'a.docx': await docxWith({ 'word/vbaProject.bin': 'x' }) }), /^macro: a\.docx in it/],
      [
        'a.zip',
        zipOf({ 'a.pdf': await pdfWith((it) => it.addJavaScript('x', 'app.alert(1)')) }),
        /^active: a\.pdf in it/,
      ],
      [
        'a.zip',
        zipOf({ 'a.7z': Buffer.from('377abcaf271c0004', 'hex') }),
        /^archive-bomb: a\.7z in it: nobody can say/,
      ],
      ['a.zip', zipOf({ 'report.pdf.js': 'x' }), 'script'],
    ])
  })

  it('holds back archives beyond what may be unpacked, and those that cannot be measured', async () => {
    const tenfold = Object.fromEntries(
      await Promise.all(Array.from({ length: 10 }, async (_, n) => [`${n}.zip`, await zipBomb(3_000_000)] as const)),
    )
    const large = randomBytes(33 * 1024 * 1024)
    await expectEach([
      ['one.zip', zipBomb(3_000_000), 'clean'],
      // Each alone is small; together they are not.
      ['ten.zip', zipOf(tenfold), /^archive-bomb: .*unpacks to more than 10485760 bytes$/],
      ['twice.zip', overlappingZip({ 'a.txt': 'words', 'b.txt': 'more' }), /^archive-bomb: .*entries that overlap$/],
      ['many.zip', overlappingZip({ 'a.txt': 'words' }, 10_001), /^archive-bomb: .*more than 10000 entries$/],
      ['locked.zip', encryptedZip({ 'a.txt': 'words' }), /^archive-bomb: .*encrypted/],
      [
        'slip.zip',
        renamed(await zipOf({ 'aaaa.txt': 'x' }), 'aaaa.txt', '../b.txt'),
        /^archive-bomb: .*damaged.*relative/,
      ],
      ['cut.zip', (await zipOf({ 'a.txt': randomBytes(5_000) })).subarray(0, 3_000), 'archive-bomb'],
      ['cut.gz', gzipSync(randomBytes(5_000)).subarray(0, 3_000), /^archive-bomb: .*damaged$/],
      [
        'inner.zip',
        zipOf({ 'cut.zip': (await zipOf({ 'a.txt': 'x' })).subarray(0, 40) }),
        /^archive-bomb: cut\.zip in it/,
      ],
      [
        'huge.zip',
        zipOf({ 'large.zip': await zipOf({ x: large }, 'STORE') }, 'STORE'),
        /large\.zip in it is too large/,
      ],
    ])
  })

  it('holds back Office documents with macros, objects, or parts that lie elsewhere', async () => {
    const types = (type: string) => ({ '[Content_Types].xml': `<Types><Override ContentType="${type}"/></Types>` })
    await expectEach([
      ['a.docx', docxWith(), 'clean'],
      ['a.docm', docxWith({ 'word/vbaProject.bin': 'x' }), 'macro'],
      ['a.docx', docxWith({ 'word/other.bin': 'x', ...types('application/vnd.ms-office.vbaProject') }), 'macro'],
      ['a.docx', docxWith(types('application/vnd.ms-word.document.macroEnabled.main+xml')), 'macro'],
      ['a.docx', docxWith({ 'word/embeddings/oleObject1.bin': 'x' }), 'embedded-object'],
      ['a.docx', docxWith({ 'word/activeX/activeX1.bin': 'x' }), 'embedded-object'],
      ['a.docx', docxWith({ 'word/embeddings/Sheet1.xlsx': await zipOf({ 'xl/workbook.xml': '<x/>' }) }), 'clean'],
      ['a.docx', docxWith({ 'word/embeddings/a.dat': program }), 'executable'],
      ['a.docx', docxWith({}, [['hyperlink', 'https://example.com/']]), 'clean'],
      ['a.docx', docxWith({}, [['image', 'https://example.com/a.png']]), 'clean'],
      ['a.docx', docxWith({}, [['attachedTemplate', 'file:///C:\\Users\\ann\\Report.dotx']]), 'clean'],
      ['a.docx', docxWith({}, [['attachedTemplate', 'https://evil.example/a.dotm']]), 'external-link'],
      ['a.docx', docxWith({}, [['oleObject', 'mhtml:https://evil.example/a!x-usc:b']]), 'external-link'],
      ['a.docx', docxWith({}, [['image', '\\\\evil.example\\share\\a.png']]), 'external-link'],
      ['a.docx', docxWith({}, [['attachedTemplate', 'file://evil.example/a.dotm']]), 'external-link'],
      ['old.doc', oldOffice('_VBA_PROJECT'), 'macro'],
      ['old.doc', oldOffice('\u0001Ole10Native'), 'embedded-object'],
      ['old.doc', oldOffice('WordDocument'), 'clean'],
    ])
  })

  it('holds back PDF files that run something or carry a program, and no others', async () => {
    const action = (name: string) => async (it: PDFDocument) => {
      it.catalog.set(PDFName.of('OpenAction'), it.context.obj({ S: name, F: PDFString.of('a.txt') }))
    }
    const plain = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
    const script = await pdfWith((it) => it.addJavaScript('x', 'app.alert(1)'), false)
    const attached = (name: string, bytes: Uint8Array, compressed = true) =>
      pdfWith((it) => it.attach(bytes, name, { afRelationship: AFRelationship.Data }), compressed)
    await expectEach([
      ['a.pdf', pdfWith(() => {}), 'clean'],
      [
        'a.pdf',
        pdfWith((it) => it.addJavaScript('x', 'app.alert(1)')),
        /^active: it is a PDF file that runs JavaScript$/,
      ],
      ['a.pdf', script, 'active'],
      ['a.pdf', Buffer.from(plain(script).replaceAll('/JavaScript', '/J#61vaScr#69pt'), 'latin1'), 'active'],
      ['border.pdf', `%PDF-1.7\n${' '.repeat(980)}/S /JavaScript`, 'active'],
      ['a.pdf', pdfWith(action('Launch')), /^active: it is a PDF file that starts a program/],
      ['a.pdf', pdfWith(action('GoTo')), 'clean'],
      ['invoice.pdf', attached('factur-x.xml', Buffer.from('<invoice/>')), 'clean'],
      ['a.pdf', attached('note.txt', program), /^executable: a file in it: it is a program/],
      ['a.pdf', attached('setup.exe', Buffer.from('words')), /^executable: a file in it: it has the name of a program/],
      ['a.pdf', attached('setup.exe', Buffer.from('words'), false), 'executable'],
    ])
  })

  it('does not take the store’s failure for the file’s', async () => {
    const bytes = await nestedZip(2, { 'a.txt': randomBytes(2_000) })
    const pdf = Buffer.from(await pdfWith(() => {}))
    // The reads of a ZIP file: its beginning, its end, its directory, then its entries.
    for (const [given, fails] of [
      ...[1, 2, 3, 4].map((fails) => [bytes, fails] as const),
      ...([
        [gzipSync(bytes), 1],
        [pdf, 1],
      ] as const),
    ]) {
      let reads = 0
      const content: Content = {
        size: given.length,
        async *read({ from, to }) {
          if (reads++ === fails) throw new Failure('JOURNAL_UNAVAILABLE', 'away')
          yield given.subarray(from, to)
        },
      }
      const claimed = { filename: 'a.bin', mime: '' }
      const screened = screenUploads(quarantineRules)(content, claimed)
      expect(await codeOf(screened), `read ${fails}`).to.equal('JOURNAL_UNAVAILABLE')
    }
  })
})

async function pdfWith(change: (it: PDFDocument) => unknown, useObjectStreams = true): Promise<Uint8Array> {
  const document = await PDFDocument.create()
  document.addPage()
  await change(document)
  return document.save({ useObjectStreams })
}

/** A compound file as far as its type is told from it, with a name of its directory. */
function oldOffice(name: string): Uint8Array {
  return Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(1_500), Buffer.from(name, 'utf16le')])
}

function renamed(zip: Buffer, from: string, to: string): Buffer {
  return Buffer.from(zip.toString('latin1').replaceAll(from, to), 'latin1')
}
