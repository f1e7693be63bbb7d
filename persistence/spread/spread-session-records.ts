import type { SessionRecord, SessionRecords } from '../journal.ts'
import { refuseUnlessUuid } from '../session-cursor.ts'
import { byText, mergeInOrder } from './merge-in-order.ts'
import type { JournalServer } from './open-spread.ts'
import type { ShardMap } from './shard-map.ts'

type Server = Pick<JournalServer, 'shards' | 'records'>

/** A session's record lies with its events, which write it. */
export class SpreadSessionRecords implements SessionRecords {
  private readonly map: ShardMap<Server>

  constructor(map: ShardMap<Server>) {
    this.map = map
  }

  async claim(record: SessionRecord): Promise<SessionRecord> {
    refuseUnlessUuid(record.sessionId)
    return this.map.ofSession(record.sessionId).records.claim(record)
  }

  get(sessionId: string): Promise<SessionRecord | undefined> {
    return this.map.ofSession(sessionId).records.get(sessionId)
  }

  /** Every server gives its own page from the cursor on: the first of all of them are among those. */
  async list(query: Parameters<SessionRecords['list']>[0]) {
    const pages = await Promise.all(this.map.all.map(({ records }) => records.list(query)))
    const lists = pages.map((page) => page.records)
    const records = mergeInOrder(lists, newestFirst, query.limit)
    const last = records.at(-1)
    const more = pages.some(({ next }) => next !== undefined) || lists.flat().length > records.length
    return more && last !== undefined ? { records, next: `${last.updatedAt}|${last.sessionId}` } : { records }
  }
}

function newestFirst(a: SessionRecord, b: SessionRecord): number {
  return b.updatedAt - a.updatedAt || byText(b.sessionId, a.sessionId)
}
