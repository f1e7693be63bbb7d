import { Readable } from 'node:stream'
import yauzl from 'yauzl'
import type { Content } from '../../../../persistence/attachments.ts'
import { isFailure } from '../../../kernel/failure.ts'

/** What is in a ZIP file, found by unpacking it and keeping nothing: what it says of itself may be a lie. */
export interface MeasuredArchive {
  readonly names: readonly string[]
  readonly encrypted: boolean
}

/** Thrown when a limit is passed, or the file is no ZIP that can be read. The message completes "the archive …". */
export class UnmeasuredArchive extends Error {}

/** What may be unpacked: of one archive, or of one and all those in it together. */
export class ArchiveBudget {
  readonly #limits: { readonly entries: number; readonly bytes: number }
  #entries = 0
  #bytes = 0

  constructor(limits: { readonly entries: number; readonly bytes: number }) {
    this.#limits = limits
  }

  entries(more: number): void {
    this.#entries += more
    if (this.#entries > this.#limits.entries) {
      throw new UnmeasuredArchive(`has more than ${this.#limits.entries} entries`)
    }
  }

  unpacked(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes > this.#limits.bytes) {
      throw new UnmeasuredArchive(`unpacks to more than ${this.#limits.bytes} bytes`)
    }
  }
}

export interface ArchiveVisitor {
  /** Shown the beginning of each entry. Answers how many bytes of it to hold for `whole`; 0: it is not wanted. */
  begin(name: string, head: Uint8Array): number | Promise<number>
  /** All of an entry that was wanted. Undefined: it has more than that. */
  whole(name: string, bytes: Uint8Array | undefined): Promise<void>
}

/** As much of an entry as its type is told from. */
const HEAD_BYTES = 8 * 1024

/** Never holds more than a piece of one entry, and what the visitor wants. */
export async function measureArchive(
  content: Content,
  budget: ArchiveBudget,
  visitor?: ArchiveVisitor,
): Promise<MeasuredArchive> {
  const names: string[] = []
  const ranges: Range[] = []
  let encrypted = false
  const watched = visitor && new WatchedVisitor(visitor)
  const archive = await opened(content)
  try {
    // No more are read than it says that it has.
    budget.entries(archive.entryCount)
    for await (const entry of entriesOf(archive)) {
      names.push(entry.fileName)
      ranges.push(rangeOf(entry))
      if (entry.isEncrypted()) encrypted = true
      else await throughEntry(entry.fileName, await unpacked(archive, entry), budget, watched)
    }
  } catch (error) {
    // What stores the bytes failed, or who looks at them: that is not the archive's fault.
    if (error instanceof UnmeasuredArchive || isFailure(error) || watched?.failed) throw error
    throw new UnmeasuredArchive(`is damaged (${messageOf(error)})`)
  } finally {
    archive.close()
  }
  if (overlapping(ranges)) throw new UnmeasuredArchive('has entries that overlap')
  return { names, encrypted }
}

class WatchedVisitor implements ArchiveVisitor {
  readonly #visitor: ArchiveVisitor
  failed = false

  constructor(visitor: ArchiveVisitor) {
    this.#visitor = visitor
  }

  begin(name: string, head: Uint8Array) {
    return this.#watched(() => this.#visitor.begin(name, head))
  }

  whole(name: string, bytes: Uint8Array | undefined) {
    return this.#watched(() => this.#visitor.whole(name, bytes))
  }

  async #watched<Answer>(ask: () => Answer | Promise<Answer>): Promise<Answer> {
    try {
      return await ask()
    } catch (error) {
      this.failed = true
      throw error
    }
  }
}

/** One entry, to its end. */
export async function throughEntry(
  name: string,
  pieces: AsyncIterable<Uint8Array>,
  budget: ArchiveBudget,
  visitor?: ArchiveVisitor,
): Promise<void> {
  // Gathered, for a first piece may be as short as its sender likes.
  let kept: Uint8Array[] = []
  let size = 0
  let hold: number | undefined
  const begin = async () => {
    hold = visitor ? await visitor.begin(name, Buffer.concat(kept)) : 0
  }
  for await (const piece of pieces) {
    budget.unpacked(piece.length)
    size += piece.length
    if (hold === undefined || size <= hold) kept.push(piece)
    if (hold === undefined && size >= HEAD_BYTES) await begin()
    if (size > (hold ?? HEAD_BYTES)) kept = []
  }
  if (hold === undefined) await begin()
  if (!visitor || hold === undefined || hold === 0) return
  const whole = size <= hold ? Buffer.concat(kept) : undefined
  kept = []
  await visitor.whole(name, whole)
}

interface Range {
  readonly from: number
  readonly to: number
}

/** A local header has 30 bytes and the name: what is more in it only makes the range longer. */
function rangeOf({ relativeOffsetOfLocalHeader, fileNameLength, compressedSize }: yauzl.Entry): Range {
  const from = relativeOffsetOfLocalHeader
  return { from, to: from + 30 + fileNameLength + compressedSize }
}

/** No archiver writes such a file: bytes that are unpacked once for every entry that names them. */
function overlapping(ranges: readonly Range[]): boolean {
  const sorted = [...ranges].sort((a, b) => a.from - b.from)
  return sorted.some(({ from }, n) => from < (sorted[n - 1]?.to ?? 0))
}

/** The archive is read by range, wherever its bytes are. */
class ContentReader extends yauzl.RandomAccessReader {
  readonly #content: Content

  constructor(content: Content) {
    super()
    this.#content = content
  }

  override _readStreamForRange(from: number, to: number): Readable {
    return Readable.from(this.#content.read({ from, to }), { objectMode: false })
  }
}

function opened(content: Content): Promise<yauzl.ZipFile> {
  return new Promise((resolve, reject) => {
    const options = { lazyEntries: true, autoClose: false, validateEntrySizes: true, strictFileNames: false }
    yauzl.fromRandomAccessReader(new ContentReader(content), content.size, options, (error, archive) => {
      if (error) reject(isFailure(error) ? error : new UnmeasuredArchive(`cannot be read (${error.message})`))
      else resolve(archive)
    })
  })
}

async function* entriesOf(archive: yauzl.ZipFile): AsyncGenerator<yauzl.Entry> {
  for (;;) {
    const entry = await new Promise<yauzl.Entry | undefined>((resolve, reject) => {
      const settle = (how: () => void) => {
        archive.removeAllListeners('entry').removeAllListeners('end').removeAllListeners('error')
        how()
      }
      archive.once('entry', (next: yauzl.Entry) => settle(() => resolve(next)))
      archive.once('end', () => settle(() => resolve(undefined)))
      archive.once('error', (error: Error) => settle(() => reject(error)))
      archive.readEntry()
    })
    if (entry === undefined) return
    yield entry
  }
}

function unpacked(archive: yauzl.ZipFile, entry: yauzl.Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    archive.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)))
  })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
