import type { Address } from '../actors/kernel/address.ts'
import { shardOf } from '../actors/kernel/address.ts'
import { rowsOf } from './database-failure.ts'
import { memoryCursor, parseMemoryCursor } from './memory-cursor.ts'
import {
  epochMs,
  fromStoredVector,
  type MemoryRowColumns,
  searchedPart,
  selectedMemory,
  toMemoryRow,
  toStoredVector,
} from './memory-row.ts'
import type {
  KnownQuery,
  KnownRows,
  ListQuery,
  LoadedRow,
  MemoryPlace,
  MemoryRow,
  MemoryRows,
  OverRows,
  PageQuery,
  ShardSummary,
  StoredVector,
} from './memory-rows.ts'
import type { Sql } from './sql.ts'
import { fromStoredText, toStoredText } from './stored-json.ts'

const alive = (now: string) => `(m.expires_at is null or m.expires_at > to_timestamp(${now}::float8 / 1000))`

/** On Postgres and on PGlite. The rows themselves are written by append-statement.ts. */
export class SqlMemoryRows implements MemoryRows {
  private readonly sql: Sql

  constructor(sql: Sql) {
    this.sql = sql
  }

  async shard(address: Address, itemsUpTo: number): Promise<ShardSummary> {
    const [row] = await rowsOf<{ seq: number; live: number; next: number | null; items: string | null }>(
      this.sql,
      `with rows as (select count(*)::float8 as live, ${epochMs('min(expires_at)')} as next from memories where address = $1)
       select coalesce((select a.seq from actors a where a.address = $1), 0)::float8 as seq, rows.live, rows.next,
         case when rows.live <= $2 then (select jsonb_agg(jsonb_build_object('key', m.key, 'importance', m.importance,
           'createdAt', ${epochMs('m.created_at')}, 'expiresAt', ${epochMs('m.expires_at')}))::text
           from memories m where m.address = $1) end as items
       from rows`,
      [address, itemsUpTo],
    )
    const items = JSON.parse(row?.items ?? '[]') as (Omit<ShardSummary['items'][number], 'expiresAt'> & {
      expiresAt: number | null
    })[]
    return {
      seq: row?.seq ?? 0,
      live: row?.live ?? 0,
      ...(row?.next == null ? {} : { nextExpiryAt: row.next }),
      items: items.map(({ expiresAt, key, ...item }) => ({
        ...item,
        key: fromStoredText(key),
        ...(expiresAt === null ? {} : { expiresAt }),
      })),
    }
  }

  async page(address: Address, { after, limit, model, lacking = false }: PageQuery): Promise<LoadedRow[]> {
    const rows = await rowsOf<MemoryRowColumns & { vector: string | null }>(
      this.sql,
      `select m.key, m.universe, m.session_id, m.persona_id, m.text, to_jsonb(m.tags)::text as tags, m.importance,
         m.seq::float8 as seq, ${epochMs('m.created_at')} as created_at, ${epochMs('m.expires_at')} as expires_at,
         case when m.embedding_model = $4 then encode(m.embedding, 'base64') end as vector
       from memories m where m.address = $1 and m.key > $2 and not ($5 and m.embedding_model is not distinct from $4)
       order by m.key limit $3`,
      [address, toStoredText(after), limit, model ?? null, lacking],
    )
    return rows.map((row) => ({
      ...searchedPart(row),
      ...(row.vector === null ? {} : { vector: fromStoredVector(row.vector) }),
    }))
  }

  async get(tenant: string, places: readonly MemoryPlace[], now: number): Promise<MemoryRow[]> {
    if (places.length === 0) return []
    const rows = await rowsOf<MemoryRowColumns>(
      this.sql,
      `select ${selectedMemory} from unnest($1::text[], $2::text[]) as p(address, key)
       join memories m on m.address = p.address and m.key = p.key
       where m.tenant = $3 and ${alive('$4')}`,
      [places.map(({ address }) => address), places.map(({ key }) => toStoredText(key)), toStoredText(tenant), now],
    )
    return rows.map(toMemoryRow)
  }

  async known({ address, tenant, namespace, key, contentHash, now }: KnownQuery): Promise<KnownRows> {
    const rows = await rowsOf<{ own: boolean; key: string; created_at: number; expires_at: number | null }>(
      this.sql,
      `select true as own, m.key, ${epochMs('m.created_at')} as created_at, ${epochMs('m.expires_at')} as expires_at
       from memories m where m.address = $1 and m.key = $2
       union all
       (select false, m.key, 0::float8, null::float8 from memories m
        where m.tenant = $3 and m.namespace = $4 and m.content_hash = $5 and m.key <> $2 and ${alive('$6')}
        order by m.created_at, m.key limit 1)`,
      [address, toStoredText(key), toStoredText(tenant), toStoredText(namespace), contentHash, now],
    )
    const own = rows.find((row) => row.own)
    const other = rows.find((row) => !row.own)
    return {
      ...(own && {
        existing: { createdAt: own.created_at, ...(own.expires_at === null ? {} : { expiresAt: own.expires_at }) },
      }),
      ...(other && { duplicateOf: fromStoredText(other.key) }),
    }
  }

  async there(address: Address, keys: readonly string[]): Promise<string[]> {
    const rows = await rowsOf<{ key: string }>(
      this.sql,
      'select key from memories where address = $1 and key = any($2::text[]) order by key',
      [address, keys.map(toStoredText)],
    )
    return rows.map(({ key }) => fromStoredText(key))
  }

  async over(address: Address, now: number, limit: number): Promise<OverRows> {
    const rows = await rowsOf<{ key: string; tenant: string; namespace: string; at: number }>(
      this.sql,
      // One more than asked for tells when the next one is over. The shard is what the index begins with.
      `select m.key, m.tenant, m.namespace, ${epochMs('m.expires_at')} as at from memories m
       where m.shard = $3 and m.address = $1 and m.expires_at is not null
       order by m.expires_at, m.key limit $2`,
      [address, limit + 1, shardOf(address)],
    )
    const over = rows.filter(({ at }) => at <= now).slice(0, limit)
    const next = rows[over.length]
    return {
      tenant: fromStoredText(rows[0]?.tenant ?? ''),
      namespace: fromStoredText(rows[0]?.namespace ?? ''),
      keys: over.map(({ key }) => fromStoredText(key)),
      ...(next === undefined ? {} : { nextExpiryAt: next.at }),
    }
  }

  async list(query: ListQuery): Promise<{ rows: MemoryRow[]; next?: string }> {
    const before = parseMemoryCursor(query.before)
    const text = (value: string | undefined) => (value === undefined ? null : toStoredText(value))
    const search = query.search === undefined ? null : `%${toStoredText(query.search).replace(/[\\%_]/g, '\\$&')}%`
    const found = await rowsOf<MemoryRowColumns>(
      this.sql,
      `select ${selectedMemory} from memories m
       where m.tenant = $1 and ($2::text is null or m.namespace = $2) and ($3::text is null or m.universe = $3)
         and ($4::text is null or $4 = any(m.tags)) and ($5::text is null or m.text ilike $5 or m.key ilike $5)
         and ${alive('$6')}
         and ($7::float8 is null or (m.updated_at, m.namespace, m.key) < (to_timestamp($7::float8 / 1000), $8, $9))
       order by m.updated_at desc, m.namespace desc, m.key desc limit $10`,
      [
        toStoredText(query.tenant),
        text(query.namespace),
        text(query.universe),
        text(query.tag),
        search,
        query.now,
        before?.updatedAt ?? null,
        toStoredText(before?.namespace ?? ''),
        toStoredText(before?.key ?? ''),
        query.limit + 1,
      ],
    )
    const rows = found.slice(0, query.limit).map(toMemoryRow)
    const last = rows.at(-1)
    return found.length > query.limit && last !== undefined ? { rows, next: memoryCursor(last) } : { rows }
  }

  async namespaces(tenant: string, now: number): Promise<{ namespace: string; memories: number }[]> {
    const rows = await rowsOf<{ namespace: string; memories: number }>(
      this.sql,
      `select m.namespace, count(*)::float8 as memories from memories m where m.tenant = $1 and ${alive('$2')}
       group by m.namespace order by m.namespace`,
      [toStoredText(tenant), now],
    )
    return rows.map(({ namespace, memories }) => ({ namespace: fromStoredText(namespace), memories }))
  }

  async namespaceNames(tenant: string, limit: number): Promise<string[]> {
    const rows = await rowsOf<{ namespace: string }>(
      this.sql,
      // From one name to the next by the index, past all memories in between.
      `with recursive names(namespace) as (
         (select namespace from memories where tenant = $1 order by namespace limit 1)
         union all
         select (select m.namespace from memories m where m.tenant = $1 and m.namespace > n.namespace
                 order by m.namespace limit 1)
         from names n where n.namespace is not null
       )
       select namespace from names where namespace is not null limit $2`,
      [toStoredText(tenant), limit],
    )
    return rows.map(({ namespace }) => fromStoredText(namespace))
  }

  async saveVectors(address: Address, model: string, vectors: readonly StoredVector[]): Promise<void> {
    if (vectors.length === 0) return
    await rowsOf(
      this.sql,
      `update memories m set embedding = v.embedding::bytea, embedding_model = $2
       from unnest($3::text[], $4::bigint[], $5::text[]) as v(key, seq, embedding)
       where m.address = $1 and m.key = v.key and m.seq = v.seq`,
      [
        address,
        model,
        vectors.map(({ key }) => toStoredText(key)),
        vectors.map(({ seq }) => seq),
        vectors.map(({ vector }) => toStoredVector(vector)),
      ],
    )
  }

  async waiting(shards: readonly number[], now: number, unembedded: boolean, limit: number): Promise<Address[]> {
    const rows = await rowsOf<{ address: Address }>(
      this.sql,
      `select address from memories where shard = any($1::int[]) and expires_at <= to_timestamp($2::float8 / 1000)
       union
       select address from memories where $3 and shard = any($1::int[]) and embedding is null
       limit $4`,
      [shards, now, unembedded, limit],
    )
    return rows.map(({ address }) => address)
  }
}
