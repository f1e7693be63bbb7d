import { address, shardOf } from '../../actors/kernel/address.ts'
import type { Clock } from '../../actors/kernel/clock.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import { InProcessOutbound } from '../in-process-outbound.ts'
import type { Peer, PeerTalk } from '../link/peer-talk.ts'
import {
  type Announcement,
  goesOn,
  type Outbound,
  type OutboundListener,
  type Preview,
  type ToolProgress,
} from '../outbound.ts'
import type { OutboundPublisher } from './outbound-publisher.ts'

/** A gateway that wants to go on says so again in time (gateway-outbound.ts). */
export const WATCH_MS = 30_000
const SWEEP_MS = 5_000

export interface NodeOutboundOptions {
  readonly talk: Pick<PeerTalk, 'tell'>
  readonly publisher: Pick<OutboundPublisher, 'publish'>
  readonly clock: Clock
  readonly log: Logger
  readonly watched?: (watches: number) => void
}

/**
 * What the sessions of this node let the world see: to the log of all events, and to the gateways that watch a session.
 *   G1. A gateway is sent what its own clients asked for, and nothing else.
 *   G2. Soft state: a watch that is not renewed ends; after a takeover gateways watch again at the new owner.
 */
export class NodeOutbound implements Outbound {
  private readonly options: NodeOutboundOptions
  private readonly local: InProcessOutbound
  private readonly watches = new Map<string, Watch>()
  private cancelSweep: () => void

  constructor(options: NodeOutboundOptions) {
    this.options = options
    this.local = new InProcessOutbound(options.log)
    this.cancelSweep = this.sweepLater()
  }

  announce(announcement: Announcement): void {
    this.local.announce(announcement)
    this.options.publisher.publish(announcement)
  }

  preview(preview: Preview): void {
    this.local.preview(preview)
  }

  progress(progress: ToolProgress): void {
    this.local.progress(progress)
  }

  subscribe(sessionId: string, listener: OutboundListener): { close(): void } {
    return this.local.subscribe(sessionId, listener)
  }

  /** Returns the sessions that this gateway did not watch here before. */
  watch(sessionIds: readonly string[], gateway: Peer): string[] {
    const until = this.options.clock.now() + WATCH_MS
    const fresh: string[] = []
    for (const sessionId of sessionIds) {
      const key = `${gateway.id} ${sessionId}`
      const watch = this.watches.get(key)
      if (watch !== undefined) watch.until = until
      else {
        this.watches.set(key, { sessionId, until, close: this.feed(sessionId, gateway) })
        fresh.push(sessionId)
      }
    }
    if (fresh.length > 0) this.options.watched?.(this.watches.size)
    return fresh
  }

  /** The shards went to another node; gateways watch there from now on. */
  lost(shards: readonly number[]): void {
    this.end(({ sessionId }) => shards.includes(shardOf(address('session', sessionId))))
  }

  close(): void {
    this.cancelSweep()
    this.end(() => true)
  }

  private feed(sessionId: string, gateway: Peer): () => void {
    const { talk } = this.options
    // The first preview of an attempt carries all of its text so far, the others what came since: cumulative text alone
    // would cost the square of its length.
    let last: Omit<Preview, 'text'> | undefined
    const { close } = this.local.subscribe(sessionId, {
      event: (announcement) => talk.tell(gateway, { k: 'event', a: announcement }),
      progress: (progress) => talk.tell(gateway, { k: 'progress', p: progress }),
      preview(preview) {
        const { text, ...rest } = preview
        talk.tell(gateway, { k: 'preview', p: goesOn(last, preview) ? rest : preview })
        last = rest
      },
    })
    return close
  }

  private end(which: (watch: Watch) => boolean): void {
    for (const [key, watch] of this.watches) {
      if (!which(watch)) continue
      watch.close()
      this.watches.delete(key)
    }
    this.options.watched?.(this.watches.size)
  }

  private sweepLater(): () => void {
    return this.options.clock.after(SWEEP_MS, () => {
      const now = this.options.clock.now()
      this.end(({ until }) => until < now)
      this.cancelSweep = this.sweepLater()
    })
  }
}

interface Watch {
  readonly sessionId: string
  until: number
  close(): void
}
