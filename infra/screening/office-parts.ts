import { Parser } from 'htmlparser2'
import type { Finding } from './finding.ts'

/** Parts of an Office document that say what else is in it, and where it reaches: they are read, whatever they are called in. */
export function isOfficePart(name: string): boolean {
  return name === '[Content_Types].xml' || /(^|\/)_rels\/[^/]*\.rels$/i.test(name)
}

/** Honest ones have some KB. */
export const OFFICE_PART_BYTES = 1024 * 1024

const MACROS: Finding = ['macro', 'it is an Office document with macros']
const OBJECT: Finding = ['embedded-object', 'it is an Office document with an embedded object (OLE or ActiveX)']

/** By the names of its parts, which its author may choose: officePartFindings looks at what they are said to be, too. */
export function* officeNameFindings(names: readonly string[]): Generator<Finding> {
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name))
  if (has(/(^|\/)vba(Project|Data)[^/]*\.bin$/i) || has(/\/macrosheets\//i)) yield MACROS
  if (names.includes('META-INF/manifest.xml') && has(/^(Basic\/[^/]+\/(?!script-lb)[^/]+\.xml|Scripts\/.+[^/])$/)) {
    yield ['macro', 'it is an OpenDocument file with macros']
  }
  // A workbook in a document (embeddings/*.xlsx) is what every chart of it brings along: it is opened like any archive in it.
  if (has(/\/(embeddings|activeX)\/[^/]+\.bin$/i)) yield OBJECT
}

export function officePartFindings(bytes: Uint8Array): Finding[] {
  const findings: Finding[] = []
  const parser = new Parser(
    {
      onopentag(tag, attributes) {
        const name = tag.split(':').at(-1)
        if (name === 'Override' || name === 'Default') findings.push(...typeFindings(attributes.ContentType ?? ''))
        if (name === 'Relationship') findings.push(...relationshipFindings(attributes))
      },
    },
    { xmlMode: true },
  )
  parser.end(decoded(bytes))
  return findings
}

function* typeFindings(type: string): Generator<Finding> {
  if (/vbaProject|macroEnabled|macrosheet/i.test(type)) yield MACROS
  if (/oleObject|activeX/i.test(type)) yield OBJECT
}

/**
 * What a document fetches by itself when it is opened. A link that a person clicks is none of that, nor is a picture of the
 * web, nor a template of the author's own disk, which many honest documents name; a share on the network is always refused,
 * for it is sent the reader's password hash.
 */
function* relationshipFindings(attributes: Record<string, string>): Generator<Finding> {
  const { Target: target = '', TargetMode: mode = '', Type: type = '' } = attributes
  const kind = type.split('/').at(-1) ?? ''
  if (mode.toLowerCase() !== 'external' || kind === 'hyperlink') return
  const share = /^\s*(\\\\|\/\/|file:(\/{2}(?!\/|localhost\/)|\/{4,}|\\\\))/i.test(target)
  const remote = share || /^\s*(?!file:)[a-z][a-z0-9+.-]+:/i.test(target)
  if (share || (remote && kind !== 'image' && kind !== 'video' && kind !== 'audio')) {
    yield [
      'external-link',
      `it is an Office document that fetches its ${kind.slice(0, 40) || 'content'} from elsewhere`,
    ]
  }
}

function decoded(bytes: Uint8Array): string {
  const [first, second] = bytes
  const label =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8'
  return new TextDecoder(label).decode(bytes)
}
