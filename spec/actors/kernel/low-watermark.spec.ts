import { expect } from 'chai'
import fc from 'fast-check'
import { LowWatermark } from '../../../actors/kernel/low-watermark.ts'

describe('low watermark (I5)', () => {
  it('starts where the stored offset says', () => {
    expect(new LowWatermark(42).value).to.equal(42)
  })

  it('stays at the lowest unsettled offset while newer ones settle', () => {
    const mark = new LowWatermark(1)
    for (const offset of [1, 2, 3]) mark.delivered(offset)
    mark.settled(3)
    mark.settled(2)
    expect(mark.value).to.equal(1)
    mark.settled(1)
    expect(mark.value).to.equal(4)
  })

  it('ignores what it never delivered, and a second settling', () => {
    const mark = new LowWatermark(0)
    mark.settled(0)
    mark.delivered(0)
    mark.delivered(5)
    mark.settled(3)
    expect(mark.value).to.equal(0)
    mark.settled(0)
    mark.settled(0)
    expect(mark.value).to.equal(5)
  })

  it('keeps the standing of an offset that is delivered again', () => {
    const mark = new LowWatermark(0)
    mark.delivered(0)
    mark.delivered(1)
    mark.settled(0)
    mark.delivered(0)
    expect(mark.value).to.equal(1)
    expect(mark.pending).to.equal(1)
  })

  it('forgets the settled past, however long it runs', () => {
    const mark = new LowWatermark(0)
    for (let offset = 0; offset < 50_000; offset++) {
      mark.delivered(offset)
      if (offset >= 7) mark.settled(offset - 7)
    }
    expect(mark.value).to.equal(50_000 - 7)
    expect((mark as unknown as { order: number[] }).order.length).to.be.below(5_000)
  })

  it('W1, W2, W3 hold for any gaps and any order of settling', () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 60 })
    const order = fc.array(fc.nat(200), { maxLength: 240 })
    fc.assert(
      fc.property(gaps, order, (steps, picks) => {
        const offsets: number[] = []
        for (const step of steps) offsets.push((offsets.at(-1) ?? 0) + step)
        const mark = new LowWatermark(0)
        const open = new Set<number>()
        const toDeliver = [...offsets]
        let before = mark.value
        const check = () => {
          const lowest = Math.min(...open)
          expect(mark.value <= lowest, 'W1').to.equal(true)
          expect(mark.value >= before, 'W2').to.equal(true)
          before = mark.value
        }
        for (const pick of picks) {
          const offset = pick % 3 === 0 ? toDeliver.shift() : undefined
          if (offset !== undefined) {
            mark.delivered(offset)
            open.add(offset)
          } else {
            const chosen = [...open][pick % Math.max(1, open.size)]
            if (chosen === undefined) continue
            mark.settled(chosen)
            open.delete(chosen)
          }
          check()
        }
        for (const offset of toDeliver) mark.delivered(offset)
        for (const offset of offsets) mark.settled(offset)
        expect(mark.value, 'W3').to.equal((offsets.at(-1) as number) + 1)
      }),
    )
  })
})
