import type { Journal } from './journal.ts'

/** `journal`, but for what `own` does in its stead: each wrapper says only what it changes. */
export function journalAround(journal: Journal, own: Partial<Journal>): Journal {
  return {
    append: (append) => journal.append(append),
    read: (address, afterSeq, limit) => journal.read(address, afterSeq, limit),
    head: (address) => journal.head(address),
    wasApplied: (address, id) => journal.wasApplied(address, id),
    unfinished: (kind, shards) => journal.unfinished(kind, shards),
    recent: (kind, shards, since, limit, after) => journal.recent(kind, shards, since, limit, after),
    pendingOutbox: (kind, shards, limit) => journal.pendingOutbox(kind, shards, limit),
    relayed: (ids) => journal.relayed(ids),
    erase: (address, epoch) => journal.erase(address, epoch),
    forgetApplied: (before) => journal.forgetApplied(before),
    ...own,
  }
}
