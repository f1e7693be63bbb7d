import { ArchiveBudget } from '../../actors/tool/catalogue/document/measure-archive.ts'
import type { Claimed, Content, Screen, Verdict } from '../../persistence/attachments.ts'
import { type ContentType, contentTypeOf, extensionOf, HEAD_BYTES } from './content-type.ts'
import { nameFindings } from './dangerous-names.ts'
import type { Finding } from './finding.ts'
import { Holding } from './holding.ts'
import { headFindings, inspectContent } from './inspect-content.ts'
import type { QuarantineRule } from './quarantine-rules.ts'

const ARCHIVE_ENTRIES = 10_000
const UNPACKED_BYTES = 256 * 1024 * 1024
/** Beyond so many times its size, and more than a little: nothing honest is that compressible. */
const RATIO = 100
const LITTLE = 10 * 1024 * 1024

/**
 * Decides by what is in a file, and by what would become of it under its name; what its sender says of it is only compared.
 * It is no virus scanner: it keeps out what has no business in a conversation, and what would harm who opens it unawares.
 */
export function screenUploads(rules: readonly QuarantineRule[]): Screen {
  return async (content, claimed): Promise<Verdict> => {
    const head = await bytesOf(content, 0, Math.min(content.size, HEAD_BYTES))
    const first = await contentTypeOf(head, claimed.filename)
    const inside = await insideOf(content, head, first)
    const type = inside.type ?? first
    const findings = [
      ...headFindings(head, first),
      ...shebangFindings(head, claimed.filename),
      ...nameFindings(claimed.filename, 'upload'),
      ...nameFindings(claimed.sentName ?? '', 'upload'),
      ...inside.findings,
      ...mismatchFindings(type, claimed),
    ]
    const found = findings.find(([rule]) => rules.includes(rule))
    if (!found) return { mime: type.mime, status: 'clean' }
    return { mime: type.mime, status: 'quarantined', quarantineReason: `${found[0]}: ${found[1]}` }
  }
}

async function insideOf(content: Content, head: Uint8Array, type: ContentType) {
  const bytes = Math.min(UNPACKED_BYTES, Math.max(LITTLE, RATIO * content.size))
  const holding = new Holding()
  try {
    return await inspectContent(content, head, type, {
      budget: new ArchiveBudget({ entries: ARCHIVE_ENTRIES, bytes }),
      holding,
    })
  } finally {
    holding.end()
  }
}

/** Endings under which a script is what one expects: whoever sends deploy.sh or fit.py sends a source file. */
const SOURCES =
  /^(sh|bash|zsh|fish|ksh|py|rb|pl|pm|php|js|mjs|cjs|ts|mts|lua|tcl|awk|r|jl|swift|kts|groovy|scala|exs?|hs|nix|bats)$/

function* shebangFindings(head: Uint8Array, filename: string): Generator<Finding> {
  if (head[0] !== 0x23 || head[1] !== 0x21 || SOURCES.test(extensionOf(filename))) return
  yield ['script', 'it begins with #!, as a script that a shell runs, and its name says nothing of it']
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

function* mismatchFindings(type: ContentType, { filename, mime }: Claimed): Generator<Finding> {
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

async function bytesOf(content: Content, from: number, to: number): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of content.read({ from, to })) pieces.push(piece)
  return Buffer.concat(pieces)
}
