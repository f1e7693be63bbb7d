import type { Clock, Ids } from '../actors/kernel/clock.ts'
import {
  type Attachment,
  type AttachmentQuery,
  type Attachments,
  type ByteRange,
  CHUNK_BYTES,
  type Decision,
  type Held,
  inOrder,
  type NewAttachment,
} from './attachments.ts'
import { withinRange } from './chunked.ts'
import type { InMemoryStore } from './in-memory-store.ts'
import { deleted, exceeds, full, missing, owned, saveContent } from './saving.ts'
import { isUuid, refuseUnlessUuid } from './session-cursor.ts'

interface Kept {
  readonly attachment: Attachment
  readonly chunks: readonly Uint8Array[]
}

export class InMemoryAttachments implements Attachments {
  readonly #kept = new Map<string, Kept>()
  readonly #store: InMemoryStore
  readonly #ids: Ids
  readonly #clock: Pick<Clock, 'now'>

  constructor(store: InMemoryStore, ids: Ids, clock: Pick<Clock, 'now'>) {
    this.#store = store
    this.#ids = ids
    this.#clock = clock
  }

  async save(given: NewAttachment): Promise<Attachment> {
    const id = (given.id ?? this.#ids.uuid()).toLowerCase()
    const sessionId = given.sessionId.toLowerCase()
    for (const one of [id, sessionId]) refuseUnlessUuid(one)
    const same = this.#same(given)
    const chunks: Uint8Array[] = same ? [...same.chunks] : []
    const saved = same
      ? contentOf(same.attachment)
      : await saveContent(given, {
          async write(chunk) {
            chunks.push(chunk.slice())
          },
          read: (range) => pieces(chunks, range),
          async discard() {},
        })
    const there = this.#kept.get(id)?.attachment
    if (there) return owned(there, given.tenant)
    if (this.#store.records.get(sessionId)?.state === 'deleted') throw deleted(sessionId)
    const { tenant, filename, source, room } = given
    // A6: nothing is awaited between this and the entry.
    const held = this.#held(tenant, sessionId)
    if (room && exceeds(held, saved.size, room)) throw full(filename, saved.size, held, room)
    const createdAt = this.#clock.now()
    const attachment = { id, tenant, sessionId, filename, source, createdAt, ...saved }
    this.#kept.set(id, { attachment, chunks })
    return attachment
  }

  async get(tenant: string, id: string): Promise<Attachment | undefined> {
    return this.#mine(tenant, id)?.attachment
  }

  async *read(tenant: string, id: string, range?: ByteRange): AsyncGenerator<Uint8Array> {
    const kept = this.#mine(tenant, id)
    if (!kept) throw missing(id)
    yield* pieces(kept.chunks, range ?? { from: 0, to: kept.attachment.size })
  }

  async list({ tenant, sessionId, status, limit, after }: AttachmentQuery): Promise<Attachment[]> {
    return [...this.#kept.values()]
      .map(({ attachment }) => attachment)
      .filter((one) => one.tenant === tenant && (status === undefined || one.status === status))
      .filter((one) => sessionId === undefined || one.sessionId === sessionId.toLowerCase())
      .sort(inOrder)
      .filter((one) => after === undefined || inOrder(one, after) > 0)
      .slice(0, limit)
  }

  async usage(tenant: string, sessionId: string): Promise<Held> {
    return this.#held(tenant, sessionId.toLowerCase())
  }

  async mark(tenant: string, id: string, decided: Decision): Promise<Attachment | undefined> {
    const kept = this.#mine(tenant, id)
    if (!kept) return undefined
    const { quarantineReason: _, ...rest } = kept.attachment
    const attachment: Attachment = {
      ...rest,
      status: decided.status,
      decidedBy: decided.by,
      ...(decided.reason !== undefined && { quarantineReason: decided.reason }),
    }
    this.#kept.set(attachment.id, { ...kept, attachment })
    return attachment
  }

  async remove(tenant: string, id: string): Promise<boolean> {
    return this.#mine(tenant, id) !== undefined && this.#kept.delete(id.toLowerCase())
  }

  async removeOfSession(sessionId: string): Promise<void> {
    for (const [id, { attachment }] of this.#kept) {
      if (attachment.sessionId === sessionId.toLowerCase()) this.#kept.delete(id)
    }
  }

  async sweep(): Promise<number> {
    const gone = [...this.#kept.values()].filter(
      ({ attachment }) => this.#store.records.get(attachment.sessionId)?.state === 'deleted',
    )
    for (const { attachment } of gone) this.#kept.delete(attachment.id)
    return gone.length
  }

  #held(tenant: string, sessionId: string): Held {
    const sizes = [...this.#kept.values()]
      .filter(({ attachment }) => attachment.tenant === tenant && attachment.sessionId === sessionId)
      .map(({ attachment }) => attachment.size)
    return { count: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) }
  }

  /** A7. */
  #same({ tenant, filename, source, sha256 }: NewAttachment): Kept | undefined {
    if (sha256 === undefined) return undefined
    return [...this.#kept.values()].find(
      ({ attachment: one }) =>
        one.tenant === tenant && one.sha256 === sha256 && one.filename === filename && one.source === source,
    )
  }

  #mine(tenant: string, id: string): Kept | undefined {
    const kept = isUuid(id) ? this.#kept.get(id.toLowerCase()) : undefined
    return kept?.attachment.tenant === tenant ? kept : undefined
  }
}

function contentOf({ size, sha256, mime, status, quarantineReason, decidedBy }: Attachment) {
  const why = quarantineReason === undefined ? {} : { quarantineReason }
  return { size, sha256, mime, status, ...why, ...(decidedBy === undefined ? {} : { decidedBy }) }
}

async function* pieces(chunks: readonly Uint8Array[], range: ByteRange): AsyncGenerator<Uint8Array> {
  for (let n = Math.floor(range.from / CHUNK_BYTES); n * CHUNK_BYTES < range.to; n++) {
    const chunk = chunks[n]
    if (chunk) yield withinRange(chunk, n, range)
  }
}
