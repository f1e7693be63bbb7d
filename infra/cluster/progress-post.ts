import { address, shardOf } from '../../actors/kernel/address.ts'
import type { Clock } from '../../actors/kernel/clock.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import type { Epochs } from '../../persistence/epochs.ts'
import type { PeerTalk } from '../../transports/link/peer-talk.ts'
import type { ToolProgress } from '../../transports/outbound.ts'

/** A takeover is met within this; what is sent to the owner before is lost, as a preview may be. */
const KNOWN_MS = 2_000

/**
 * What tools of this node tell of their progress, to the owner of the session: it knows which gateways watch. Owners are looked
 * up while there is something to tell, and once for all of it.
 */
export class ProgressPost {
  private readonly talk: Pick<PeerTalk, 'tell'>
  private readonly epochs: Pick<Epochs, 'list'>
  private readonly clock: Clock
  private readonly log: Logger
  private owners: ReadonlyMap<number, string> = new Map()
  private lookedAt = Number.NEGATIVE_INFINITY
  private look: Promise<void> | undefined

  constructor(parts: {
    readonly talk: Pick<PeerTalk, 'tell'>
    readonly epochs: Pick<Epochs, 'list'>
    readonly clock: Clock
    readonly log: Logger
  }) {
    this.talk = parts.talk
    this.epochs = parts.epochs
    this.clock = parts.clock
    this.log = parts.log
  }

  async send(progress: ToolProgress): Promise<void> {
    if (this.clock.now() - this.lookedAt >= KNOWN_MS) {
      this.look ??= this.lookUp()
      await this.look
    }
    const owner = this.owners.get(shardOf(address('session', progress.sessionId)))
    if (owner) this.talk.tell({ id: owner }, { k: 'report', p: progress })
  }

  private async lookUp(): Promise<void> {
    try {
      this.owners = new Map((await this.epochs.list('session')).map(({ shard, owner }) => [shard, owner]))
    } catch (error) {
      this.log.debug({ error: String(error) }, 'owners of sessions cannot be read; progress is told to the last known')
    }
    this.lookedAt = this.clock.now()
    this.look = undefined
  }
}
