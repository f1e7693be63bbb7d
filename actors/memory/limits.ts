/** What a memory may be (I9). Beyond any of these the caller hears which, before anything is sent. */
export const memoryLimits = {
  keyChars: 200,
  namespaceChars: 100,
  universeChars: 100,
  scopeChars: 128,
  textChars: 32_000,
  /** Of `value` as JSON. */
  valueChars: 64_000,
  tags: 32,
  tagChars: 64,
  queryChars: 4_000,
  /** Results of one recall. */
  topK: 50,
  /** Memories of one batch, keys of one forget. */
  batch: 100,
  /** A year in seconds, times ten. */
  ttlSeconds: 315_360_000,
  /** Items of one page of a list. */
  page: 200,
  /** Namespaces that a recall without one looks through. */
  namespaces: 64,
  /** Live memories of one shard of a namespace: a quarter of what the namespace holds. */
  perShard: 1_000_000,
} as const
