import { copyOf, type InMemoryStore } from './in-memory-store.ts'
import type { SessionRecord, SessionRecords } from './journal.ts'
import { parseCursor, refuseUnlessUuid } from './session-cursor.ts'

export class InMemorySessionRecords implements SessionRecords {
  private readonly store: InMemoryStore

  constructor(store: InMemoryStore) {
    this.store = store
  }

  async claim(record: SessionRecord): Promise<SessionRecord> {
    refuseUnlessUuid(record.sessionId)
    const there = this.store.records.get(record.sessionId)
    if (there === undefined) this.store.records.set(record.sessionId, copyOf(record))
    return copyOf(there ?? record)
  }

  async get(sessionId: string): Promise<SessionRecord | undefined> {
    return copyOf(this.store.records.get(sessionId))
  }

  async list(query: {
    tenant: string
    limit: number
    before?: string
    search?: string
    state?: SessionRecord['state']
  }): Promise<{ records: SessionRecord[]; next?: string }> {
    const before = parseCursor(query.before)
    const found = [...this.store.records.values()]
      .filter((it) => it.tenant === query.tenant && it.state !== 'deleted')
      .filter((it) => query.state === undefined || it.state === query.state)
      .filter((it) => before === undefined || newestFirst(before, it) < 0)
      .filter((it) => [it.title ?? '', it.sessionId, it.personaId].some((text) => contains(text, query.search)))
      .sort(newestFirst)
    const records = copyOf(found.slice(0, query.limit))
    const last = records.at(-1)
    return found.length > query.limit && last ? { records, next: `${last.updatedAt}|${last.sessionId}` } : { records }
  }
}

type Place = Pick<SessionRecord, 'updatedAt' | 'sessionId'>

function newestFirst(a: Place, b: Place): number {
  return b.updatedAt - a.updatedAt || (a.sessionId < b.sessionId ? 1 : a.sessionId > b.sessionId ? -1 : 0)
}

function contains(text: string, search = ''): boolean {
  return text.toLowerCase().includes(search.toLowerCase())
}
