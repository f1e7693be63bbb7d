import { MemoryDoor } from '../../actors/memory/memory-door.ts'
import type { MemoryOwners } from '../../actors/memory/owners.ts'
import type { Mailbox } from '../../transports/mailbox.ts'
import type { ProcessParts } from '../process-parts.ts'
import { measuredMemory } from '../telemetry/measured-memory.ts'

/** The door to memory of a process; what it depends on beyond the common parts differs by profile. */
export function openMemory(
  { memory, persistence, content, memorySearch, metrics, clock }: ProcessParts,
  own: { readonly mailbox: Mailbox; readonly owners: MemoryOwners },
): void {
  const { journal, memories: rows } = persistence
  const door = new MemoryDoor({ ...own, journal, rows, policy: content.policy, embedder: memorySearch.embedder, clock })
  memory.opened(measuredMemory(door, metrics))
}
