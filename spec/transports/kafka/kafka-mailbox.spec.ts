import { expect } from 'chai'
import { type Address, shardOf } from '../../../actors/kernel/address.ts'
import type { Failure } from '../../../actors/kernel/failure.ts'
import { silentLogger } from '../../../actors/kernel/telemetry.ts'
import type { ShardLease } from '../../../persistence/epochs.ts'
import { InMemoryEpochs } from '../../../persistence/in-memory-epochs.ts'
import { InMemoryLogOffsets } from '../../../persistence/in-memory-log-offsets.ts'
import { InMemoryStore } from '../../../persistence/in-memory-store.ts'
import type { LogOffsets } from '../../../persistence/log-offsets.ts'
import { KafkaMailbox, type KafkaMailboxOptions } from '../../../transports/kafka/kafka-mailbox.ts'
import { LogWriter } from '../../../transports/kafka/log-writer.ts'
import { inbound } from '../../../transports/kafka/topics.ts'
import type { Delivery, Mailbox } from '../../../transports/mailbox.ts'
import { anEnvelope } from '../../support/given-append.ts'
import { KeptPartitions } from '../../support/kept-partitions.ts'
import { settled, until } from '../../support/probe.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const a: Address = 'session:a'
const elsewhere = Array.from({ length: 99 }, (_, i) => `session:e${i}` as const).find(
  (it) => shardOf(it) !== shardOf(a),
)
const b = elsewhere as Address
const topic = `x.${inbound.name}`

describe('kafka mailbox', () => {
  let clock: VirtualClock
  let epochs: InMemoryEpochs
  let offsets: InMemoryLogOffsets
  let log: KeptPartitions
  const leases = new Map<number, ShardLease>()
  const opened: KafkaMailbox[] = []

  beforeEach(async () => {
    const store = new InMemoryStore()
    clock = new VirtualClock()
    epochs = new InMemoryEpochs(store)
    offsets = new InMemoryLogOffsets(store)
    log = new KeptPartitions()
    for (const lease of await epochs.claim('n', 'session', [shardOf(a), shardOf(b)])) leases.set(lease.shard, lease)
  })
  afterEach(async () => {
    for (const mailbox of opened.splice(0)) await mailbox.close()
    leases.clear()
  })

  function given(over: Partial<KafkaMailboxOptions> = {}): KafkaMailbox {
    const mailbox = new KafkaMailbox({
      writer: new LogWriter({ producer: log.producer, acks: 'all', seconds: () => 0 }),
      reader: log.reader,
      offsets,
      topicPrefix: 'x.',
      leaseOf: (_, shard) => leases.get(shard),
      strangers: { foreign: async () => {}, refused: async () => {}, watched() {} },
      clock,
      log: silentLogger,
      ...over,
    })
    opened.push(mailbox)
    return mailbox
  }

  async function reading(mailbox: Mailbox, ...of: Address[]) {
    const deliveries: Delivery[] = []
    const subscription = await mailbox.receive(
      'session',
      of.map((it) => shardOf(it)),
      (delivery) => {
        deliveries.push(delivery)
        return 'accepted'
      },
    )
    const settle = async (count: number) => {
      await until(() => deliveries.length >= count, `${count} deliveries`)
      for (const delivery of deliveries.splice(0, count)) delivery.settle()
    }
    return { deliveries, settle, close: () => subscription.close() }
  }

  const send = async (mailbox: Mailbox, count: number, to: Address = a) => {
    for (let n = 0; n < count; n++) await mailbox.send(anEnvelope({ to }))
  }
  const outcomeOf = (sent: Promise<void>) =>
    sent.then(
      () => 'sent',
      ({ code }: Failure) => code,
    )
  const stored = (...of: Address[]) => offsets.load(of.map((it) => ({ topic, partition: shardOf(it) })))
  const pass = async (ms: number) => {
    clock.advance(ms)
    await settled(5)
  }

  describe('watermarks', () => {
    it('are not stored for a shard that another node has taken over; for the others they are (M3)', async () => {
      const mailbox = given()
      const { settle } = await reading(mailbox, a, b)
      await send(mailbox, 2, a)
      await send(mailbox, 3, b)
      await epochs.takeOver('other', [leases.get(shardOf(a)) as ShardLease])
      await settle(5)
      await pass(250)
      expect(await stored(a, b)).to.deep.equal([undefined, 3])
    })

    it('are stored a little later, in one go, and with the last of them when the shard is closed (M3)', async () => {
      let writes = 0
      const counting: LogOffsets = {
        load: (partitions) => offsets.load(partitions),
        advance: (rows) => {
          writes++
          return offsets.advance(rows)
        },
      }
      const mailbox = given({ offsets: counting })
      const { settle, close } = await reading(mailbox, a)
      await send(mailbox, 4)
      await settle(3)
      await pass(249)
      expect([writes, await stored(a)]).to.deep.equal([0, [undefined]])
      await pass(1)
      expect([writes, await stored(a)]).to.deep.equal([1, [3]])
      await settle(1)
      await close()
      expect([writes, await stored(a)]).to.deep.equal([2, [4]])
    })

    it('are stored when the database is there again', async () => {
      let away = true
      const failing: LogOffsets = {
        load: (partitions) => offsets.load(partitions),
        advance: (rows) => (away ? Promise.reject(new Error('away')) : offsets.advance(rows)),
      }
      const mailbox = given({ offsets: failing })
      const { settle } = await reading(mailbox, a)
      await send(mailbox, 2)
      await settle(2)
      await pass(1_000)
      away = false
      await pass(250)
      expect(await stored(a)).to.deep.equal([2])
    })
  })

  describe('a shard', () => {
    it('that is opened again goes on after what was settled, with all that was not', async () => {
      const mailbox = given()
      const first = await reading(mailbox, a)
      await send(mailbox, 3)
      await first.settle(1)
      await first.close()
      const second = await reading(mailbox, a)
      await until(() => second.deliveries.length === 2)
      expect(second.deliveries.map(({ position }) => position?.offset)).to.deep.equal([1, 2])
    })

    it('that is opened again while it is open is read once, by the new opening, whichever is closed then', async () => {
      const mailbox = given()
      const first = await reading(mailbox, a)
      const second = await reading(mailbox, a)
      expect(log.open, 'each of its topics is read once').to.equal(2)
      await first.close()
      await send(mailbox, 2)
      await until(() => second.deliveries.length === 2)
      expect([first.deliveries.length, mailbox.backlog('session')]).to.deep.equal([0, 2])
      await second.close()
      expect([log.open, mailbox.backlog('session')]).to.deep.equal([0, 0])
    })

    it('whose lease went while its offsets were read is not opened', async () => {
      const mailbox = given()
      const opening = reading(mailbox, a)
      leases.delete(shardOf(a))
      await opening
      expect(log.open).to.equal(0)
    })
  })

  describe('the backlog', () => {
    it('refuses senders with MAILBOX_FULL beyond its limit, control messages later, and no other partition (M5)', async () => {
      const mailbox = given({ perPartition: 20 })
      await send(mailbox, 20)
      const refused = await mailbox.send(anEnvelope({ to: a })).then(undefined, (error) => error)
      expect(refused).to.include({ code: 'MAILBOX_FULL', retryAfter: 1 })
      const control = () => outcomeOf(mailbox.send(anEnvelope({ to: a, priority: 'control' })))
      expect([await control(), await control(), await control()]).to.deep.equal(['sent', 'sent', 'MAILBOX_FULL'])
      expect(await outcomeOf(mailbox.send(anEnvelope({ to: b })))).to.equal('sent')
    })

    it('leaves room for the result of a tool, whose turn would not end without it (M5)', async () => {
      const mailbox = given({ perPartition: 20 })
      await send(mailbox, 20)
      expect(await outcomeOf(mailbox.send(anEnvelope({ to: a })))).to.equal('MAILBOX_FULL')
      expect(await outcomeOf(mailbox.send(anEnvelope({ to: a, from: 'tool:t/1' })))).to.equal('sent')
    })

    it('takes from senders again when the owner has caught up (M5)', async () => {
      const sender = given({ perPartition: 20 })
      await send(sender, 20)
      const owner = given()
      const { settle } = await reading(owner, a)
      await settle(5)
      await pass(250)
      expect(await outcomeOf(sender.send(anEnvelope({ to: a }))), 'not known yet').to.equal('MAILBOX_FULL')
      await pass(1_000)
      const sent = await Promise.all(Array.from({ length: 5 }, () => outcomeOf(sender.send(anEnvelope({ to: a })))))
      expect(sent).to.deep.equal(Array(5).fill('sent'))
      expect(await outcomeOf(sender.send(anEnvelope({ to: a })))).to.equal('MAILBOX_FULL')
    })

    it('that others made counts, once it was looked up (M5)', async () => {
      await send(given(), 20)
      const sender = given({ perPartition: 20 })
      expect(await outcomeOf(sender.send(anEnvelope({ to: a })))).to.equal('sent')
      await pass(1_000)
      expect(await outcomeOf(sender.send(anEnvelope({ to: a })))).to.equal('MAILBOX_FULL')
    })

    it('stands as last known while the database is away, and is looked up again when it is back (M5)', async () => {
      let away = false
      const failing: LogOffsets = {
        load: (partitions) => (away ? Promise.reject(new Error('away')) : offsets.load(partitions)),
        advance: (rows) => offsets.advance(rows),
      }
      const sender = given({ perPartition: 5, offsets: failing })
      await send(sender, 5)
      const { settle } = await reading(given(), a)
      await settle(5)
      away = true
      await pass(3_000)
      expect(await outcomeOf(sender.send(anEnvelope({ to: a })))).to.equal('MAILBOX_FULL')
      away = false
      await pass(1_000)
      expect(await outcomeOf(sender.send(anEnvelope({ to: a })))).to.equal('sent')
    })

    it('of a partition that is done and out of use is forgotten: nothing is looked up for ever', async () => {
      const sender = given()
      await send(sender, 5)
      const { settle } = await reading(given(), a)
      await settle(5)
      await pass(250)
      await pass(750)
      expect(clock.pending, 'in use until now').to.equal(1)
      await pass(1_000)
      expect(clock.pending).to.equal(0)
    })

    it('is told by topic as lag: unsettled and not even fetched, of the shards that are read here', async () => {
      const mailbox = given()
      log.fetched = 3
      const { settle } = await reading(mailbox, a)
      await send(mailbox, 5, a)
      await send(mailbox, 4, b)
      await mailbox.send(anEnvelope({ to: a, from: 'tool:t/1' }))
      await settle(1)
      expect(Object.fromEntries(mailbox.lag())).to.deep.equal({ 'conversation.inbound': 5, 'tool.results': 0 })
    })
  })

  it('takes nothing more once it is closed, and stores the last watermarks', async () => {
    const mailbox = given()
    const { settle } = await reading(mailbox, a)
    await send(mailbox, 2)
    await settle(2)
    await mailbox.close()
    expect(await stored(a)).to.deep.equal([2])
    expect(await outcomeOf(mailbox.send(anEnvelope({ to: a })))).to.equal('DRAINING')
  })
})
