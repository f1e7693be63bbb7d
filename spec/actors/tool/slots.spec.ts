import { expect } from 'chai'
import { Slots } from '../../../actors/tool/slots.ts'
import { settled } from '../../support/probe.ts'

const never = new AbortController().signal

describe('slots', () => {
  it('let only so many of one tool run, and other tools meanwhile', async () => {
    const slots = new Slots(2)
    await slots.take('a', never)
    await slots.take('a', never)
    let third = false
    void slots.take('a', never).then(() => {
      third = true
    })
    await slots.take('b', never)
    await settled()
    expect([third, slots.running('a'), slots.running('b')]).to.deep.equal([false, 2, 1])
  })

  it('go to whoever waits longest', async () => {
    const slots = new Slots(1)
    const release = await slots.take('a', never)
    const order: number[] = []
    for (const who of [1, 2, 3]) {
      void slots.take('a', never).then((free) => {
        order.push(who)
        free()
      })
    }
    release()
    await settled()
    expect(order).to.deep.equal([1, 2, 3])
    expect(slots.running('a')).to.equal(0)
  })

  it('are given back once, however often they are released', async () => {
    const slots = new Slots(1)
    const release = await slots.take('a', never)
    release()
    await slots.take('a', never)
    release()
    expect(slots.running('a')).to.equal(1)
  })

  it('pass over those who stopped waiting', async () => {
    const slots = new Slots(1)
    const release = await slots.take('a', never)
    const patience = new AbortController()
    const given = slots.take('a', patience.signal).catch((reason: Error) => reason.message)
    const next = slots.take('a', never)
    patience.abort(new Error('cancelled'))
    expect(await given).to.equal('cancelled')
    release()
    await next
    expect(slots.running('a')).to.equal(1)
  })

  it('refuse who is already aborted', async () => {
    const slots = new Slots(1)
    const refused = await slots.take('a', AbortSignal.abort(new Error('gone'))).catch((reason: Error) => reason.message)
    expect([refused, slots.running('a')]).to.deep.equal(['gone', 0])
  })
})
