import { expect } from 'chai'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { InMemoryMailboxRows } from '../../persistence/in-memory-mailbox-rows.ts'
import type { MailboxRow, Watermark } from '../../persistence/mailbox-rows.ts'
import { allShards, InProcessMailbox } from '../../transports/in-process-mailbox.ts'
import type { Delivery } from '../../transports/mailbox.ts'
import { anEnvelope, freshSession } from '../support/given-append.ts'
import { Gate, settled } from '../support/probe.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

/** Rows whose commits are reported when the spec says so, and that count what is asked of them. */
class WatchedRows extends InMemoryMailboxRows {
  reported: Gate | undefined
  reads = 0
  readonly stored: Watermark[] = []
  failAdvance = false

  override async put(row: MailboxRow): Promise<void> {
    await super.put(row)
    await this.reported?.opened
  }

  override read(...args: Parameters<InMemoryMailboxRows['read']>): Promise<MailboxRow[]> {
    this.reads++
    return super.read(...args)
  }

  override async advance(watermarks: readonly Watermark[]): Promise<void> {
    if (this.failAdvance) throw new Error('disk full')
    this.stored.push(...watermarks)
    await super.advance(watermarks)
  }
}

describe('in-process mailbox, inside', () => {
  let rows: WatchedRows
  let clock: VirtualClock
  let deliveries: Delivery[]
  const open = () => InProcessMailbox.open({ rows, clock, log: silentLogger })
  const receive = (mailbox: InProcessMailbox) =>
    mailbox.receive('session', allShards, (delivery) => {
      deliveries.push(delivery)
      return 'accepted'
    })
  const ids = (them: readonly { envelope: Envelope }[]) => them.map(({ envelope }) => envelope.id)

  beforeEach(() => {
    rows = new WatchedRows()
    clock = new VirtualClock()
    deliveries = []
  })

  it('delivers a row once that was read before its commit was reported (D2)', async () => {
    const to = freshSession()
    const [left, slow] = [anEnvelope({ to }), anEnvelope({ to })]
    await (await open()).send(left)
    const mailbox = await open()
    rows.reported = new Gate()
    const sending = mailbox.send(slow)
    await receive(mailbox)
    expect(ids(deliveries)).to.deep.equal([left.id, slow.id])
    rows.reported.open()
    await sending
    await settled()
    expect(ids(deliveries)).to.deep.equal([left.id, slow.id])
    for (const delivery of deliveries) delivery.settle()
    expect(mailbox.backlog('session'), 'and counted once').to.equal(0)
  })

  it('reads no rows for what is sent while it delivers', async () => {
    const mailbox = await open()
    await receive(mailbox)
    const before = rows.reads
    await mailbox.sendAll(Array.from({ length: 100 }, () => anEnvelope()))
    expect(deliveries).to.have.length(100)
    expect(rows.reads).to.equal(before)
  })

  it('stores watermarks a while after they moved, many at once', async () => {
    const mailbox = await open()
    await receive(mailbox)
    const to = freshSession()
    await mailbox.sendAll(Array.from({ length: 50 }, () => anEnvelope({ to })))
    for (const delivery of deliveries) delivery.settle()
    clock.advance(249)
    await settled()
    expect(rows.stored).to.deep.equal([])
    clock.advance(1)
    await settled()
    expect(rows.stored.map((it) => it.watermark)).to.deep.equal([50])
  })

  it('stores a watermark later that could not be stored', async () => {
    const mailbox = await open()
    await receive(mailbox)
    await mailbox.send(anEnvelope())
    deliveries[0]?.settle()
    rows.failAdvance = true
    clock.advance(250)
    await settled()
    rows.failAdvance = false
    clock.advance(250)
    await settled()
    expect(rows.stored.map((it) => it.watermark)).to.deep.equal([1])
  })

  it('stores what settles after the subscription closed, as actors drain (orderly stop)', async () => {
    const mailbox = await open()
    const subscription = await receive(mailbox)
    await mailbox.send(anEnvelope())
    await subscription.close()
    deliveries[0]?.settle()
    await mailbox.close()
    expect(rows.stored.map((it) => it.watermark)).to.deep.equal([1])
  })
})
