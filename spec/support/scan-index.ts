import type { IndexEntry, IndexHit, IndexQuery, MemoryIndex } from '../../actors/memory/index/memory-index.ts'

/** Looks at every entry: right for a few thousand memories, and the measure for an index that does not. */
export class ScanIndex implements MemoryIndex {
  private readonly entries = new Map<string, { readonly entry: IndexEntry; readonly words: ReadonlySet<string> }>()

  put(entries: readonly IndexEntry[]): void {
    for (const entry of entries) {
      const words = new Set(wordsOf(`${entry.text} ${entry.tags.join(' ')} ${entry.key}`))
      this.entries.set(entry.key, { entry, words })
    }
  }

  remove(keys: readonly string[]): void {
    for (const key of keys) this.entries.delete(key)
  }

  async search(query: IndexQuery): Promise<readonly IndexHit[]> {
    const wanted = [...new Set(wordsOf(query.text))]
    const hits: IndexHit[] = []
    for (const { entry, words } of this.entries.values()) {
      if (!passes(entry, query)) continue
      const lexical = query.mode === 'vector' ? 0 : shareOf(wanted, words)
      const vector = query.mode === 'lexical' ? 0 : likeness(query.vector, entry.vector)
      const score = Math.max(lexical, vector)
      if (score <= 0 || score < (query.minScore ?? 0)) continue
      hits.push({ key: entry.key, score, lexical, vector })
    }
    return hits.sort((a, b) => b.score - a.score || (a.key < b.key ? -1 : 1)).slice(0, query.limit)
  }

  get size(): number {
    return this.entries.size
  }

  async close(): Promise<void> {
    this.entries.clear()
  }
}

function passes(entry: IndexEntry, query: IndexQuery): boolean {
  const { universe, tags = [], sessionId, personaId, maxAgeMs, now } = query
  if (entry.expiresAt !== undefined && entry.expiresAt <= now) return false
  if (universe !== undefined && entry.universe !== universe) return false
  if (sessionId !== undefined && entry.sessionId !== sessionId) return false
  if (personaId !== undefined && entry.personaId !== personaId) return false
  if (maxAgeMs !== undefined && now - entry.createdAt > maxAgeMs) return false
  return tags.every((tag) => entry.tags.includes(tag))
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
}

function shareOf(wanted: readonly string[], words: ReadonlySet<string>): number {
  if (wanted.length === 0) return 0
  return wanted.filter((word) => words.has(word)).length / wanted.length
}

/** Cosine of unit vectors, as a score. */
function likeness(a: Float32Array | undefined, b: Float32Array | undefined): number {
  if (a === undefined || b === undefined || a.length !== b.length) return 0
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number)
  return Math.min(1, Math.max(0, (1 + sum) / 2))
}
