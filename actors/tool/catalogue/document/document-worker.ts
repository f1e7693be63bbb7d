import { parentPort, workerData } from 'node:worker_threads'
import { htmlText } from '../http/html-text.ts'
import { DOCX, type DocumentAnswer, type DocumentJob } from './document-job.ts'
import { ArchiveBudget, measureArchive, UnmeasuredArchive } from './measure-archive.ts'
import { type Page, pagesOfText, type Wanted } from './pages.ts'

/** The thread in which one document is read. It may hang or use up its memory: read-document.ts ends it, and nobody else notices. */
const { bytes, mime, wanted, characters: enough } = workerData as DocumentJob

/** Unpacked memory is outside the heap that a thread's limit counts. */
const DOCX_LIMITS = { entries: 5_000, bytes: 64 * 1024 * 1024 }

parentPort?.postMessage(await answer())

async function answer(): Promise<DocumentAnswer> {
  try {
    if (mime === 'application/pdf') return await pdf()
    if (mime === DOCX) return await docx()
    const text = decoded()
    return paged(
      mime === 'text/html' || mime === 'image/svg+xml' ? await htmlText(text, new AbortController().signal) : text,
    )
  } catch (error) {
    if (error instanceof UnmeasuredArchive) return { ok: false, why: `is an archive that ${error.message}` }
    return { ok: false, why: reasonOf(error) }
  }
}

async function pdf(): Promise<DocumentAnswer> {
  const { getDocumentProxy } = await import('unpdf')
  const document = await getDocumentProxy(bytes)
  const pages: Page[] = []
  let characters = 0
  for (let number = wanted.from; number <= Math.min(wanted.to, document.numPages); number++) {
    const page = await document.getPage(number)
    const { items } = await page.getTextContent()
    const text = items.map((item) => ('str' in item ? `${item.str}${item.hasEOL ? '\n' : ''}` : '')).join('')
    page.cleanup()
    characters += text.length
    pages.push({ number, text })
    // The page that no longer fits is read too: the first one is shown as far as it goes.
    if (characters > enough) break
  }
  if (pages.length > 0 && characters === 0) {
    const which = pages.length === document.numPages ? 'has' : `has on pages ${wanted.from} to ${pages.at(-1)?.number}`
    return { ok: false, why: `${which} no text, only pictures of it (a scan): it needs text recognition first` }
  }
  return { ok: true, pages, total: document.numPages }
}

async function docx(): Promise<DocumentAnswer> {
  const content = {
    size: bytes.length,
    async *read({ from, to }: { from: number; to: number }) {
      yield bytes.subarray(from, to)
    },
  }
  const { encrypted } = await measureArchive(content, new ArchiveBudget(DOCX_LIMITS))
  if (encrypted) return { ok: false, why: 'is encrypted' }
  const { default: mammoth } = await import('mammoth')
  const { value } = await mammoth.extractRawText({ buffer: Buffer.from(bytes) })
  return paged(value)
}

function paged(text: string): DocumentAnswer {
  const all = pagesOfText(text)
  if (text.trim() === '') return { ok: false, why: 'has no text' }
  return { ok: true, pages: within(all, wanted), total: all.length }
}

function within(pages: readonly Page[], { from, to }: Wanted): Page[] {
  return pages.filter(({ number }) => number >= from && number <= to)
}

function decoded(): string {
  const label =
    bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8'
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('latin1').decode(bytes)
  }
}

function reasonOf(error: unknown): string {
  const { name, message } = error as Error
  if (name === 'PasswordException') return 'is protected by a password'
  if (name === 'InvalidPDFException' || name === 'FormatError') return 'is a damaged PDF file'
  if (error instanceof RangeError) return 'is nested too deeply'
  return `is damaged (${String(message).slice(0, 200)})`
}
