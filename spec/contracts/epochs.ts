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

  it('lets one of several nodes take over a shard that all saw at the same epoch (E2)', async () => {
    const { epochs } = stores()
    const seen = await epochs.claim('node-a', 'memory', [7, 8])
    const races = await Promise.all(['b', 'c', 'd'].map((id) => epochs.takeOver(`node-${id}`, seen)))
    const won = races.flat()
    expect(won.map(({ shard }) => shard).sort()).to.deep.equal([7, 8])
    for (const { shard, epoch } of won) {
      expect(epoch).to.equal((seen.find((it) => it.shard === shard)?.epoch as number) + 1)
    }
    expect(await epochs.takeOver('node-e', seen)).to.deep.equal([])
  })

  it('gives a shard that nobody ever owned to the first that takes it', async () => {
    const { epochs } = stores()
    const never = [{ kind: 'memory', shard: 60, owner: '', epoch: 0 }] as const
    expect(await epochs.takeOver('node-a', never)).to.deep.equal([{ ...never[0], owner: 'node-a', epoch: 1 }])
    expect(await epochs.takeOver('node-b', never)).to.deep.equal([])
  })

  it('releases what is still held, and leaves alone what was taken over meanwhile', async () => {
    const { epochs } = stores()
    const mine = await epochs.claim('node-a', 'memory', [20, 21])
    const [taken] = await epochs.takeOver('node-b', mine.slice(1))
    await epochs.release(mine)
    const owners = (await epochs.list('memory')).filter(({ shard }) => shard === 20 || shard === 21)
    expect(owners).to.deep.equal([{ ...mine[0], owner: '' }, taken])
  })
}
