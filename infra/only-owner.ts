import { Failure } from '../actors/kernel/failure.ts'
import type { Journal } from '../persistence/journal.ts'

/** Alone on its database, a process is fenced only when another has taken over: there is nothing left for it to do. */
export function onlyOwner(journal: Journal, end: (failure: Failure, actor: string) => void): Journal {
  return {
    async append(append) {
      const result = await journal.append(append)
      if (result.status === 'fenced') {
        end(new Failure('DATABASE_IN_USE', 'another process took over the shards'), append.address)
      }
      return result
    },
    read: (address, afterSeq, limit) => journal.read(address, afterSeq, limit),
    head: (address) => journal.head(address),
    wasApplied: (address, id) => journal.wasApplied(address, id),
    unfinished: (kind, shards) => journal.unfinished(kind, shards),
    recent: (kind, shards, since, limit, after) => journal.recent(kind, shards, since, limit, after),
    pendingOutbox: (kind, shards, limit) => journal.pendingOutbox(kind, shards, limit),
    relayed: (ids) => journal.relayed(ids),
    erase: (address, epoch) => journal.erase(address, epoch),
    forgetApplied: (before) => journal.forgetApplied(before),
  }
}
