import { type Address, address, idOf, kindOf, shardOf } from '../../actors/kernel/address.ts'
import type { Clock } from '../../actors/kernel/clock.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import { InProcessOutbound } from '../in-process-outbound.ts'
import type { Frame, Peer, PeerTalk } from '../link/peer-talk.ts'
import {
  type Announcement,
  goesOn,
  type Outbound,
  type OutboundListener,
  type Preview,
  type ToolProgress,
} from '../outbound.ts'
import type { LogWriter } from './log-writer.ts'
import { WATCH_MS } from './node-outbound.ts'
import { inbound } from './topics.ts'
import { encodeWatch, watchHeaders } from './watch-records.ts'

const RENEW_MS = WATCH_MS / 3
/**
 * Who follows a session mostly sends to it at once, and that message carries the watch: a record of its own would be one more
 * for every turn.
 */
const BESIDE_MS = 5

export interface GatewayOutboundOptions {
  readonly talk: Pick<PeerTalk, 'onFrame'>
  readonly self: () => Peer
  readonly writer: Pick<LogWriter, 'write'>
  readonly topicPrefix: string
  readonly clock: Clock
  readonly log: Logger
}

/**
 * What a gateway hears of the sessions that its clients follow, from whichever nodes own them.
 *   W1. A session is watched from its first listener on, and again every ten seconds; an envelope sent meanwhile carries
 *       the watch with it, so the owner knows before it handles it.
 *   W2. Listeners are told to look into the journal (`missed`) when a watch began or an owner changed: what was announced
 *       before did not get here.
 *   W3. Live text with a gap is not shown: the next event of the journal brings all of it.
 */
export class GatewayOutbound implements Outbound {
  private readonly options: GatewayOutboundOptions
  private readonly local: InProcessOutbound
  private readonly listeners = new Map<string, number>()
  private readonly partials = new Map<string, Preview>()
  /** Sessions whose owner has said that it knows of us. */
  private readonly watching = new Set<string>()
  private toWatch = new Set<string>()
  private cancelRenewal: () => void
  private cancelSend: (() => void) | undefined

  constructor(options: GatewayOutboundOptions) {
    this.options = options
    this.local = new InProcessOutbound(options.log)
    options.talk.onFrame((frame) => this.heard(frame))
    this.cancelRenewal = this.renewLater()
  }

  announce(announcement: Announcement): void {
    this.local.announce(announcement)
  }

  preview(preview: Preview): void {
    this.local.preview(preview)
  }

  subscribe(sessionId: string, listener: OutboundListener): { close(): void } {
    const count = this.listeners.get(sessionId) ?? 0
    this.listeners.set(sessionId, count + 1)
    if (count === 0) this.watch([sessionId])
    const subscription = this.local.subscribe(sessionId, listener)
    let open = true
    return {
      close: () => {
        subscription.close()
        if (!open) return
        open = false
        const left = (this.listeners.get(sessionId) ?? 1) - 1
        if (left > 0) this.listeners.set(sessionId, left)
        else {
          this.listeners.delete(sessionId)
          this.partials.delete(sessionId)
          this.watching.delete(sessionId)
        }
      },
    }
  }

  /** W1: for an envelope to a session that is followed here. */
  readonly watcherHeaders = (to: Address): Readonly<Record<string, string>> | undefined => {
    if (kindOf(to) !== 'session' || !this.listeners.has(idOf(to))) return undefined
    this.toWatch.delete(idOf(to)) // it says so itself
    return watchHeaders(this.options.self())
  }

  close(): void {
    this.cancelRenewal()
    this.cancelSend?.()
  }

  private heard(frame: Frame): void {
    switch (frame.k) {
      case 'event': {
        const announcement = frame.a as Announcement
        if (this.listeners.has(announcement.sessionId)) this.local.announce(announcement)
        return
      }
      case 'preview':
        this.show(frame.p as Omit<Preview, 'text'> & { text?: string })
        return
      case 'progress':
        this.local.progress(frame.p as ToolProgress)
        return
      case 'watching':
        for (const sessionId of frame.sessions) this.heardOf(sessionId)
        return
      case 'moved': {
        const moved = new Set(frame.shards)
        this.watch([...this.listeners.keys()].filter((id) => moved.has(shardOf(address('session', id)))))
      }
    }
  }

  /** W2 */
  private heardOf(sessionId: string): void {
    if (!this.listeners.has(sessionId)) return
    this.local.missed(sessionId, this.watching.has(sessionId) ? 'moved' : 'began')
    this.watching.add(sessionId)
  }

  private show(preview: Omit<Preview, 'text'> & { text?: string }): void {
    const { sessionId, text } = preview
    if (!this.listeners.has(sessionId)) return
    const before = this.partials.get(sessionId)
    if (text === undefined && !goesOn(before, preview)) return void this.partials.delete(sessionId) // W3
    const whole = { ...preview, text: text ?? (before as Preview).text + preview.delta }
    this.partials.set(sessionId, whole)
    this.local.preview(whole)
  }

  /** Many at once are one record for each shard. */
  private watch(sessionIds: readonly string[]): void {
    if (sessionIds.length === 0) return
    this.cancelSend ??= this.options.clock.after(BESIDE_MS, () => this.send())
    for (const sessionId of sessionIds) this.toWatch.add(sessionId)
  }

  private send(): void {
    this.cancelSend = undefined
    const shards = new Map<number, string[]>()
    for (const sessionId of this.toWatch) {
      const shard = shardOf(address('session', sessionId))
      const sessions = shards.get(shard)
      if (sessions === undefined) shards.set(shard, [sessionId])
      else sessions.push(sessionId)
    }
    this.toWatch = new Set()
    for (const [partition, sessions] of shards) {
      const record = encodeWatch(sessions, this.options.self())
      this.options.writer
        .write({ topic: this.options.topicPrefix + inbound.name, partition, key: null, ...record })
        .catch((error) => this.options.log.debug({ error: String(error) }, 'a watch could not be sent; renewed later'))
    }
  }

  private renewLater(): () => void {
    return this.options.clock.after(RENEW_MS, () => {
      this.watch([...this.listeners.keys()])
      this.cancelRenewal = this.renewLater()
    })
  }
}
