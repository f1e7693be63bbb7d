import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { measureArchive, UnmeasuredArchive } from '../../actors/tool/catalogue/document/measure-archive.ts'
import type { Content, Screen, Verdict } from '../../persistence/attachments.ts'
import { type ContentType, contentTypeOf, extensionOf, HEAD_BYTES } from './content-type.ts'
import type { QuarantineRule } from './quarantine-rules.ts'

/**
 * Decides by what is in a file, never by what its sender says of it. It is no virus scanner: it keeps out what has no
 * business in a conversation, and what would harm who opens it unawares.
 */
const ARCHIVE_ENTRIES = 10_000
const UNPACKED_BYTES = 256 * 1024 * 1024
/** Beyond so many times its size, and more than a little: nothing honest is that compressible. */
const RATIO = 100
const LITTLE = 10 * 1024 * 1024

type Finding = readonly [QuarantineRule, string]

export function screenUploads(rules: readonly QuarantineRule[]): Screen {
  return async (content, claimed): Promise<Verdict> => {
    const head = await bytesOf(content, 0, Math.min(content.size, HEAD_BYTES))
    let type = await contentTypeOf(head, claimed.filename)
    const findings: Finding[] = [...headFindings(head, type, claimed.filename)]
    if (isZip(head)) {
      const inside = await zipFindings(content)
      findings.push(...inside.findings)
      type = inside.type ?? type
    } else if (type.family === 'archive') findings.push(...(await archiveFindings(content, type)))
    if (type.mime === 'application/x-cfb' && (await contains(content, utf16('_VBA_PROJECT')))) {
      findings.push(['macro', 'it is an Office document with macros'])
    }
    findings.push(...nameFindings(type, claimed))
    const found = findings.find(([rule]) => rules.includes(rule))
    if (!found) return { mime: type.mime, status: 'clean' }
    return { mime: type.mime, status: 'quarantined', quarantineReason: `${found[0]}: ${found[1]}` }
  }
}

const EICAR = 'X5O!P%@AP[4\\PZX54(P^)7CC)7}$' + 'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!'
const SCRIPT_NAMES = new Set([
  'sh',
  'bash',
  'bat',
  'cmd',
  'ps1',
  'vbs',
  'vbe',
  'wsf',
  'hta',
  'scr',
  'com',
  'lnk',
  'jse',
])

function* headFindings(head: Uint8Array, type: ContentType, filename: string): Generator<Finding> {
  const start = Buffer.from(head.subarray(0, 1_024)).toString('latin1')
  if (start.includes(EICAR)) yield ['eicar', 'it is the test file of anti-virus programs']
  if (type.family === 'program') yield ['executable', `it is a program (${type.mime})`]
  if (/^#!/.test(start)) yield ['script', 'it begins with #!, as a script that a shell runs']
  const extension = extensionOf(filename)
  if (SCRIPT_NAMES.has(extension)) yield ['script', `a file named .${extension} is run when it is opened`]
}

/** The kinds of content that a name may stand for; a name that is not here claims nothing. */
const claims: Readonly<Record<string, RegExp>> = {
  png: /^image\//,
  jpg: /^image\//,
  jpeg: /^image\//,
  gif: /^image\//,
  webp: /^image\//,
  bmp: /^image\//,
  svg: /^(image\/|application\/xml)/,
  pdf: /^application\/pdf$/,
  docx: /^application\/(vnd\.openxmlformats|zip|x-cfb)/,
  xlsx: /^application\/(vnd\.openxmlformats|zip|x-cfb)/,
  pptx: /^application\/(vnd\.openxmlformats|zip|x-cfb)/,
  zip: /^application\/(zip|vnd\.|epub|java-archive)/,
  txt: /^(text\/|application\/(json|yaml|xml)$)/,
  md: /^(text\/|application\/(json|yaml|xml)$)/,
  csv: /^text\//,
  json: /^(text\/|application\/json$)/,
  html: /^text\//,
  htm: /^text\//,
}

function* nameFindings(type: ContentType, { filename, mime }: { filename: string; mime: string }): Generator<Finding> {
  const extension = extensionOf(filename)
  const markupName = ['html', 'htm', 'xhtml', 'svg', 'xml'].includes(extension)
  if (type.family === 'markup' && type.active) {
    if (type.mime === 'image/svg+xml') yield ['active', 'it is an SVG image that runs scripts']
    else if (!markupName) yield ['active', `it is HTML under the name ${filename}`]
  }
  const expected = claims[extension]
  if (type.mime !== 'text/plain' || expected === undefined || !/image|pdf|vnd|zip/.test(expected.source)) {
    if (expected && !expected.test(type.mime)) yield ['mismatch', `it is ${type.mime} under the name ${filename}`]
  } else yield ['mismatch', `it is text under the name ${filename}`]
  const saidImage = /^image\//.test(mime)
  if ((saidImage && !/^image\//.test(type.mime)) || (mime === 'application/pdf' && type.mime !== mime)) {
    yield ['mismatch', `it was sent as ${mime.slice(0, 100)} and is ${type.mime}`]
  }
}

function isZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && (head[2] === 3 || head[2] === 5) && (head[3] === 4 || head[3] === 6)
}

const office: readonly (readonly [string, string])[] = [
  ['word/document.xml', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
  ['xl/workbook.xml', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
  ['ppt/presentation.xml', 'application/vnd.openxmlformats-officedocument.presentationml.presentation'],
]

async function zipFindings(content: Content): Promise<{ findings: Finding[]; type?: ContentType }> {
  const findings: Finding[] = []
  try {
    const { names, bytes } = await measureArchive(
      content,
      { entries: ARCHIVE_ENTRIES, bytes: UNPACKED_BYTES },
      (name, piece) => {
        const start = Buffer.from(piece.subarray(0, 1_024)).toString('latin1')
        if (start.includes(EICAR)) findings.push(['eicar', `${name} in it is the test file of anti-virus programs`])
        if (/^(MZ|\x7fELF)/.test(start)) findings.push(['executable', `${name} in it is a program`])
      },
    )
    if (bytes > LITTLE && bytes > RATIO * content.size) {
      findings.push(['archive-bomb', `it unpacks to ${Math.round(bytes / content.size)} times its size`])
    }
    if (names.some((name) => /(^|\/)vba(Project|Data)[^/]*\.bin$/i.test(name) || /\/macrosheets\//i.test(name))) {
      findings.push(['macro', 'it is an Office document with macros'])
    }
    const mime = office.find(([name]) => names.includes(name))?.[1]
    return mime === undefined ? { findings } : { findings, type: { mime, family: 'document' } }
  } catch (error) {
    if (!(error instanceof UnmeasuredArchive)) throw error
    return { findings: [...findings, ['archive-bomb', `the archive ${error.message}`]] }
  }
}

/** TAR is not compressed; GZIP is measured; of others nobody can say how large they become. */
async function archiveFindings(content: Content, { mime }: ContentType): Promise<Finding[]> {
  if (mime === 'application/x-tar') return []
  if (!/gzip$/.test(mime)) return [['archive-bomb', `nobody can say here what ${mime} unpacks to`]]
  let bytes = 0
  const bomb = new UnmeasuredArchive('bomb')
  try {
    await pipeline(
      content.read({ from: 0, to: content.size }),
      createGunzip(),
      async (pieces: AsyncIterable<Buffer>) => {
        for await (const piece of pieces) {
          bytes += piece.length
          if (bytes > UNPACKED_BYTES || (bytes > LITTLE && bytes > RATIO * content.size)) throw bomb
        }
      },
    )
    return []
  } catch (error) {
    if (error === bomb)
      return [['archive-bomb', `it unpacks to ${Math.round(bytes / content.size)} times its size or more`]]
    // Not what unpacks, but what stores it failed: that is not the file's fault.
    if (!String((error as { code?: unknown }).code).startsWith('Z_')) throw error
    return [['archive-bomb', 'the archive is damaged']]
  }
}

function utf16(text: string): Buffer {
  return Buffer.from(text, 'utf16le')
}

/** Across the borders of pieces too. */
async function contains(content: Content, wanted: Buffer): Promise<boolean> {
  let rest = Buffer.alloc(0)
  for await (const piece of content.read({ from: 0, to: content.size })) {
    const window = Buffer.concat([rest, piece])
    if (window.includes(wanted)) return true
    rest = Buffer.from(window.subarray(Math.max(0, window.length - wanted.length)))
  }
  return false
}

async function bytesOf(content: Content, from: number, to: number): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of content.read({ from, to })) pieces.push(piece)
  return Buffer.concat(pieces)
}
