import { Readable } from 'node:stream'
import yauzl from 'yauzl'
import type { Content } from '../../../../persistence/attachments.ts'

/** What is in a ZIP file, found by unpacking it and keeping nothing: what it says of itself may be a lie. */
export interface MeasuredArchive {
  readonly names: readonly string[]
  /** Unpacked, of all entries. */
  readonly bytes: number
  readonly encrypted: boolean
}

export interface ArchiveLimits {
  readonly entries: number
  readonly bytes: number
}

/** Thrown when a limit is passed, or the file is no ZIP that can be read. The message completes "the archive …". */
export class UnmeasuredArchive extends Error {}

/** `head` is shown the first piece of each entry. Never holds more than a piece of one entry. */
export async function measureArchive(
  content: Content,
  limits: ArchiveLimits,
  head?: (name: string, piece: Uint8Array) => void,
): Promise<MeasuredArchive> {
  const names: string[] = []
  let bytes = 0
  let encrypted = false
  const archive = await opened(content)
  try {
    for await (const entry of entriesOf(archive)) {
      names.push(entry.fileName)
      if (names.length > limits.entries) throw new UnmeasuredArchive(`has more than ${limits.entries} entries`)
      if (entry.isEncrypted()) {
        encrypted = true
        continue
      }
      let first = true
      for await (const piece of await unpacked(archive, entry)) {
        bytes += piece.length
        if (bytes > limits.bytes) throw new UnmeasuredArchive(`unpacks to more than ${limits.bytes} bytes`)
        if (first) head?.(entry.fileName, piece)
        first = false
      }
    }
  } catch (error) {
    if (error instanceof UnmeasuredArchive) throw error
    throw new UnmeasuredArchive(`is damaged (${messageOf(error)})`)
  } finally {
    archive.close()
  }
  return { names, bytes, encrypted }
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
      if (error) reject(new UnmeasuredArchive(`cannot be read (${error.message})`))
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
