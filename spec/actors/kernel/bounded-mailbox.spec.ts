import { expect } from 'chai'
import fc from 'fast-check'
import { BoundedMailbox } from '../../../actors/kernel/bounded-mailbox.ts'

describe('bounded mailbox', () => {
  it('admits normal messages to its capacity, control messages to a tenth more (B1)', () => {
    const mailbox = new BoundedMailbox<number>(20)
    for (let n = 0; n < 20; n++) expect(mailbox.offer(n, false)).to.equal(true)
    expect(mailbox.isFull).to.equal(true)
    expect(mailbox.offer(20, false)).to.equal(false)
    expect(mailbox.offer(20, true)).to.equal(true)
    expect(mailbox.offer(21, true)).to.equal(true)
    expect(mailbox.offer(22, true)).to.equal(false)
    expect(mailbox.drain()).to.deep.equal(Array.from({ length: 22 }, (_, n) => n))
  })

  it('can put back what was taken even when it is full again (B3)', () => {
    const mailbox = new BoundedMailbox<number>(8)
    for (let n = 0; n < 8; n++) mailbox.offer(n, false)
    const first = mailbox.take()
    mailbox.offer(8, false) // the ring of eight is full again
    mailbox.putBack(first, undefined)
    expect(mailbox.drain()).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8])
  })

  it('gives back the memory of a burst', () => {
    const mailbox = new BoundedMailbox<number>(10_000)
    for (let n = 0; n < 10_000; n++) mailbox.offer(n, false)
    while (mailbox.size > 0) mailbox.take()
    mailbox.release()
    expect((mailbox as unknown as { slots: unknown[] }).slots.length).to.equal(0)
  })

  it('is a bounded queue, with each message its own context, for any use of it (B1, B2, B3)', () => {
    const step = fc.record({ do: fc.constantFrom('offer', 'control', 'take', 'retry', 'release'), bind: fc.boolean() })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 120 }), (capacity, steps) => {
        const mailbox = new BoundedMailbox<number>(capacity)
        const model: { n: number; context: object | undefined }[] = []
        let next = 0
        for (const { do: what, bind } of steps) {
          if (what === 'offer' || what === 'control') {
            const n = next++
            const context = bind ? { trace: { n: String(n) }, fields: {} } : undefined
            const bound = what === 'control' ? capacity + Math.ceil(capacity / 10) : capacity
            const fits = model.length < bound
            expect(mailbox.offer(n, what === 'control', context)).to.equal(fits)
            if (fits) model.push({ n, context })
          } else if (what === 'release') {
            mailbox.release()
          } else if (model.length > 0) {
            expect(mailbox.nextContext).to.equal(model[0]?.context)
            const context = mailbox.nextContext
            const taken = mailbox.take()
            expect(taken).to.equal(model[0]?.n)
            if (what === 'retry') mailbox.putBack(taken, context)
            else model.shift()
          }
          expect(mailbox.size).to.equal(model.length)
        }
        expect(mailbox.drain()).to.deep.equal(model.map(({ n }) => n))
      }),
    )
  })
})
