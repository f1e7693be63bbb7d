import type { Address } from '../actors/kernel/address.ts'

/**
 * The live memories, one row each, written by the append that journals the change (J4). They are the state of the memory
 * shards: searched through an index that is made from them, listed and read by key from here.
 *   Q1. Only rows of the tenant that is named are ever given; what is over its time is not given, removed or not.
 *   Q2. A shard's seq and state are read in one statement, so they are of one moment.
 *   Q3. A vector is stored only beside the text that it was made of.
 *   Q4. The journal has the content of a memory only while its row is there: what replaces or removes a row erases the
 *       content of the event that wrote it, in the same append (erased-memory.ts).
 */
export interface MemoryRows {
  /** Q2. What a recovery of the shard needs. `items` only when at most `itemsUpTo` are there, in no order. */
  shard(address: Address, itemsUpTo: number): Promise<ShardSummary>
  /** For the index: rows of the shard by key, after that one; with the vector, if it is of this model. */
  page(address: Address, query: PageQuery): Promise<LoadedRow[]>
  /** Those of the places that have a live row, in no order. */
  get(tenant: string, places: readonly MemoryPlace[], now: number): Promise<MemoryRow[]>
  /** What a shard must know before it decides: the row of the key, and any other live row of that content. */
  known(query: KnownQuery): Promise<KnownRows>
  /** Those of the keys that have a row in this shard, over their time or not. */
  there(address: Address, keys: readonly string[]): Promise<string[]>
  /** Rows of the shard that are over their time, at most `limit`, and when the first after `now` will be. */
  over(address: Address, now: number, limit: number): Promise<OverRows>
  /** Newest first. `before` is the `next` of the page before. Rejects with INVALID_CURSOR. */
  list(query: ListQuery): Promise<{ rows: MemoryRow[]; next?: string }>
  namespaces(tenant: string, now: number): Promise<{ namespace: string; memories: number }[]>
  /** Their names alone, in order, at most `limit`: costs a look at the index for each. */
  namespaceNames(tenant: string, limit: number): Promise<string[]>
  /** Q3: `seq` is that of the row as it was read. */
  saveVectors(address: Address, model: string, vectors: readonly StoredVector[]): Promise<void>
  /** Addresses of these shards that have something to do: rows over their time, or, if `unembedded`, without a vector. */
  waiting(shards: readonly number[], now: number, unembedded: boolean, limit: number): Promise<Address[]>
}

/** Written with the events of one append. No key is in both. */
export interface MemoryChanges {
  readonly put: readonly NewMemoryRow[]
  readonly remove: readonly string[]
}

/** Its address and shard are those of the append. */
export interface NewMemoryRow {
  readonly key: string
  readonly tenant: string
  readonly namespace: string
  readonly universe: string
  readonly sessionId?: string
  readonly personaId?: string
  readonly text: string
  /** JSON. */
  readonly value: unknown
  readonly tags: readonly string[]
  readonly importance: number
  readonly contentHash: string
  /** Seq of the event that wrote it: another for every replacement. */
  readonly seq: number
  /** Epoch ms, as all times here. */
  readonly createdAt: number
  readonly updatedAt: number
  readonly expiresAt?: number
}

export interface MemoryRow extends NewMemoryRow {
  readonly address: Address
}

export type LoadedRow = Pick<
  MemoryRow,
  'key' | 'universe' | 'sessionId' | 'personaId' | 'text' | 'tags' | 'importance' | 'seq' | 'createdAt' | 'expiresAt'
> & { readonly vector?: Float32Array }

export interface PageQuery {
  readonly after: string
  readonly limit: number
  /** Vectors of another model are of no use: a row that has one counts as lacking it. */
  readonly model: string | undefined
  /** Only rows that have no vector of that model. */
  readonly lacking?: boolean
}

export interface MemoryPlace {
  readonly address: Address
  readonly key: string
}

export interface ShardSummary {
  /** Of the journal's head; 0: nothing was ever written. */
  readonly seq: number
  readonly live: number
  readonly nextExpiryAt?: number
  readonly items: readonly {
    readonly key: string
    readonly importance: number
    readonly createdAt: number
    readonly expiresAt?: number
  }[]
}

export interface KnownQuery {
  readonly address: Address
  readonly tenant: string
  readonly namespace: string
  readonly key: string
  readonly contentHash: string
  readonly now: number
}

export interface KnownRows {
  readonly existing?: { readonly createdAt: number; readonly expiresAt?: number }
  readonly duplicateOf?: string
}

export interface OverRows {
  readonly tenant: string
  readonly namespace: string
  readonly keys: readonly string[]
  readonly nextExpiryAt?: number
}

export interface ListQuery {
  readonly tenant: string
  readonly namespace?: string
  readonly universe?: string
  readonly tag?: string
  /** Text that key or text holds, whatever its case. */
  readonly search?: string
  readonly limit: number
  readonly before?: string
  readonly now: number
}

export interface StoredVector {
  readonly key: string
  readonly seq: number
  readonly vector: Float32Array
}
