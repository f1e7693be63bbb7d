import type { Address } from '../../actors/kernel/address.ts'
import type { Clock, Ids } from '../../actors/kernel/clock.ts'
import type { DeadLetter, DeadLetters, Quarantine, QuarantineEntry } from '../../actors/kernel/dead-letters.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { rowsOf } from '../database-failure.ts'
import { type LetterRow, selectedLetter, toLetter } from '../sql-dead-letters.ts'
import { byText, mergeInOrder } from './merge-in-order.ts'
import type { JournalServer } from './open-spread.ts'
import type { ShardMap } from './shard-map.ts'

/** A dead letter lies with the address that could not handle it. Its id says no more than when, so all are asked for it. */
export class SpreadDeadLetters implements DeadLetters {
  private readonly map: ShardMap<JournalServer>

  constructor(map: ShardMap<JournalServer>) {
    this.map = map
  }

  park(letter: Omit<DeadLetter, 'id'>): Promise<void> {
    return this.map.of(letter.envelope.to).deadLetters.park(letter)
  }

  /** Positions of several servers do not compare; times, and ids within a millisecond, do. */
  async list(query: { tenant?: string; address?: Address; limit: number; before?: string }): Promise<DeadLetter[]> {
    const before = query.before === undefined ? undefined : await this.get(query.before)
    if (query.before !== undefined && before === undefined) return []
    const servers = query.address === undefined ? this.map.all : [this.map.of(query.address)]
    const lists = await Promise.all(
      servers.map(async ({ sql }) => {
        const rows = await rowsOf<LetterRow>(sql, olderLetters, [
          query.tenant ?? null,
          query.address ?? null,
          before?.at ?? null,
          before?.id ?? null,
          query.limit,
        ])
        return rows.map(toLetter)
      }),
    )
    return mergeInOrder(lists, (a, b) => b.at - a.at || byText(b.id, a.id), query.limit)
  }

  async get(id: string): Promise<DeadLetter | undefined> {
    const found = await Promise.all(this.map.all.map(({ deadLetters }) => deadLetters.get(id)))
    return found.find((letter) => letter !== undefined)
  }

  async remove(id: string): Promise<boolean> {
    const removed = await Promise.all(this.map.all.map(({ deadLetters }) => deadLetters.remove(id)))
    return removed.includes(true)
  }
}

const olderLetters = `select ${selectedLetter} from (
    select *, round(extract(epoch from at) * 1000)::float8 as ms from dead_letters
  ) d
  where ($1::text is null or tenant = $1) and ($2::text is null or address = $2)
    and ($3::float8 is null or (ms, id) < ($3, $4::text collate "C"))
  order by ms desc, id collate "C" desc limit $5`

export class SpreadQuarantine implements Quarantine {
  private readonly map: ShardMap<JournalServer>

  constructor(map: ShardMap<JournalServer>) {
    this.map = map
  }

  hold(entry: Omit<QuarantineEntry, 'held' | 'since'> & { since: number }, envelopes: readonly Envelope[]) {
    return this.map.of(entry.address).quarantine.hold(entry, envelopes)
  }

  async list(tenant?: string): Promise<QuarantineEntry[]> {
    const lists = await Promise.all(this.map.all.map(({ quarantine }) => quarantine.list(tenant)))
    return mergeInOrder(lists, (a, b) => a.since - b.since || byText(a.address, b.address))
  }

  get(address: Address): Promise<QuarantineEntry | undefined> {
    return this.map.of(address).quarantine.get(address)
  }

  held(address: Address): Promise<Envelope[]> {
    return this.map.of(address).quarantine.held(address)
  }

  release(address: Address): Promise<boolean> {
    return this.map.of(address).quarantine.release(address)
  }
}

/** UUIDs (version 7) that one process draws in their order, so that letters of one millisecond keep theirs over servers. */
export function orderedIds(clock: Clock, ids: Ids): Ids {
  let ms = 0
  let count = 0
  return {
    random: () => ids.random(),
    uuid() {
      const now = clock.now()
      if (now > ms) [ms, count] = [now, 0]
      else if (++count === 4_096) [ms, count] = [ms + 1, 0]
      const time = ms.toString(16).padStart(12, '0')
      return `${time.slice(0, 8)}-${time.slice(8)}-7${count.toString(16).padStart(3, '0')}-${ids.uuid().slice(19)}`
    },
  }
}
