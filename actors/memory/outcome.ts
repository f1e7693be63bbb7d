import type { Journal } from '../../persistence/journal.ts'
import type { Address } from '../kernel/address.ts'
import { type MemoryEvent, memoryEventCodec } from './events.ts'
import type { MemoryOutcome } from './protocol.ts'

/** What the events of one envelope say became of it; undefined for the shard's own doings. */
export function outcomeOf(events: readonly MemoryEvent[], at: number): MemoryOutcome | undefined {
  const evicted = events.flatMap((event) => (event.kind === 'MemoriesEvicted' ? event.keys : []))
  for (const event of events) {
    switch (event.kind) {
      case 'MemoryRemembered': {
        const { replaced, expiresAt, memory, duplicateOf } = event
        return {
          ...{ kind: 'remembered', key: memory.key, replaced, evicted, at },
          ...(expiresAt !== undefined && { expiresAt }),
          ...(duplicateOf !== undefined && { duplicateOf }),
        }
      }
      case 'MemoryRefused':
        return { kind: 'refused', code: 'MEMORY_FULL', detail: event.detail }
      case 'MemoriesForgotten':
        return { kind: 'forgotten', keys: event.keys }
    }
  }
  return undefined
}

const PAGE = 1_000
/** Further back than this only the inbox remembers an envelope. */
const PAGES = 5

/** M5, without the shard: what became of an envelope by the journal alone. `long-ago`: applied, and no more is known. */
export async function outcomeInJournal(
  journal: Pick<Journal, 'wasApplied' | 'head' | 'read'>,
  address: Address,
  envelopeId: string,
): Promise<MemoryOutcome | 'long-ago' | undefined> {
  if (!(await journal.wasApplied(address, envelopeId))) return undefined
  let to = await journal.head(address)
  for (let page = 0; page < PAGES && to > 0; page++) {
    const from = Math.max(0, to - PAGE)
    const stored = (await journal.read(address, from, to - from)).filter((event) => event.envelopeId === envelopeId)
    const outcome = outcomeOf(stored.map(memoryEventCodec.decode), stored[0]?.at ?? 0)
    if (outcome) return outcome
    to = from
  }
  return 'long-ago'
}
