import { promisify } from 'node:util'
import { constants, inflate } from 'node:zlib'
import type { ArchiveBudget } from '../../actors/tool/catalogue/document/measure-archive.ts'
import type { Content } from '../../persistence/attachments.ts'
import { nameFindings } from './dangerous-names.ts'
import { type Finding, within } from './finding.ts'

/**
 * What a PDF file would do when it is opened, found by the names that it must use for that, in the file and in its
 * compressed objects. It is not parsed: a parser is a great deal of code to run in this process on a stranger's bytes,
 * and takes the whole file into memory. In an encrypted file the compressed objects cannot be read.
 */
export async function pdfFindings(content: Content, budget: ArchiveBudget, inFile: InFile): Promise<Finding[]> {
  const findings: Finding[] = []
  const streams = new Map<number, 'objects' | 'file'>()
  let rest = ''
  let at = 0
  for await (const piece of content.read({ from: 0, to: content.size })) {
    const window = rest + Buffer.from(piece).toString('latin1')
    findings.push(...actionFindings(window))
    for (const [offset, kind] of streamsIn(window)) streams.set(at + offset, kind)
    rest = window.slice(-OVERLAP)
    at += window.length - rest.length
    if (streams.size > MAX_STREAMS)
      return [...findings, ['active', 'it is a PDF file with too many parts to look into']]
  }
  for (const [offset, kind] of streams) {
    const bytes = await inflated(content, offset, kind)
    if (bytes === 'too large') findings.push(['archive-bomb', 'it is a PDF file with parts too large to look into'])
    if (!(bytes instanceof Buffer)) continue
    budget.unpacked(bytes.length)
    if (kind === 'objects') findings.push(...actionFindings(bytes.toString('latin1')))
    else findings.push(...(await inFile(bytes)).map((finding) => within('a file', finding)))
  }
  return findings
}

/** Judges a file by its beginning. */
export type InFile = (head: Uint8Array) => Promise<Finding[]>

/** Longer than an action, and than what stands between a stream's type and its bytes. */
const OVERLAP = 4_096
/** One of ours for every 100 objects; a file of 25 MB that has as many is not made for reading. */
const MAX_STREAMS = 5_000
const OBJECTS_BYTES = 4 * 1024 * 1024
const HEAD_BYTES = 8 * 1024
/** More than any head can become. */
const INFLATED_BYTES = 16 * 1024 * 1024

/** Any letter of a name may be written as #hh. */
function pdfName(name: string): string {
  const letters = [...name].map((letter) => `(?:${letter}|#${letter.charCodeAt(0).toString(16)})`)
  return `/${letters.join('')}(?![A-Za-z0-9#])`
}

const SCRIPT = new RegExp(`/S\\s*${pdfName('JavaScript')}`, 'i')
const LAUNCH = new RegExp(`/S\\s*${pdfName('Launch')}`, 'i')
const STREAM = new RegExp(`${pdfName('ObjStm')}|${pdfName('EmbeddedFile')}`, 'g')
/** A file's name, as a string in brackets or in hex. */
const FILE = /\/U?F\s*(?:\(((?:\\[\s\S]|[^()\\]){1,600})\)|<([0-9A-Fa-f\s]{2,2400})>)/g

function* actionFindings(text: string): Generator<Finding> {
  if (SCRIPT.test(text)) yield ['active', 'it is a PDF file that runs JavaScript']
  if (LAUNCH.test(text)) yield ['active', 'it is a PDF file that starts a program or opens another file']
  for (const [, literal, hex] of text.matchAll(FILE)) {
    for (const finding of nameFindings(textString(literal, hex), 'archive')) yield within('a file', finding)
  }
}

/** Offsets of the bytes of streams that hold objects or files. */
function* streamsIn(window: string): Generator<[number, 'objects' | 'file']> {
  for (const { index, 0: name } of window.matchAll(STREAM)) {
    const kind = /^\/(E|#45)/i.test(name) ? 'file' : 'objects'
    const start = /stream\r?\n/.exec(window.slice(index, index + OVERLAP / 2))
    if (start) yield [index + start.index + start[0].length, kind]
  }
}

/** Undefined: it is not deflated, or encrypted. */
async function inflated(
  content: Content,
  from: number,
  kind: 'objects' | 'file',
): Promise<Buffer | 'too large' | undefined> {
  const most = kind === 'objects' ? OBJECTS_BYTES : HEAD_BYTES
  const pieces: Uint8Array[] = []
  for await (const piece of content.read({ from, to: Math.min(content.size, from + most) })) pieces.push(piece)
  const raw = Buffer.concat(pieces)
  try {
    // What is cut off, or follows the stream, is no error.
    return await inflateAsync(raw, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: INFLATED_BYTES })
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') return 'too large'
    return kind === 'file' ? raw : undefined
  }
}

const inflateAsync = promisify<Buffer, object, Buffer>(inflate)

function textString(literal: string | undefined, hex: string | undefined): string {
  const bytes =
    hex === undefined
      ? Buffer.from(
          (literal ?? '').replace(/\\([0-7]{1,3}|[\s\S])/g, (_, code) => unescaped(code)),
          'latin1',
        )
      : Buffer.from(hex.replace(/\s/g, ''), 'hex')
  const utf16 = bytes[0] === 0xfe && bytes[1] === 0xff
  return utf16 ? new TextDecoder('utf-16be').decode(bytes) : bytes.toString('latin1')
}

function unescaped(code: string): string {
  return /^[0-7]/.test(code) ? String.fromCharCode(Number.parseInt(code, 8) & 0xff) : code
}
