import { Failure } from '../actors/kernel/failure.ts'
import type { Journal } from '../persistence/journal.ts'
import { journalAround } from '../persistence/journal-around.ts'

/** Alone on its database, a process is fenced only when another has taken over: there is nothing left for it to do. */
export function onlyOwner(journal: Journal, end: (failure: Failure, actor: string) => void): Journal {
  return journalAround(journal, {
    async append(append) {
      const result = await journal.append(append)
      if (result.status === 'fenced') {
        end(new Failure('DATABASE_IN_USE', 'another process took over the shards'), append.address)
      }
      return result
    },
  })
}
