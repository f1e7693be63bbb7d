import { expect } from 'chai'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { OutboxRelay } from '../../transports/outbox-relay.ts'
import { anEnvelope, freshSession } from '../support/given-append.ts'
import { settled } from '../support/probe.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

describe('outbox relay', () => {
  let clock: VirtualClock
  let sent: Envelope[]
  let forgotten: string[]
  let pending: Envelope[]
  let refuse: (envelopes: readonly Envelope[]) => boolean
  let relay: OutboxRelay

  beforeEach(() => {
    clock = new VirtualClock()
    sent = []
    forgotten = []
    pending = []
    refuse = () => false
    relay = new OutboxRelay({
      clock,
      log: silentLogger,
      mailbox: {
        async sendAll(envelopes) {
          if (refuse(envelopes)) throw new Failure('MAILBOX_FULL', 'full', { retryAfter: 1 })
          sent.push(...envelopes)
        },
      },
      journal: {
        pendingOutbox: async (_kind, _shards, limit) => pending.slice(0, limit),
        async relayed(ids) {
          forgotten.push(...ids)
          pending = pending.filter((envelope) => !ids.includes(envelope.id))
        },
      },
    })
  })

  it('sends in the order of the offers and forgets what was sent (O1, O2)', async () => {
    const to = freshSession()
    const envelopes = Array.from({ length: 5 }, () => anEnvelope({ to }))
    relay.offer(envelopes.slice(0, 2))
    relay.offer(envelopes.slice(2))
    await relay.idle()
    expect(sent).to.deep.equal(envelopes)
    expect(forgotten).to.deep.equal(envelopes.map((envelope) => envelope.id))
    expect(relay.depth).to.equal(0)
  })

  it('forgets nothing that could not be sent, and sends it again, later ones behind it (O1, O2)', async () => {
    const to = freshSession()
    const [first, second] = [anEnvelope({ to }), anEnvelope({ to })]
    refuse = () => true
    relay.offer([first])
    await settled()
    relay.offer([second])
    await settled()
    expect(forgotten).to.deep.equal([])
    expect(relay.depth).to.equal(2)
    refuse = () => false
    clock.advance(5_000)
    await relay.idle()
    expect(sent).to.deep.equal([first, second])
  })

  it('lets a receiver that is full hold back no other', async () => {
    const [full, free] = [anEnvelope(), anEnvelope()]
    refuse = (envelopes) => envelopes.some((envelope) => envelope.to === full.to)
    relay.offer([full, free])
    await settled()
    expect(sent).to.deep.equal([free])
    expect(relay.depth).to.equal(1)
    await relay.close()
    expect(forgotten, 'the other stays in the journal for the next start').to.deep.equal([free.id])
  })

  it('waits longer from try to try, up to five seconds', async () => {
    let tries = 0
    refuse = () => {
      tries++
      return true
    }
    relay.offer([anEnvelope()])
    const waits: number[] = []
    for (let i = 0; i < 10; i++) {
      await settled()
      waits.push(clock.nextIn as number)
      clock.advance(clock.nextIn as number)
    }
    expect(waits).to.deep.equal([50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000])
    await settled()
    expect(tries).to.equal(11)
    await relay.close()
  })

  it('sends what an earlier run left before what is offered now (O3)', async () => {
    const to = freshSession()
    pending = [anEnvelope({ to }), anEnvelope({ to })]
    const left = [...pending]
    expect(await relay.recover('session', [0])).to.equal(2)
    const now = anEnvelope({ to })
    relay.offer([now])
    await relay.idle()
    expect(sent).to.deep.equal([...left, now])
    expect(pending).to.deep.equal([])
  })
})
