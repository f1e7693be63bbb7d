import { expect } from 'chai'
import { StatementBatcher as Batcher } from '../../../persistence/statement-batcher.ts'
import { Gate, settled } from '../../support/probe.ts'

describe('batcher', () => {
  it('gathers what comes while a batch is in flight and writes it as one (group commit)', async () => {
    const gate = new Gate()
    const batches: number[][] = []
    const batcher = new Batcher<number, number>(async (items) => {
      batches.push([...items])
      if (batches.length === 1) await gate.opened
      return items.map((item) => item * 10)
    })
    const first = batcher.add(0)
    await settled()
    const rest = Array.from({ length: 100 }, (_, i) => batcher.add(i + 1))
    await settled()
    expect(batches, 'one batch in flight at a time (B1)').to.deep.equal([[0]])
    gate.open()
    expect(await Promise.all([first, ...rest])).to.deep.equal(Array.from({ length: 101 }, (_, i) => i * 10))
    expect(batches.map((batch) => batch.length)).to.deep.equal([1, 100])
  })

  it('never writes two items of one key together, and keeps their order (B2)', async () => {
    const batches: string[][] = []
    const batcher = new Batcher<string, void>(
      async (items) => {
        batches.push([...items])
        return []
      },
      { keyOf: (item) => item[0] as string },
    )
    await Promise.all(['a1', 'a2', 'b1', 'a3', 'b2', 'c1'].map((item) => batcher.add(item)))
    expect(batches).to.deep.equal([['a1', 'b1', 'c1'], ['a2', 'b2'], ['a3']])
  })

  it('writes at most its limit at once', async () => {
    const sizes: number[] = []
    const batcher = new Batcher<number, void>(
      async (items) => {
        sizes.push(items.length)
        return []
      },
      { maxBatch: 4 },
    )
    await Promise.all(Array.from({ length: 10 }, (_, i) => batcher.add(i)))
    expect(sizes).to.deep.equal([4, 4, 2])
  })

  it('fails an item that the database refuses, alone (B3)', async () => {
    const written: number[] = []
    const batcher = new Batcher<number, void>(async (items) => {
      if (items.includes(5)) throw Object.assign(new Error('invalid input'), { code: '22P02' })
      written.push(...items)
      return []
    })
    const outcomes = await Promise.allSettled(Array.from({ length: 9 }, (_, i) => batcher.add(i)))
    expect(outcomes.flatMap((it, i) => (it.status === 'rejected' ? [i] : []))).to.deep.equal([5])
    expect(written, 'in order').to.deep.equal([0, 1, 2, 3, 4, 6, 7, 8])
    expect(outcomes[5]).to.have.nested.property('reason.code', 'MALFORMED_MESSAGE')
  })

  it('fails all of a batch at once when the database is away, and goes on when it is back (B4)', async () => {
    let away = true
    let writes = 0
    const batcher = new Batcher<number, void>(async () => {
      writes++
      if (away) throw new Error('connect ECONNREFUSED')
      return []
    })
    const outcomes = await Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)))
    expect(outcomes.map((it) => it.status === 'rejected' && it.reason.code)).to.deep.equal(
      Array(3).fill('JOURNAL_UNAVAILABLE'),
    )
    expect(writes).to.equal(1)
    away = false
    await batcher.add(4)
    await batcher.idle()
  })
})
