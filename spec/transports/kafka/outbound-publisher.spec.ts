import { expect } from 'chai'
import fc from 'fast-check'
import { idOf, shardOf } from '../../../actors/kernel/address.ts'
import { Failure } from '../../../actors/kernel/failure.ts'
import { silentLogger } from '../../../actors/kernel/telemetry.ts'
import { systemIds } from '../../../infra/clock.ts'
import type { ShardLease } from '../../../persistence/epochs.ts'
import type { PlacedEvent } from '../../../persistence/journal.ts'
import { openInMemory } from '../../../persistence/open-in-memory.ts'
import type { LogWriter, WrittenRecord } from '../../../transports/kafka/log-writer.ts'
import { conversationFeed, OutboundPublisher } from '../../../transports/kafka/outbound-publisher.ts'
import type { Announcement } from '../../../transports/outbound.ts'
import { anAppend } from '../../support/given-append.ts'
import { Gate, settled, until } from '../../support/probe.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const to = 'session:a' as const
const shard = shardOf(to)

const announcementOf = ({ address, seq, at }: Pick<PlacedEvent, 'address' | 'seq' | 'at'>) =>
  ({ sessionId: idOf(address), seq, at, event: { event_id: `${address}/${seq}` } }) as unknown as Announcement

/** A topic that takes records when the spec lets it; a node that is killed writes no more. */
class Topic {
  readonly ids = new Set<string>()
  waiting: { record: WrittenRecord; resolve(): void; reject(error: Error): void }[] = []
  held = false

  writer(isAlive: () => boolean): LogWriter {
    const write = (record: WrittenRecord) =>
      new Promise<number>((resolve, fail) => {
        const reject = (error: Error) => isAlive() && fail(error)
        const done = () => {
          if (!isAlive()) return
          this.ids.add(JSON.parse(String(record.value)).event_id)
          resolve(0)
        }
        if (this.held) this.waiting.push({ record, resolve: done, reject })
        else done()
      })
    return { write, idle: () => until(() => this.waiting.length === 0) } as unknown as LogWriter
  }

  refuse(): void {
    for (const { reject } of this.waiting.splice(0)) reject(new Failure('MAILBOX_UNAVAILABLE', 'no broker'))
  }

  pass(): void {
    for (const { resolve } of this.waiting.splice(0)) resolve()
  }
}

class Cluster {
  readonly clock = new VirtualClock()
  readonly stores = openInMemory(systemIds)
  readonly topic = new Topic()
  seq = 0
  node!: Awaited<ReturnType<Cluster['takeOver']>>

  /** The next owner of the shard, whatever became of the one before. */
  async takeOver() {
    if (this.node) this.node.alive = false
    const [lease] = await this.stores.epochs.claim('node', 'session', [shard])
    const node = { alive: true, lease: lease as ShardLease, publisher: undefined as never as OutboundPublisher }
    const { clock } = this
    node.publisher = new OutboundPublisher({
      writer: this.topic.writer(() => node.alive),
      topicPrefix: '',
      offsets: {
        load: (them) => this.stores.logOffsets.load(them),
        advance: async (rows) => (node.alive ? this.stores.logOffsets.advance(rows) : undefined),
      },
      journal: this.stores.journal,
      leaseOf: () => node.lease,
      feed: conversationFeed(announcementOf, ''),
      clock: { now: () => clock.now(), after: (ms, task) => clock.after(ms, () => node.alive && task()) },
      log: silentLogger,
    })
    this.node = node
    await node.publisher.takeOver([node.lease])
    return node
  }

  /** Appended and, unless the node dies before, announced. */
  async append(commit?: Promise<unknown>, announced = true): Promise<void> {
    const { publisher, lease } = this.node
    const at = this.clock.now()
    const seq = this.seq++
    const slow = {
      append: async (it: Parameters<typeof this.stores.journal.append>[0]) => {
        await commit
        return this.stores.journal.append(it)
      },
    }
    const events = [{ kind: 'Noted', version: 1, at, data: {} }]
    const result = await publisher
      .watching(slow)
      .append(anAppend({ address: to, epoch: lease.epoch, expectedSeq: seq, events }))
    expect(result.status).to.equal('appended')
    if (announced) publisher.publish(announcementOf({ address: to, seq: seq + 1, at }))
  }

  async stored(): Promise<number | undefined> {
    return (await this.stores.logOffsets.load([{ topic: 'conversation.outbound', partition: shard }]))[0]
  }

  async pass(ms: number): Promise<void> {
    for (let gone = 0; gone < ms; gone += 250) {
      this.clock.advance(250)
      await settled(3)
    }
  }

  journaled(): string[] {
    return Array.from({ length: this.seq }, (_, i) => `${to}/${i + 1}`)
  }
}

async function given(): Promise<Cluster> {
  const cluster = new Cluster()
  await cluster.takeOver()
  return cluster
}

describe('outbound publisher', () => {
  it('publishes all that was journaled, whenever its node dies and whatever waits (P2)', async () => {
    const step = fc.constantFrom('append', 'unannounced, dies', 'time', 'hold', 'let pass', 'dies', 'moment')
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const cluster = await given()
        for (const it of steps) {
          if (it === 'append') await cluster.append()
          else if (it === 'time') await cluster.pass(1_000)
          else if (it === 'moment') cluster.clock.advance(1)
          else if (it === 'hold') cluster.topic.held = true
          else if (it === 'let pass') {
            cluster.topic.held = false
            cluster.topic.pass()
          } else {
            if (it === 'unannounced, dies') await cluster.append(undefined, false)
            await cluster.takeOver()
          }
        }
        cluster.topic.held = false
        cluster.topic.pass()
        await cluster.takeOver()
        await cluster.pass(500)
        expect([...cluster.topic.ids]).to.have.members(cluster.journaled())
      }),
      { numRuns: 60 },
    )
  })

  it('never passes an append in flight (P2)', async () => {
    const cluster = await given()
    const gate = new Gate()
    const began = cluster.clock.now()
    const appended = cluster.append(gate.opened, false)
    cluster.node.publisher.publish(announcementOf({ address: to, seq: 99, at: began + 1 }))
    await cluster.pass(5_000)
    expect(await cluster.stored()).to.be.at.most(began)
    gate.open()
    await appended
    await cluster.takeOver()
    await settled()
    expect(cluster.topic.ids.has(`${to}/1`)).to.equal(true)
  })

  it('tries until the journal can be read after a takeover, and its time waits with it', async () => {
    const cluster = await given()
    await cluster.append(undefined, false)
    const { journal } = cluster.stores
    const recent = journal.recent.bind(journal)
    let failures = 5
    journal.recent = (...args) => (failures-- > 0 ? Promise.reject(new Error('the database is away')) : recent(...args))
    const before = await cluster.stored()
    await cluster.takeOver()
    await settled()
    cluster.node.publisher.publish(announcementOf({ address: to, seq: 9, at: cluster.clock.now() }))
    await cluster.pass(2_000)
    expect(await cluster.stored()).to.equal(before)
    await cluster.pass(10_000)
    expect(cluster.topic.ids.has(`${to}/1`)).to.equal(true)
  })

  it('leaves to the next owner what it could not publish before it closed', async () => {
    const cluster = await given()
    await cluster.pass(2_000)
    cluster.topic.held = true
    await cluster.append()
    await cluster.pass(1_000)
    const closed = cluster.node.publisher.close()
    cluster.topic.refuse()
    await cluster.pass(10_000)
    await closed
    cluster.topic.held = false
    await cluster.takeOver()
    await until(() => cluster.topic.ids.has(`${to}/1`))
  })

  it('begins its work on a shard only when its clock is past the time that the owner before stored', async () => {
    const cluster = await given()
    const ahead = cluster.clock.now() + 300
    const row = { topic: 'conversation.outbound', partition: shard, watermark: ahead, lease: cluster.node.lease }
    await cluster.stores.logOffsets.advance([row])
    let taken = false
    const taking = cluster.takeOver().then(() => {
      taken = true
    })
    await settled()
    expect(taken).to.equal(false)
    await cluster.pass(500)
    await taking
    expect(cluster.clock.now()).to.be.at.least(ahead)
  })
})
