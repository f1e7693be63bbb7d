import { expect } from 'chai'
import type { Snapshots } from '../../persistence/snapshots.ts'
import { freshSession } from '../support/given-append.ts'

/** What every Snapshots promises (persistence/snapshots.ts). */
export function snapshotsSuite(snapshots: () => Snapshots): void {
  it('gives back the latest state saved, until removed', async () => {
    const address = freshSession()
    expect(await snapshots().load(address)).to.equal(undefined)
    await snapshots().save(address, { seq: 1, version: 1, state: { a: 1 } })
    const latest = {
      seq: 9,
      version: 2,
      state: { text: 'a\0 \u{1f600}', list: [1, null, { x: undefined }], big: 2 ** 40 },
    }
    await snapshots().save(address, latest)
    expect(await snapshots().load(address)).to.deep.equal(latest)
    expect(await snapshots().load(freshSession())).to.equal(undefined)
    await snapshots().remove(address)
    expect(await snapshots().load(address)).to.equal(undefined)
  })

  it('keeps what was saved, whatever becomes of the object saved or loaded', async () => {
    const address = freshSession()
    const state = { list: [1] }
    await snapshots().save(address, { seq: 1, version: 1, state })
    state.list.push(2)
    const loaded = (await snapshots().load(address)) as { state: typeof state }
    loaded.state.list.push(3)
    expect((await snapshots().load(address))?.state).to.deep.equal({ list: [1] })
  })

  it('never rejects: a state that cannot be packed is not saved', async () => {
    const address = freshSession()
    const state = {
      get broken(): never {
        throw new Error('unreadable')
      },
    }
    await snapshots().save(address, { seq: 1, version: 1, state })
    expect(await snapshots().load(address)).to.equal(undefined)
  })
}
