import type { Clock, Ids } from '../actors/kernel/clock.ts'
import { InMemoryAttachments } from './in-memory-attachments.ts'
import { InMemoryDeadLetters, InMemoryQuarantine } from './in-memory-dead-letters.ts'
import { InMemoryDrillReports } from './in-memory-drill-reports.ts'
import { InMemoryEpochs } from './in-memory-epochs.ts'
import { InMemoryIdempotencyKeys } from './in-memory-idempotency-keys.ts'
import { InMemoryJournal } from './in-memory-journal.ts'
import { InMemoryLogOffsets } from './in-memory-log-offsets.ts'
import { InMemoryMailboxRows } from './in-memory-mailbox-rows.ts'
import { InMemoryRequeuedCalls } from './in-memory-requeued-calls.ts'
import { InMemorySessionRecords } from './in-memory-session-records.ts'
import { InMemoryStore } from './in-memory-store.ts'
import { InMemoryToolSwitches } from './in-memory-tool-switches.ts'
import type { Persistence } from './open.ts'

/** Everything openPersistence gives, but the database: for specs that are not about durability. */
export function openInMemory(
  ids: Ids,
  clock: Pick<Clock, 'now'> = { now: () => 0 },
): Omit<Persistence, 'sql' | 'everywhere'> {
  const store = new InMemoryStore()
  const journal = new InMemoryJournal(store)
  return {
    journal,
    usage: journal,
    epochs: new InMemoryEpochs(store),
    records: new InMemorySessionRecords(store),
    idempotency: new InMemoryIdempotencyKeys(),
    deadLetters: new InMemoryDeadLetters(ids),
    quarantine: new InMemoryQuarantine(),
    mailboxRows: new InMemoryMailboxRows(),
    logOffsets: new InMemoryLogOffsets(store),
    observeAppends() {},
    drills: new InMemoryDrillReports(),
    toolSwitches: new InMemoryToolSwitches(),
    requeued: new InMemoryRequeuedCalls(store),
    attachments: new InMemoryAttachments(store, ids, clock),
    async close() {},
  }
}
