/**
 * Files that belong to a session: what a client uploaded, and outputs of tools too long for the conversation. Any process
 * saves them and any reads them.
 *   A1. An attachment is whole or absent: `get`, `read` and `list` see nothing of a save that has not ended.
 *   A2. It belongs to one tenant for ever; asked for by another it does not exist.
 *   A3. A save under an id that its session has already writes nothing, and answers what is there.
 *   A4. It goes with its session: nothing can be saved into one that is deleted, and `removeOfSession` leaves none behind.
 *   A5. What a save left that broke, or whose process died, is removed: at once, or by `sweep`.
 *   A6. A save that names a `room` never takes its session beyond it, whatever is saved at the same time, by any process.
 *   A7. Bytes that a tenant has already on the same server, by a save that names their hash, are kept once: they go with
 *       the last attachment that has them.
 */
export interface Attachments {
  /**
   * Reads the bytes to their end, and resolves once they survive the death of the process. Rejects with UPLOAD_TOO_LARGE
   * beyond `maxBytes`, UPLOAD_LIMIT
   * beyond `room`, SESSION_DELETED, JOURNAL_UNAVAILABLE, and with whatever `bytes` or `screen` throws.
   */
  save(attachment: NewAttachment): Promise<Attachment>
  get(tenant: string, id: string): Promise<Attachment | undefined>
  /**
   * The bytes from `from` to before `to` (both from 0; by default all), in pieces of at most CHUNK_BYTES. Whether it may
   * be read is the caller's to know. Throws ATTACHMENT_NOT_FOUND when it is gone, also in the middle.
   */
  read(tenant: string, id: string, range?: ByteRange): AsyncIterable<Uint8Array>
  /** Of a tenant, or of one of its sessions; oldest first, at most `limit`, beginning after the attachment `after`. */
  list(query: AttachmentQuery): Promise<Attachment[]>
  usage(tenant: string, sessionId: string): Promise<Held>
  /** Another status, and who decided so. Undefined: there is none. */
  mark(tenant: string, id: string, decided: Decision): Promise<Attachment | undefined>
  /** Whether there was one. */
  remove(tenant: string, id: string): Promise<boolean>
  removeOfSession(sessionId: string): Promise<void>
  /** A4, A5. Removes leftovers that began before that moment (epoch milliseconds). How many. */
  sweep(before: number): Promise<number>
}

/** Every piece but the last has this size, so that a range is a range of rows. */
export const CHUNK_BYTES = 256 * 1024

export type AttachmentStatus = 'clean' | 'quarantined'
export type AttachmentSource = 'upload' | 'tool' | 'message'

export interface NewAttachment {
  /** Left out: drawn. Given by who may have to save again what it does not know to be saved (A3). */
  readonly id?: string
  readonly tenant: string
  readonly sessionId: string
  /** Shown to people, never used as a path. */
  readonly filename: string
  readonly mime: string
  readonly source: AttachmentSource
  readonly bytes: Uint8Array | AsyncIterable<Uint8Array>
  readonly maxBytes?: number
  /** All that the session may hold, with this one. Left out: it is saved, however much that is. */
  readonly room?: Held
  /**
   * Hex, of bytes that are known beforehand. When an attachment of the tenant has them, under the same name and from the same
   * source, they are not read again, nor screened: its type and status hold, and what an operator decided.
   */
  readonly sha256?: string
  /** Asked once all bytes are there and before anybody can see them. Left out: clean, of type `mime`. */
  readonly screen?: Screen
}

/** How much a session has. */
export interface Held {
  readonly count: number
  readonly bytes: number
}

export interface Attachment {
  readonly id: string
  readonly tenant: string
  readonly sessionId: string
  readonly filename: string
  readonly mime: string
  readonly source: AttachmentSource
  readonly size: number
  /** Hex. */
  readonly sha256: string
  readonly status: AttachmentStatus
  readonly quarantineReason?: string
  /** The subject of the operator who changed the status. */
  readonly decidedBy?: string
  /** Epoch milliseconds. */
  readonly createdAt: number
}

export interface AttachmentQuery {
  readonly tenant: string
  readonly sessionId?: string
  readonly status?: AttachmentStatus
  readonly limit: number
  readonly after?: Pick<Attachment, 'createdAt' | 'id'>
}

export interface ByteRange {
  readonly from: number
  readonly to: number
}

export interface Decision {
  readonly status: AttachmentStatus
  readonly reason?: string
  readonly by: string
}

/** Stored bytes that nobody sees yet. */
export interface Content {
  readonly size: number
  read(range: ByteRange): AsyncIterable<Uint8Array>
}

/** What the content is, whatever its sender says, and whether it may be handed on. */
export type Screen = (content: Content, claimed: Claimed) => Promise<Verdict>

export interface Claimed {
  readonly filename: string
  readonly mime: string
  /** The name as it was sent, where `filename` is what was left of it. */
  readonly sentName?: string
}

export interface Verdict {
  readonly mime: string
  readonly status: AttachmentStatus
  readonly quarantineReason?: string
}

type Place = Pick<Attachment, 'createdAt' | 'id'>

/** Oldest first, and one order for those of the same moment. */
export function inOrder(a: Place, b: Place): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}
