import { expect } from 'chai'
import { type Slot, type SlotRequest, Slots } from '../../../actors/tool/slots.ts'
import { settled } from '../../support/probe.ts'

const never = new AbortController().signal
const roomy = { perTool: 100, perTenant: 50 }

let now = 0
const slotsOf = (limits = roomy) => new Slots(limits, () => now)
const of = (tenant: string, over: Partial<SlotRequest> = {}): SlotRequest => ({
  tool: 'a',
  tenant,
  session: 's',
  limit: 1,
  ...over,
})

function releaseOf(slot: Slot): () => void {
  if (slot.kind !== 'taken') throw new Error(`no slot: ${JSON.stringify(slot)}`)
  return slot.release
}

describe('slots', () => {
  beforeEach(() => {
    now = 0
  })

  it('L1: let only so many of one tool run, and other tools meanwhile', async () => {
    const slots = slotsOf()
    const limit = 2
    await slots.take(of('acme', { limit }), never)
    await slots.take(of('acme', { limit }), never)
    let third = false
    void slots.take(of('acme', { limit }), never).then(() => {
      third = true
    })
    await slots.take(of('acme', { tool: 'b' }), never)
    await settled()
    expect([third, slots.running('a'), slots.running('b')]).to.deep.equal([false, 2, 1])
  })

  it('L2: go to tenants in turn, so that one with a hundred waiting holds up another for one call', async () => {
    const slots = slotsOf()
    const first = await slots.take(of('flood'), never)
    const order: string[] = []
    const stand = (tenant: string) =>
      void slots.take(of(tenant), never).then((slot) => {
        order.push(tenant)
        releaseOf(slot)()
      })
    for (let n = 0; n < 40; n++) stand('flood')
    stand('acme')
    stand('acme')
    releaseOf(first)()
    await settled()
    expect(order).to.have.length(42)
    expect(order.slice(0, 5)).to.deep.equal(['acme', 'flood', 'acme', 'flood', 'flood'])
    expect([slots.running('a'), slots.waiting('a')]).to.deep.equal([0, 0])
  })

  it('L2: within a tenant go to its sessions in turn, so that one with a hundred waiting holds up another for one call', async () => {
    const slots = slotsOf()
    const first = await slots.take(of('acme', { session: 'flood' }), never)
    const order: string[] = []
    for (const session of [...Array.from({ length: 40 }, () => 'flood'), 'chat', 'chat']) {
      void slots.take(of('acme', { session }), never).then((slot) => {
        order.push(session)
        releaseOf(slot)()
      })
    }
    releaseOf(first)()
    await settled()
    expect(order).to.have.length(42)
    expect(order.slice(0, 4)).to.deep.equal(['chat', 'flood', 'chat', 'flood'])
  })

  it('L2: go to a tenant that holds none before one that holds several for long', async () => {
    const slots = slotsOf()
    const limit = 3
    const held = [await slots.take(of('long', { limit }), never), await slots.take(of('long', { limit }), never)]
    let short = releaseOf(await slots.take(of('short', { limit }), never))
    void slots.take(of('long', { limit }), never)
    for (let n = 0; n < 5; n++) {
      const next = slots.take(of('short', { limit }), never)
      short()
      short = releaseOf(await next)
    }
    expect([held.length, slots.waiting('a')]).to.deep.equal([2, 1])
  })

  it('L2: go to whoever of a session waits longest', async () => {
    const slots = slotsOf()
    const release = releaseOf(await slots.take(of('acme'), never))
    const order: number[] = []
    for (const who of [1, 2, 3]) {
      void slots.take(of('acme'), never).then((slot) => {
        order.push(who)
        releaseOf(slot)()
      })
    }
    release()
    await settled()
    expect(order).to.deep.equal([1, 2, 3])
    expect(slots.running('a')).to.equal(0)
  })

  it('L3: refuse whoever comes when the line of its tenant is full, and say when to ask again', async () => {
    const slots = slotsOf({ perTool: 10, perTenant: 2 })
    const held = releaseOf(await slots.take(of('acme'), never))
    now = 4_000
    held()
    await slots.take(of('acme'), never)
    void slots.take(of('acme'), never)
    void slots.take(of('acme'), never)
    const refused = await slots.take(of('acme'), never)
    expect(refused).to.deep.equal({ kind: 'queue-full', of: 'tenant', waiting: 2, retryAfter: 8 })
    // Another tenant's line is its own.
    let other: Slot | 'waits' = 'waits'
    void slots.take(of('other'), never).then((slot) => {
      other = slot
    })
    await settled()
    expect(other).to.equal('waits')
  })

  it('L3: refuse everybody when the line of the tool is full, but for work that was begun before', async () => {
    const slots = slotsOf({ perTool: 1, perTenant: 10 })
    await slots.take(of('acme'), never)
    void slots.take(of('acme'), never)
    expect(await slots.take(of('other'), never)).to.deep.include({ kind: 'queue-full', of: 'tool' })
    void slots.take(of('other', { begun: true }), never)
    expect(slots.waiting('a')).to.equal(2)
  })

  it('are given back once, however often they are released', async () => {
    const slots = slotsOf()
    const release = releaseOf(await slots.take(of('acme'), never))
    release()
    await slots.take(of('acme'), never)
    release()
    expect(slots.running('a')).to.equal(1)
  })

  it('L4: pass over those who stopped waiting, and forget them', async () => {
    const slots = slotsOf()
    const release = releaseOf(await slots.take(of('acme'), never))
    const patience = new AbortController()
    const given = slots.take(of('acme'), patience.signal).catch((reason: Error) => reason.message)
    const next = slots.take(of('acme'), never)
    patience.abort(new Error('cancelled'))
    expect(await given).to.equal('cancelled')
    release()
    await next
    expect([slots.running('a'), slots.waiting('a')]).to.deep.equal([1, 0])
  })

  it('refuse who is already aborted', async () => {
    const slots = slotsOf()
    const gone = AbortSignal.abort(new Error('gone'))
    const refused = await slots.take(of('acme'), gone).catch((reason: Error) => reason.message)
    expect([refused, slots.running('a')]).to.deep.equal(['gone', 0])
  })
})
