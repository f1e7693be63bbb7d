import type { Clock } from '../../actors/kernel/clock.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import type { LogOffsets } from '../../persistence/log-offsets.ts'

const LOOK_MS = 1_000
const PER_PARTITION = 20_000

/**
 * How far the owners of shards are behind, as a sender can know it: what it wrote itself against the stored watermark,
 * looked up once a second for partitions in use. Late by that second, so the limit is far below what a partition bears.
 */
export class BacklogWatch {
  private readonly offsets: LogOffsets
  private readonly clock: Clock
  private readonly limit: number
  private readonly partitions = new Map<string, Watched>()
  private cancelLook: (() => void) | undefined
  private closed = false

  constructor(options: { readonly offsets: LogOffsets; readonly clock: Clock; readonly perPartition?: number }) {
    this.offsets = options.offsets
    this.clock = options.clock
    this.limit = options.perPartition ?? PER_PARTITION
  }

  /** Throws MAILBOX_FULL. A control message may use a reserve: a stop must get through to what it is to stop. */
  admit(topic: string, partition: number, priority: Envelope['priority']): void {
    const watched = this.partitions.get(`${topic}/${partition}`)
    if (watched === undefined) return
    const backlog = watched.end - watched.watermark
    if (backlog < this.limit * (priority === 'control' ? 1.1 : 1)) return
    throw new Failure('MAILBOX_FULL', `${backlog} messages wait in ${topic}/${partition}`, { retryAfter: 1 })
  }

  written(topic: string, partition: number, offset: number): void {
    const key = `${topic}/${partition}`
    const watched = this.partitions.get(key)
    if (watched === undefined) {
      // Nothing is known of what waited before; until the next look it counts from here.
      this.partitions.set(key, { topic, partition, end: offset + 1, watermark: offset, used: true })
    } else {
      watched.end = Math.max(watched.end, offset + 1)
      watched.used = true
    }
    if (!this.closed) this.cancelLook ??= this.clock.after(LOOK_MS, () => void this.look())
  }

  close(): void {
    this.closed = true
    this.cancelLook?.()
  }

  private async look(): Promise<void> {
    const asked = [...this.partitions.values()]
    try {
      const stored = await this.offsets.load(asked)
      asked.forEach((watched, i) => {
        watched.watermark = stored[i] ?? 0
        // Nobody writes there any more, and all is done: forgotten, so that the map holds what is in use.
        if (!watched.used && watched.watermark >= watched.end)
          this.partitions.delete(`${watched.topic}/${watched.partition}`)
        watched.used = false
      })
    } catch {
      // The database is away: appends fail and say so; here the last known backlog stands.
    }
    this.cancelLook = undefined
    if (this.partitions.size > 0 && !this.closed) this.cancelLook = this.clock.after(LOOK_MS, () => void this.look())
  }
}

interface Watched {
  readonly topic: string
  readonly partition: number
  end: number
  watermark: number
  used: boolean
}
