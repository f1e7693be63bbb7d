import { expect } from 'chai'
import type { Stores } from '../support/persistence-under-test.ts'

/** What every Epochs promises (persistence/epochs.ts). */
export function epochsSuite(stores: () => Stores): void {
  it('raises the epoch of each shard claimed, and of no other', async () => {
    const { epochs } = stores()
    const [first] = await epochs.claim('node-a', 'memory', [3])
    const second = await epochs.claim('node-b', 'memory', [4, 3])
    const before = first?.epoch as number
    expect(second.map(({ shard, owner }) => ({ shard, owner }))).to.deep.equal([
      { shard: 3, owner: 'node-b' },
      { shard: 4, owner: 'node-b' },
    ])
    expect(second[0]?.epoch).to.equal(before + 1)
    expect(await epochs.list('memory')).to.deep.equal(second)
  })

  it('gives every concurrent claim of a shard an epoch of its own', async () => {
    const { epochs } = stores()
    const claims = await Promise.all(Array.from({ length: 8 }, (_, i) => epochs.claim(`node-${i}`, 'tool', [1, 2])))
    const seen = claims.map((leases) => leases[0]?.epoch)
    expect(new Set(seen).size).to.equal(8)
  })

  it('takes a heartbeat, and its renewal', async () => {
    const { epochs } = stores()
    await epochs.heartbeat('node-a', 1_763_827_200_000, { pid: 1 })
    await epochs.heartbeat('node-a', 1_763_827_201_000, { pid: 1 })
  })
}
