import { expect } from 'chai'
import { type Address, shardOf } from '../../actors/kernel/address.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import type { Delivery, Mailbox, Subscription } from '../../transports/mailbox.ts'
import { anEnvelope, freshSession } from '../support/given-append.ts'

export interface MailboxUnderTest {
  readonly mailbox: Mailbox
  /** As after a crash: another mailbox on the same store; what this one knew but had not stored is lost. */
  reopen(): Promise<MailboxUnderTest>
  /** Lets time pass for what is retried or stored lazily. */
  pass(ms: number): void
  close(): Promise<void>
}

type Open = (limits?: { perAddress?: number; total?: number }) => Promise<MailboxUnderTest>

/** Mailboxes of one suite, each closed after its spec. */
function opening(open: Open) {
  const opened: MailboxUnderTest[] = []
  const kept = async (under: Promise<MailboxUnderTest>) => {
    opened.push(await under)
    return under
  }
  afterEach(async () => {
    for (const under of opened.splice(0)) await under.close()
  })
  return {
    start: (limits?: Parameters<Open>[0]) => kept(open(limits)),
    restart: (under: MailboxUnderTest) => kept(under.reopen()),
  }
}

/** What every Mailbox promises (transports/mailbox.ts). */
export function mailboxSuite(open: Open): void {
  const { start, restart } = opening(open)

  it('delivers what was sent, to the shard of its address, unchanged (M1)', async () => {
    const { mailbox } = await start()
    const inbox = await Inbox.of(mailbox)
    const envelope = anEnvelope({ cause: 'c', deadline: 5, trace: { traceparent: 'x' }, body: { odd: '\0\ud800' } })
    await mailbox.send(envelope)
    const [delivery] = await inbox.next(1)
    expect(delivery?.envelope).to.deep.equal(envelope)
    expect(delivery?.position?.shard).to.equal(shardOf(envelope.to))
  })

  it('delivers in the order of the calls to send, also of concurrent ones (M2)', async () => {
    const { mailbox } = await start()
    const inbox = await Inbox.of(mailbox)
    const to = freshSession()
    const sent = Array.from({ length: 600 }, (_, n) => anEnvelope({ to, body: { n } }))
    await Promise.all([...sent.slice(0, 300).map((it) => mailbox.send(it)), mailbox.sendAll(sent.slice(300))])
    expect(idsOf(await inbox.next(600))).to.deep.equal(idsOf(sent))
  })

  it('keeps what was sent before anybody received, and delivers it first', async () => {
    const { mailbox } = await start()
    const to = freshSession()
    const early = [anEnvelope({ to }), anEnvelope({ to })]
    for (const envelope of early) await mailbox.send(envelope)
    const late = anEnvelope({ to })
    const receiving = Inbox.of(mailbox)
    await mailbox.send(late)
    expect(idsOf(await (await receiving).next(3))).to.deep.equal(idsOf([...early, late]))
  })

  it('delivers again after a restart what was not settled, in order (M3)', async () => {
    const first = await start()
    const inbox = await Inbox.of(first.mailbox)
    const to = freshSession()
    const sent = Array.from({ length: 5 }, () => anEnvelope({ to }))
    await first.mailbox.sendAll(sent)
    await inbox.next(5)
    for (const n of [0, 1, 3]) inbox.deliveries[n]?.settle()
    await inbox.close()
    const again = await Inbox.of((await restart(first)).mailbox)
    // Offset 3 was settled, but not contiguously: it comes again, and the actor's inbox knows it (I3, I5).
    expect(idsOf(await again.next(3))).to.deep.equal(idsOf(sent.slice(2)))
    expect(again.deliveries).to.have.length(3)
  })

  it('delivers again after a crash whatever was settled and not stored yet', async () => {
    const first = await start()
    const inbox = await Inbox.of(first.mailbox)
    const envelope = anEnvelope()
    await first.mailbox.send(envelope)
    ;(await inbox.next(1))[0]?.settle()
    const again = await Inbox.of((await restart(first)).mailbox)
    expect(idsOf(await again.next(1))).to.deep.equal([envelope.id])
  })

  it('delivers nothing again once the watermark is stored', async () => {
    const first = await start()
    const inbox = await Inbox.of(first.mailbox)
    const to = freshSession()
    await first.mailbox.sendAll([anEnvelope({ to }), anEnvelope({ to })])
    for (const delivery of await inbox.next(2)) delivery.settle()
    expect(first.mailbox.backlog('session')).to.equal(0)
    await inbox.close()
    const second = await restart(first)
    expect(second.mailbox.backlog('session')).to.equal(0)
    const again = await Inbox.of(second.mailbox)
    const next = anEnvelope({ to })
    await second.mailbox.send(next)
    expect(idsOf(await again.next(1))).to.deep.equal([next.id])
  })

  it('recovers a backlog of several windows in order', async () => {
    const first = await start({ perAddress: 10_000 })
    const addresses = Array.from({ length: 3 }, freshSession)
    const sent = Array.from({ length: 1_800 }, (_, n) => anEnvelope({ to: addresses[n % 3] as Address }))
    await first.mailbox.sendAll(sent)
    const second = await restart(first)
    const inbox = await Inbox.of(second.mailbox)
    await inbox.next(1_800)
    for (const to of addresses) {
      const those = (it: { to: Address }) => it.to === to
      expect(idsOf(inbox.deliveries.map((it) => it.envelope).filter(those))).to.deep.equal(idsOf(sent.filter(those)))
    }
  })

  it('keeps a full address waiting, and no other', async () => {
    const under = await start()
    const inbox = await Inbox.of(under.mailbox)
    const [busy, other] = [freshSession(), freshSession()]
    inbox.full.add(busy)
    const waiting = [anEnvelope({ to: busy }), anEnvelope({ to: busy }), anEnvelope({ to: busy })]
    await under.mailbox.sendAll(waiting)
    const easy = anEnvelope({ to: other })
    await under.mailbox.send(easy)
    expect(idsOf(await inbox.next(1))).to.deep.equal([easy.id])
    inbox.full.delete(busy)
    under.pass(1_000)
    expect(idsOf(await inbox.next(4))).to.deep.equal(idsOf([easy, ...waiting]))
  })

  it('offers a full address again as soon as one of its deliveries settles', async () => {
    const under = await start()
    const inbox = await Inbox.of(under.mailbox)
    const to = freshSession()
    const [first, second] = [anEnvelope({ to }), anEnvelope({ to })]
    await under.mailbox.send(first)
    const [delivered] = await inbox.next(1)
    inbox.full.add(to)
    await under.mailbox.send(second)
    inbox.full.delete(to)
    delivered?.settle()
    expect(idsOf(await inbox.next(2))).to.deep.equal(idsOf([first, second]))
  })

  it('counts a delivery once, however often it is settled', async () => {
    const { mailbox } = await start()
    const inbox = await Inbox.of(mailbox)
    await mailbox.sendAll([anEnvelope(), anEnvelope()])
    const [first] = await inbox.next(2)
    first?.settle()
    first?.settle()
    expect(mailbox.backlog('session')).to.equal(1)
  })

  it('delivers nothing after the subscription is closed, and everything unsettled at the next', async () => {
    const { mailbox } = await start()
    const inbox = await Inbox.of(mailbox)
    const [before, after] = [anEnvelope(), anEnvelope()]
    await mailbox.send(before)
    await inbox.next(1)
    await inbox.close()
    await mailbox.send(after)
    expect(inbox.deliveries).to.have.length(1)
    const again = await Inbox.of(mailbox)
    expect(idsOf(await again.next(2)).sort()).to.deep.equal(idsOf([before, after]).sort())
    inbox.deliveries[0]?.settle() // of the earlier opening
    expect(mailbox.backlog('session')).to.equal(2)
  })
}

/** Of a mailbox that sees all that is sent to it: it counts what waits, for an address and in all (M5). */
export function countingMailboxSuite(open: Open): void {
  const { start, restart } = opening(open)

  it('refuses with MAILBOX_FULL beyond the limit of an address, and takes control messages beyond it', async () => {
    const { mailbox } = await start({ perAddress: 10 })
    const inbox = await Inbox.of(mailbox)
    const to = freshSession()
    await mailbox.sendAll(Array.from({ length: 10 }, () => anEnvelope({ to })))
    const refused = await mailbox.send(anEnvelope({ to })).catch((error) => error)
    expect(refused).to.include({ code: 'MAILBOX_FULL', retryAfter: 1 })
    await mailbox.send(anEnvelope({ to, priority: 'control' }))
    await mailbox.send(anEnvelope())
    for (const delivery of await inbox.next(12)) delivery.settle()
    await mailbox.send(anEnvelope({ to }))
  })

  it('refuses with MAILBOX_FULL beyond the limit of all, rows of an earlier run included', async () => {
    const first = await start({ total: 20 })
    await first.mailbox.sendAll(Array.from({ length: 20 }, () => anEnvelope()))
    const { mailbox } = await restart(first)
    const refused = () => mailbox.send(anEnvelope()).catch((error) => error)
    expect(await refused()).to.include({ code: 'MAILBOX_FULL' })
    const inbox = await Inbox.of(mailbox)
    expect(await refused()).to.include({ code: 'MAILBOX_FULL' })
    for (const delivery of (await inbox.next(20)).slice(0, 5)) delivery.settle()
    expect(mailbox.backlog('session')).to.equal(15)
    await mailbox.send(anEnvelope())
  })
}

class Inbox {
  readonly deliveries: Delivery[] = []
  readonly full = new Set<Address>()
  private subscription: Subscription | undefined
  private wanted: { count: number; resolve: () => void } | undefined

  static async of(mailbox: Mailbox): Promise<Inbox> {
    const inbox = new Inbox()
    const all = Array.from({ length: 64 }, (_, shard) => shard)
    inbox.subscription = await mailbox.receive('session', all, (delivery) => {
      if (inbox.full.has(delivery.envelope.to)) return 'full'
      inbox.deliveries.push(delivery)
      if (inbox.wanted !== undefined && inbox.deliveries.length >= inbox.wanted.count) inbox.wanted.resolve()
      return 'accepted'
    })
    return inbox
  }

  /** Everything delivered so far, once it is at least `count`. */
  async next(count: number): Promise<Delivery[]> {
    if (this.deliveries.length < count) {
      await new Promise<void>((resolve) => {
        this.wanted = { count, resolve }
      })
    }
    return this.deliveries
  }

  async close(): Promise<void> {
    await this.subscription?.close()
  }
}

function idsOf(them: readonly (Envelope | Delivery)[]): string[] {
  return them.map((it) => ('envelope' in it ? it.envelope.id : it.id))
}
