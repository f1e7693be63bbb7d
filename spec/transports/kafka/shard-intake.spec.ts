import { expect } from 'chai'
import fc from 'fast-check'
import { type Address, shardOf } from '../../../actors/kernel/address.ts'
import type { Failure } from '../../../actors/kernel/failure.ts'
import { encodeEnvelope } from '../../../transports/kafka/envelope-codec.ts'
import type { LogRecord } from '../../../transports/kafka/fetch-client.ts'
import type { ReadPartition } from '../../../transports/kafka/log-reader.ts'
import { ShardIntake } from '../../../transports/kafka/shard-intake.ts'
import { inbound } from '../../../transports/kafka/topics.ts'
import type { Delivery } from '../../../transports/mailbox.ts'
import { anEnvelope } from '../../support/given-append.ts'
import { Gate, settled } from '../../support/probe.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const to: Address = 'session:a'
const shard = shardOf(to)

function given(from = 0) {
  const clock = new VirtualClock()
  const deliveries = new Map<number, Delivery>()
  const handling = new Map<number, { gate: Gate; failure?: Failure }>()
  const full = { is: false }
  let reading!: ReadPartition
  const lease = { kind: 'session' as const, shard, owner: 'n', epoch: 1 }
  const handle = (record: LogRecord, failure?: Failure) => {
    const gate = new Gate()
    handling.set(record.offset, { gate, ...(failure && { failure }) })
    return gate.opened
  }
  const intake = new ShardIntake(
    lease,
    [{ topic: inbound, name: inbound.name, from }],
    (delivery) => {
      if (full.is) return 'full'
      deliveries.set(delivery.position?.offset ?? -1, delivery)
      return 'accepted'
    },
    {
      reader: {
        read: (wanted) => {
          reading = wanted
          return { close() {} }
        },
      },
      clock,
      moved() {},
      foreign: (_, __, record) => handle(record),
      refused: (_, __, record, failure) => handle(record, failure),
      watched() {},
    },
  )
  let next = from
  const record = (over: Partial<LogRecord>) => {
    const offset = next++
    reading.take([{ offset, timestamp: 0, key: null, value: null, headers: {}, ...over }], offset + 1)
    return offset
  }
  const envelope = (address: Address = to) => {
    const { value, headers } = encodeEnvelope(anEnvelope({ to: address }))
    return record({ value, headers: headers as never })
  }
  const watermark = () => intake.partitions[0]?.watermark
  return { clock, deliveries, handling, full, intake, record, envelope, watermark, wants: () => reading.wants() }
}

describe('shard intake', () => {
  it('has the lowest unsettled record as its watermark, whatever comes and settles in whatever order (S2)', async () => {
    const kind = fc.constantFrom('envelope', 'foreign', 'broken', 'held')
    await fc.assert(
      fc.asyncProperty(fc.array(kind, { maxLength: 25 }), fc.array(fc.nat(24)), async (kinds, order) => {
        const it = given(100)
        const open = new Set<number>()
        for (const one of kinds) {
          it.full.is = one === 'held'
          if (one === 'foreign') open.add(it.record({ value: Buffer.from('{}') }))
          else if (one === 'broken') open.add(it.record({ headers: { 'soma-envelope': Buffer.from('9') } }))
          else open.add(it.envelope())
        }
        it.full.is = false
        await settled(2)
        it.clock.advance(60)
        const lowest = () => Math.min(100 + kinds.length, ...open)
        expect(it.watermark()).to.equal(lowest())
        for (const offset of order.map((n) => n + 100)) {
          const delivery = it.deliveries.get(offset)
          const handled = it.handling.get(offset)
          if (delivery === undefined && handled === undefined) continue
          delivery?.settle()
          handled?.gate.open()
          await settled(2)
          open.delete(offset)
          // What stands behind another of its kind is handled after it.
          expect(it.watermark()).to.equal(lowest())
        }
      }),
      { numRuns: 100 },
    )
  })

  it('refuses, and settles, what would wait for an address beyond its bound; the others go on', async () => {
    const it = given()
    it.full.is = true
    for (let n = 0; n < 10_001; n++) it.envelope()
    expect([...it.handling].map(([offset, { failure }]) => [offset, failure?.code])).to.deep.equal([])
    await settled(2)
    expect([...it.handling].map(([offset, { failure }]) => [offset, failure?.code])).to.deep.equal([
      [10_000, 'MAILBOX_FULL'],
    ])
  })

  it('refuses an envelope whose address has its messages elsewhere: here it would never settle', async () => {
    const it = given()
    const other = Array.from({ length: 99 }, (_, i) => `session:o${i}` as const).find((one) => shardOf(one) !== shard)
    it.envelope(other as Address)
    it.envelope(`tool:a/1`)
    await settled(2)
    it.handling.get(0)?.gate.open()
    await settled(2)
    it.handling.get(1)?.gate.open()
    await settled(2)
    expect(it.handling.get(0)?.failure?.code).to.equal('UNROUTABLE')
    expect([it.deliveries.size, it.watermark()]).to.deep.equal([0, 2])
  })

  it('offers nothing more once it is closed, and what was delivered still settles', async () => {
    const it = given()
    it.envelope()
    it.full.is = true
    it.envelope()
    it.intake.close()
    it.full.is = false
    it.clock.advance(1_000)
    it.deliveries.get(0)?.settle()
    await settled(2)
    expect([[...it.deliveries.keys()], it.watermark()]).to.deep.equal([[0], 1])
  })

  it('wants no more while its window is full (I9)', () => {
    const it = given()
    it.full.is = true
    for (let n = 0; n < 49_999; n++) it.envelope()
    expect(it.wants()).to.equal(true)
    it.envelope()
    expect(it.wants()).to.equal(false)
  })
})
