import { expect } from 'chai'
import { shardOf } from '../../../actors/kernel/address.ts'
import { silentLogger } from '../../../actors/kernel/telemetry.ts'
import { GatewayOutbound } from '../../../transports/kafka/gateway-outbound.ts'
import type { WrittenRecord } from '../../../transports/kafka/log-writer.ts'
import { NodeOutbound } from '../../../transports/kafka/node-outbound.ts'
import { watchedSessions, watcherOf } from '../../../transports/kafka/watch-records.ts'
import type { Frame, Peer } from '../../../transports/link/peer-talk.ts'
import type { Announcement, Preview } from '../../../transports/outbound.ts'
import { settled } from '../../support/probe.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const event = (seq: number, sessionId = 's') =>
  ({ sessionId, seq, at: 0, event: { type: 'user.message' } }) as unknown as Announcement

/** A node and a gateway; frames and watches travel when the spec does not lose them. */
class World {
  readonly clock = new VirtualClock()
  readonly frames: Frame[] = []
  readonly watches: string[][] = []
  readonly published: number[] = []
  self: Peer = { id: 'g' }
  owner = this.node()
  losing = false
  private heard: (frame: Frame, from: string) => void = () => {}
  readonly gateway = new GatewayOutbound({
    talk: { onFrame: (listener) => (this.heard = listener) },
    self: () => this.self,
    writer: { write: (record) => this.written(record) },
    topicPrefix: '',
    clock: this.clock,
    log: silentLogger,
  })

  node(): NodeOutbound {
    return new NodeOutbound({
      talk: { tell: (peer, frame) => this.tell(peer, frame) },
      publisher: { publish: ({ seq }) => this.published.push(seq) },
      clock: this.clock,
      log: silentLogger,
    })
  }

  /** The moment that a watch waits for a message to travel with. */
  async passes(): Promise<void> {
    this.clock.advance(5)
    await settled()
  }

  tell(peer: Peer, frame: Frame): void {
    // Only to who is there now.
    if (peer.id !== this.self.id || this.losing) return
    this.frames.push(frame)
    this.heard(frame, 'n')
  }

  private async written({ value, headers }: WrittenRecord): Promise<number> {
    const record = { offset: 0, timestamp: 0, key: null, value, headers: headers as never }
    const sessions = watchedSessions(record)
    this.watches.push([...sessions])
    this.watched(sessions, watcherOf(record) as Peer)
    return 0
  }

  watched(sessions: readonly string[], gateway: Peer): void {
    const fresh = this.owner.watch(sessions, gateway)
    if (fresh.length > 0) this.tell(gateway, { k: 'watching', sessions: fresh })
  }

  follow(sessionId = 's') {
    const heard: string[] = []
    const { close } = this.gateway.subscribe(sessionId, {
      event: ({ seq }) => heard.push(`event ${seq}`),
      preview: ({ text }) => heard.push(text),
      missed: (since) => heard.push(`missed: ${since}`),
    })
    return { heard, close }
  }

  private text = ''
  private index = -1
  say(delta: string, over: Partial<Preview> = {}): void {
    if (over.index === 0) this.text = ''
    this.text += delta
    this.index = over.index ?? this.index + 1
    const { text, index } = this
    this.owner.preview({ sessionId: 's', turnId: 't', step: 1, attempt: 1, delta, text, ...over, index })
  }
}

describe('outbound between nodes and gateways', () => {
  let world: World
  beforeEach(() => {
    world = new World()
  })

  it('shows whole text of which only what is new travels', async () => {
    const { heard } = world.follow()
    await world.passes()
    world.say('a', { index: 0 })
    world.say('b')
    world.say('c')
    expect(heard).to.deep.equal(['missed: began', 'a', 'ab', 'abc'])
    const texts = world.frames.flatMap((frame) => (frame.k === 'preview' ? [(frame.p as Preview).text] : []))
    expect(texts).to.deep.equal(['a', undefined, undefined])
  })

  it('shows no text with a gap, and the next attempt again (W3)', async () => {
    const { heard } = world.follow()
    await world.passes()
    world.say('a', { index: 0 })
    world.losing = true
    world.say('b')
    world.losing = false
    world.say('c')
    world.say('d')
    world.say('again', { index: 0, attempt: 2 })
    expect(heard.slice(1)).to.deep.equal(['a', 'again'])
  })

  it('hears no event of a session that nobody follows here (G1)', async () => {
    const { heard, close } = world.follow()
    await world.passes()
    world.owner.announce(event(1, 'other'))
    world.owner.announce(event(2))
    close()
    world.owner.announce(event(3))
    expect(heard).to.deep.equal(['missed: began', 'event 2'])
    expect(world.published, 'all go to the log of events').to.deep.equal([1, 2, 3])
    expect(world.gateway.watcherHeaders('session:s')).to.equal(undefined)
  })

  it('watches again at the new owner, and tells its listeners to look into the journal (W2)', async () => {
    const { heard } = world.follow()
    await world.passes()
    world.owner.lost([shardOf('session:s')])
    world.owner.announce(event(1))
    world.owner = world.node()
    world.tell(world.self, { k: 'moved', shards: [shardOf('session:s')] })
    await world.passes()
    world.owner.announce(event(2))
    expect(heard).to.deep.equal(['missed: began', 'missed: moved', 'event 2'])
  })

  it('finds a new owner by itself when nobody told it of the move (G2)', async () => {
    const { heard } = world.follow()
    await world.passes()
    world.owner.close()
    world.owner = world.node()
    world.clock.advance(10_001)
    await world.passes()
    expect(heard).to.deep.equal(['missed: began', 'missed: moved'])
  })

  it('lets a watch end that is not renewed, and renews what is followed (G2)', async () => {
    const { heard, close } = world.follow()
    await world.passes()
    for (let n = 0; n < 9; n++) {
      world.clock.advance(10_000)
      await world.passes()
    }
    world.owner.announce(event(1))
    expect(heard).to.deep.equal(['missed: began', 'event 1'])
    close()
    world.clock.advance(40_000)
    await world.passes()
    const before = world.frames.length
    world.owner.announce(event(2))
    expect(world.frames.length, 'sent to nobody').to.equal(before)
    const renewals = world.watches.length
    world.clock.advance(40_000)
    await world.passes()
    expect(world.watches.length, 'nothing to watch').to.equal(renewals)
  })

  it('lets the message sent at once carry the watch, instead of a record besides (W1)', async () => {
    const world = new World()
    world.gateway.subscribe('s', { event() {}, preview() {} })
    expect(world.gateway.watcherHeaders('session:s')).to.deep.equal({ 'soma-watcher': 'g' })
    expect(world.gateway.watcherHeaders('session:other')).to.equal(undefined)
    await world.passes()
    expect(world.watches).to.deep.equal([])
    world.gateway.subscribe('t', { event() {}, preview() {} })
    await world.passes()
    expect(world.watches).to.deep.equal([['t']])
  })
})
