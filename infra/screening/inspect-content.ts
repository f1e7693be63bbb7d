import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import {
  type ArchiveBudget,
  type ArchiveVisitor,
  measureArchive,
  throughEntry,
  UnmeasuredArchive,
} from '../../actors/tool/catalogue/document/measure-archive.ts'
import type { Content } from '../../persistence/attachments.ts'
import { type ContentType, contentTypeOf } from './content-type.ts'
import { nameFindings } from './dangerous-names.ts'
import { type Finding, shown, within } from './finding.ts'
import type { Holding } from './holding.ts'
import { isOfficePart, OFFICE_PART_BYTES, officeNameFindings, officePartFindings } from './office-parts.ts'
import { oldOfficeFindings } from './old-office.ts'
import { pdfFindings } from './pdf-findings.ts'

/** Archives in archives in archives, and nothing below: a document in an archive is one of them. */
export const MAX_DEPTH = 3

/** What is left for all that one upload holds, however deep. */
export interface Means {
  readonly budget: ArchiveBudget
  readonly holding: Holding
}

export interface Inspected {
  readonly findings: readonly Finding[]
  /** Known better than from the beginning. */
  readonly type?: ContentType
}

/** Looks into what can hold something else. `depth`: how many archives it lies in. */
export async function inspectContent(
  content: Content,
  head: Uint8Array,
  type: ContentType,
  means: Means,
  depth = 0,
): Promise<Inspected> {
  const findings: Finding[] = []
  try {
    if (isZip(head)) {
      if (depth > MAX_DEPTH) return { findings: [TOO_DEEP] }
      return await zipFindings(content, means, depth, findings)
    }
    if (type.mime === 'application/pdf') {
      findings.push(
        ...(await pdfFindings(content, means.budget, async (start) => [
          ...headFindings(start, await contentTypeOf(start, '')),
        ])),
      )
    } else if (type.mime === 'application/x-cfb') findings.push(...(await oldOfficeFindings(content)))
    else if (/gzip$/.test(type.mime)) {
      if (depth > MAX_DEPTH) return { findings: [TOO_DEEP] }
      await gunzip(content, visitorOf(means, depth, findings), means)
      // TAR is not compressed; of others nobody can say how large they become.
    } else if (type.family === 'archive' && type.mime !== 'application/x-tar') {
      findings.push(['archive-bomb', `nobody can say here what ${type.mime} unpacks to`])
    }
    return { findings }
  } catch (error) {
    if (!(error instanceof UnmeasuredArchive)) throw error
    return { findings: [...findings, ['archive-bomb', `the archive ${error.message}`]] }
  }
}

const TOO_DEEP: Finding = ['archive-bomb', `archives in it are nested deeper than ${MAX_DEPTH}`]

const EICAR = 'X5O!P%@AP[4\\PZX54(P^)7CC)7}$' + 'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!'

/** Of an upload, and of anything in it. */
export function* headFindings(head: Uint8Array, type: ContentType): Generator<Finding> {
  const start = Buffer.from(head.subarray(0, 1_024)).toString('latin1')
  if (start.includes(EICAR)) yield ['eicar', 'it is the test file of anti-virus programs']
  if (type.family === 'program') yield ['executable', `it is a program (${type.mime})`]
}

export function isZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && (head[2] === 3 || head[2] === 5) && (head[3] === 4 || head[3] === 6)
}

const office: readonly (readonly [string, string])[] = [
  ['word/document.xml', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
  ['xl/workbook.xml', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
  ['ppt/presentation.xml', 'application/vnd.openxmlformats-officedocument.presentationml.presentation'],
]

async function zipFindings(content: Content, means: Means, depth: number, findings: Finding[]): Promise<Inspected> {
  const { names, encrypted } = await measureArchive(content, means.budget, visitorOf(means, depth, findings))
  if (encrypted) findings.push(['archive-bomb', 'the archive is encrypted: nobody can say here what it unpacks to'])
  findings.push(...officeNameFindings(names))
  const mime = office.find(([name]) => names.includes(name))?.[1]
  return mime === undefined ? { findings } : { findings, type: { mime, family: 'document' } }
}

/** What can hold something else is held, and looked into in its turn. */
function visitorOf(means: Means, depth: number, findings: Finding[]): ArchiveVisitor {
  const wanted = new Map<string, ContentType>()
  return {
    async begin(name, head) {
      if (name.endsWith('/')) return 0
      const type = await contentTypeOf(head, name)
      for (const finding of [...headFindings(head, type), ...nameFindings(name, 'archive')]) {
        findings.push(within(name, finding))
      }
      if (isOfficePart(name)) return OFFICE_PART_BYTES
      if (!holdsMore(head, type)) return 0
      wanted.set(name, type)
      return means.holding.room()
    },
    async whole(name, bytes) {
      const type = wanted.get(name)
      wanted.delete(name)
      if (!bytes) findings.push(['archive-bomb', `${shown(name)} in it is too large to look into`])
      else if (!type) findings.push(...officePartFindings(bytes))
      else {
        const inner = await means.holding.while(bytes.length, () =>
          inspectContent(contentOf(bytes), bytes, type, means, depth + 1),
        )
        findings.push(...inner.findings.map((finding) => within(name, finding)))
      }
    },
  }
}

function holdsMore(head: Uint8Array, { mime, family }: ContentType): boolean {
  return (
    isZip(head) || (family === 'archive' && mime !== 'application/x-tar') || /^application\/(pdf|x-cfb)$/.test(mime)
  )
}

async function gunzip(content: Content, visitor: ArchiveVisitor, { budget }: Means): Promise<void> {
  budget.entries(1)
  try {
    await pipeline(content.read({ from: 0, to: content.size }), createGunzip(), (pieces: AsyncIterable<Buffer>) =>
      throughEntry('the file', pieces, budget, visitor),
    )
  } catch (error) {
    // Not what unpacks, but what stores it failed: that is not the file's fault.
    if (!String((error as { code?: unknown }).code).startsWith('Z_')) throw error
    throw new UnmeasuredArchive('is damaged')
  }
}

function contentOf(bytes: Uint8Array): Content {
  return {
    size: bytes.length,
    async *read({ from, to }) {
      yield bytes.subarray(from, to)
    },
  }
}
