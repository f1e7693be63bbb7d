import { expect } from 'chai'
import type { Stores } from '../support/persistence-under-test.ts'

/** What every LogOffsets promises (persistence/log-offsets.ts). */
export function logOffsetsSuite(stores: () => Stores): void {
  const at = (partition: number) => ({ topic: 'spec.inbound', partition })

  it('knows nothing of a partition that was never stored, and answers in the order asked', async () => {
    const { epochs, logOffsets } = stores()
    const [first, last] = await epochs.claim('node-a', 'memory', [0, 40])
    if (!first || !last) throw new Error('not claimed')
    await logOffsets.advance([
      { ...at(40), watermark: 12, lease: last },
      { ...at(0), watermark: 10, lease: first },
    ])
    expect(await logOffsets.load([at(0), at(1), at(40)])).to.deep.equal([10, undefined, 12])
  })

  it('never takes a watermark back', async () => {
    const { epochs, logOffsets } = stores()
    const [lease] = await epochs.claim('node-a', 'memory', [31])
    if (!lease) throw new Error('not claimed')
    await logOffsets.advance([{ ...at(31), watermark: 7, lease }])
    await logOffsets.advance([{ ...at(31), watermark: 3, lease }])
    expect(await logOffsets.load([at(31)])).to.deep.equal([7])
  })

  it('passes over what a superseded owner stores (I2)', async () => {
    const { epochs, logOffsets } = stores()
    const [old] = await epochs.claim('node-a', 'memory', [32])
    if (!old) throw new Error('not claimed')
    await logOffsets.advance([{ ...at(32), watermark: 5, lease: old }])
    const [lease] = await epochs.takeOver('node-b', [old])
    if (!lease) throw new Error('not taken over')
    await logOffsets.advance([{ ...at(32), watermark: 9, lease: old }])
    expect(await logOffsets.load([at(32)])).to.deep.equal([5])
    await logOffsets.advance([{ ...at(32), watermark: 8, lease }])
    expect(await logOffsets.load([at(32)])).to.deep.equal([8])
  })
}
