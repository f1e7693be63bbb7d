import type { Clock, Ids } from '../actors/kernel/clock.ts'
import { attachmentColumns as columns, type AttachmentRow as Row, toAttachment } from './attachment-row.ts'
import {
  type Attachment,
  type AttachmentQuery,
  type Attachments,
  type ByteRange,
  CHUNK_BYTES,
  type Decision,
  type Held,
  type NewAttachment,
} from './attachments.ts'
import { withinRange } from './chunked.ts'
import { rowsOf } from './database-failure.ts'
import { type ContentDraft, deleted, full, missing, owned, saveContent } from './saving.ts'
import { isUuid, refuseUnlessUuid } from './session-cursor.ts'
import type { Sql } from './sql.ts'
import { toStoredText } from './stored-json.ts'

/** Leftovers removed by one statement: more of them wait for the next sweep. */
const SWEPT_AT_ONCE = 100

/** Attachments on Postgres and on PGlite. Bytes cross as base64, the one form in which both drivers agree. */
export class SqlAttachments implements Attachments {
  private readonly sql: Sql
  private readonly ids: Ids
  private readonly clock: Pick<Clock, 'now'>

  constructor(sql: Sql, ids: Ids, clock: Pick<Clock, 'now'>) {
    this.sql = sql
    this.ids = ids
    this.clock = clock
  }

  async save(given: NewAttachment): Promise<Attachment> {
    const { id = this.ids.uuid(), tenant, sessionId, room } = given
    refuseUnlessUuid(sessionId)
    const same = given.sha256 === undefined ? undefined : await this.saveSame(given, id, given.sha256)
    if (same) return same
    // Drawn for every try: two that save the same attachment at once never write into each other's bytes.
    const content = this.ids.uuid()
    const draft = this.draft(content)
    const saved = await saveContent(given, draft)
    try {
      // A1: the row is the moment in which it exists. A3: of two the first wins. A4: never into a deleted session.
      // A6: what is held is counted under a lock that this statement keeps to its end.
      const rows = await rowsOf<Row>(
        this.sql,
        `insert into attachments (id, tenant, session_id, filename, mime, source, size, sha256, status, quarantine_reason,
           created_at, content)
         with held as (
           select count + 1 <= $13::float8 and bytes + $7::float8 <= $14::float8 as fits
           from attachments_held($3::uuid, $2) where $13::float8 is not null
         )
         select $1::uuid, $2, $3::uuid, $4, $5, $6, $7::bigint, $8, $9, $10, to_timestamp($11::float8 / 1000), $12::uuid
         where not exists (select from session_envelopes where session_id = $3::uuid and state = 'deleted')
           and coalesce((select fits from held), true)
         on conflict (id) do nothing returning ${columns}`,
        [
          id,
          toStoredText(tenant),
          sessionId,
          toStoredText(given.filename),
          toStoredText(saved.mime),
          given.source,
          saved.size,
          saved.sha256,
          saved.status,
          saved.quarantineReason === undefined ? null : toStoredText(saved.quarantineReason),
          this.clock.now(),
          content,
          room?.count ?? null,
          room?.bytes ?? null,
        ],
      )
      if (rows[0]) return toAttachment(rows[0])
    } catch (error) {
      await this.discardUnlessSaved(content)
      throw error
    }
    await draft.discard().catch(() => {})
    const [there] = await rowsOf<Row>(this.sql, `select ${columns} from attachments where id = $1::uuid`, [id])
    if (there) return owned(toAttachment(there), tenant)
    if (room === undefined || (await this.isDeleted(sessionId))) throw deleted(sessionId)
    throw full(given.filename, saved.size, await this.usage(tenant, sessionId), room)
  }

  /** A6, A7. The lock holds off whoever would remove that row, and then its bytes, until this one is written (removeWhere). */
  private async saveSame(given: NewAttachment, id: string, sha256: string): Promise<Attachment | undefined> {
    const [row] = await rowsOf<Row>(
      this.sql,
      `with same as (
         select * from attachments where tenant = $2 and sha256 = $4 and filename = $5 and source = $6 limit 1 for key share
       ), held as (
         select count + 1 <= $8::float8 and bytes + same.size <= $9::float8 as fits
         from same, attachments_held($3::uuid, $2) where $8::float8 is not null
       )
       insert into attachments (id, tenant, session_id, filename, mime, source, size, sha256, status, quarantine_reason,
         decided_by, created_at, content)
       select $1::uuid, tenant, $3::uuid, filename, mime, source, size, sha256, status, quarantine_reason, decided_by,
         to_timestamp($7::float8 / 1000), content
       from same where not exists (select from session_envelopes where session_id = $3::uuid and state = 'deleted')
         and coalesce((select fits from held), true)
       on conflict (id) do nothing returning ${columns}`,
      [
        id,
        toStoredText(given.tenant),
        given.sessionId,
        sha256,
        toStoredText(given.filename),
        given.source,
        this.clock.now(),
        given.room?.count ?? null,
        given.room?.bytes ?? null,
      ],
    )
    return row && toAttachment(row)
  }

  async get(tenant: string, id: string): Promise<Attachment | undefined> {
    if (!isUuid(id)) return undefined
    const [row] = await rowsOf<Row>(
      this.sql,
      `select ${columns} from attachments where id = $1::uuid and tenant = $2`,
      [id, toStoredText(tenant)],
    )
    return row && toAttachment(row)
  }

  async *read(tenant: string, id: string, range?: ByteRange): AsyncGenerator<Uint8Array> {
    const found = isUuid(id)
      ? await rowsOf<{ content: string; size: number }>(
          this.sql,
          `select content::text as content, size::float8 as size from attachments where id = $1::uuid and tenant = $2`,
          [id, toStoredText(tenant)],
        )
      : []
    const [row] = found
    if (row === undefined) throw missing(id)
    yield* this.chunks(row.content, id, range ?? { from: 0, to: row.size })
  }

  async list({ tenant, sessionId, status, limit, after }: AttachmentQuery): Promise<Attachment[]> {
    if (sessionId !== undefined && !isUuid(sessionId)) return []
    const rows = await rowsOf<Row>(
      this.sql,
      `select ${columns} from attachments
       where tenant = $1 and ($2::uuid is null or session_id = $2::uuid) and ($3::text is null or status = $3)
         and ($4::float8 is null or (created_at, id) > (to_timestamp($4::float8 / 1000), $5::uuid))
       order by created_at, id limit $6`,
      [toStoredText(tenant), sessionId ?? null, status ?? null, after?.createdAt ?? null, after?.id ?? null, limit],
    )
    return rows.map(toAttachment)
  }

  async usage(tenant: string, sessionId: string): Promise<Held> {
    refuseUnlessUuid(sessionId)
    const [row] = await rowsOf<Held>(
      this.sql,
      `select count(*)::float8 as count, coalesce(sum(size), 0)::float8 as bytes from attachments
       where session_id = $1::uuid and tenant = $2`,
      [sessionId, toStoredText(tenant)],
    )
    return { count: row?.count ?? 0, bytes: row?.bytes ?? 0 }
  }

  async mark(tenant: string, id: string, { status, reason, by }: Decision): Promise<Attachment | undefined> {
    if (!isUuid(id)) return undefined
    const [row] = await rowsOf<Row>(
      this.sql,
      `update attachments set status = $3, quarantine_reason = $4, decided_by = $5
       where id = $1::uuid and tenant = $2 returning ${columns}`,
      [id, toStoredText(tenant), status, reason === undefined ? null : toStoredText(reason), toStoredText(by)],
    )
    return row && toAttachment(row)
  }

  async remove(tenant: string, id: string): Promise<boolean> {
    if (!isUuid(id)) return false
    const gone = await this.removeWhere('id = $1::uuid and tenant = $2', [id, toStoredText(tenant)])
    return gone > 0
  }

  async removeOfSession(sessionId: string): Promise<void> {
    if (isUuid(sessionId)) await this.removeWhere('session_id = $1::uuid', [sessionId])
  }

  async sweep(before: number): Promise<number> {
    // A save that its session's deletion overtook wrote its row after removeOfSession had looked.
    const orphans = await this.removeWhere(
      `id in (select a.id from attachments a join session_envelopes s using (session_id)
              where s.state = 'deleted' limit $1)`,
      [SWEPT_AT_ONCE],
    )
    const [row] = await rowsOf<{ gone: number }>(
      this.sql,
      `with left_over as materialized (
         select content from attachment_chunks c
         where n = 0 and at < to_timestamp($1::float8 / 1000)
           and not exists (select from attachments a where a.content = c.content)
         limit $2
       ), no_chunks as (
         delete from attachment_chunks where content in (select content from left_over)
       )
       select count(*)::float8 as gone from left_over`,
      [before, SWEPT_AT_ONCE],
    )
    return orphans + (row?.gone ?? 0)
  }

  private async isDeleted(sessionId: string): Promise<boolean> {
    const rows = await rowsOf(
      this.sql,
      `select from session_envelopes where session_id = $1::uuid and state = 'deleted'`,
      [sessionId],
    )
    return rows.length > 0
  }

  /**
   * A7. In two statements: the second sees what was written while the first waited for a lock, and so the attachment that
   * took over its bytes. A death between them leaves bytes that a sweep finds (A5).
   */
  private async removeWhere(condition: string, params: readonly unknown[]): Promise<number> {
    const gone = await rowsOf<{ content: string }>(
      this.sql,
      `delete from attachments where ${condition} returning content::text as content`,
      params,
    )
    if (gone.length === 0) return 0
    await rowsOf(
      this.sql,
      `delete from attachment_chunks c where content = any($1::uuid[])
         and not exists (select from attachments a where a.content = c.content)`,
      [[...new Set(gone.map(({ content }) => content))]],
    )
    return gone.length
  }

  private draft(content: string): ContentDraft {
    return {
      write: async (chunk, n) => {
        await rowsOf(
          this.sql,
          `insert into attachment_chunks (content, n, at, bytes)
           values ($1::uuid, $2, to_timestamp($3::float8 / 1000), decode($4, 'base64'))`,
          [content, n, this.clock.now(), Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('base64')],
        )
      },
      read: (range) => this.chunks(content, content, range),
      discard: async () => {
        await rowsOf(this.sql, 'delete from attachment_chunks where content = $1::uuid', [content])
      },
    }
  }

  /** The connection may have broken after the row was written: then its bytes are an attachment's. */
  private async discardUnlessSaved(content: string): Promise<void> {
    await rowsOf(
      this.sql,
      `delete from attachment_chunks where content = $1::uuid
         and not exists (select from attachments where content = $1::uuid)`,
      [content],
    ).catch(() => {})
  }

  /** Piece by piece, so that nobody holds a whole file for a slow reader. */
  private async *chunks(content: string, id: string, range: ByteRange): AsyncGenerator<Uint8Array> {
    for (let n = Math.floor(range.from / CHUNK_BYTES); n * CHUNK_BYTES < range.to; n++) {
      const [row] = await rowsOf<{ bytes: string }>(
        this.sql,
        `select encode(bytes, 'base64') as bytes from attachment_chunks where content = $1::uuid and n = $2`,
        [content, n],
      )
      if (row === undefined) throw missing(id)
      yield withinRange(Buffer.from(row.bytes, 'base64'), n, range)
    }
  }
}
