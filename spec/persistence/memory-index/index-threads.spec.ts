import { expect } from 'chai'
import { type Failure, Failure as FailureClass } from '../../../actors/kernel/failure.ts'
import { silentLogger } from '../../../actors/kernel/telemetry.ts'
import type { IndexHit } from '../../../actors/memory/index/memory-index.ts'
import { IndexThreads } from '../../../persistence/memory-index/index-threads.ts'
import { type AskedThread, ThreadedIndex } from '../../../persistence/memory-index/threaded-index.ts'
import { anEntry, aQuery } from '../../support/index-entries.ts'
import { failureOf } from '../../support/model-calls.ts'
import { settled } from '../../support/probe.ts'

describe('an index on a thread of its own', () => {
  /** A thread whose answers are given by hand. */
  class HeldThread implements AskedThread {
    isLost = false
    readonly asked: { kind: string; count: number; resolve(hits: IndexHit[]): void; reject(failure: Failure): void }[] =
      []

    ask(request: Parameters<AskedThread['ask']>[0]): Promise<readonly IndexHit[]> {
      const count = 'entries' in request ? request.entries.length : 0
      return new Promise((resolve, reject) => void this.asked.push({ kind: request.kind, count, resolve, reject }))
    }
  }

  const many = (count: number) => Array.from({ length: count }, (_, i) => anEntry(`k${i}`, `fact ${i}`))

  it('copies two portions of 64 at a time, however much is put, and asks last what was asked last (T1, T2)', async () => {
    const thread = new HeldThread()
    const index = new ThreadedIndex(thread, 1)
    index.put(many(1_000))
    const answer = index.search(aQuery('fact'))
    expect(index.size).to.equal(1_000)
    expect(thread.asked.map(({ count }) => count)).to.deep.equal([64, 64])
    for (let next = 0; next < 16; next++) {
      expect(thread.asked.filter(({ kind }) => kind === 'put').length).to.equal(Math.min(16, next + 2))
      thread.asked[next]?.resolve([])
      await settled()
    }
    expect(thread.asked.map(({ kind }) => kind)).to.deep.equal([...Array(16).fill('put'), 'search'])
    thread.asked[16]?.resolve([])
    expect(await answer).to.deep.equal([])
  })

  it('answers no search from less than was put: a portion that failed fails all searches after it (T3)', async () => {
    const thread = new HeldThread()
    const index = new ThreadedIndex(thread, 1)
    index.put(many(10))
    const answer = failureOf(index.search(aQuery('fact')))
    await settled()
    thread.asked[0]?.reject(new FailureClass('INTERNAL', 'a defect'))
    await settled()
    thread.asked[1]?.resolve([])
    expect((await answer).code).to.equal('INTERNAL')
    expect((await failureOf(index.search(aQuery('fact')))).code).to.equal('INTERNAL')
  })

  it('says that it is lost when its thread ends, and another index gets another thread', async () => {
    const threads = new IndexThreads({ threads: 1, log: silentLogger })
    const index = threads.open()
    index.put(many(2_000))
    const answer = failureOf(index.search(aQuery('fact')))
    await threads.close()
    expect((await answer).code).to.equal('MEMORY_INDEX_LOST')
    expect((await failureOf(index.search(aQuery('fact')))).code).to.equal('MEMORY_INDEX_LOST')
    await index.close()
    const next = threads.open()
    next.put(many(3))
    expect(await next.search(aQuery('fact'))).to.have.length(3)
    await threads.close()
  })

  it('leaves no entry of one index in another, and nothing in one that is closed', async () => {
    const threads = new IndexThreads({ threads: 1, log: silentLogger })
    const [one, other] = [threads.open(), threads.open()]
    one.put([anEntry('a', 'a secret of one tenant')])
    other.put([anEntry('b', 'of a neighbour')])
    expect((await other.search(aQuery('secret tenant neighbour'))).map(({ key }) => key)).to.deep.equal(['b'])
    await one.close()
    expect((await failureOf(one.search(aQuery('secret')))).code).to.equal('MEMORY_INDEX_LOST')
    expect(() => one.put([anEntry('c', 'late')])).to.throw('closed')
    expect(await other.search(aQuery('neighbour'))).to.have.length(1)
    await threads.close()
  })

  it('is not held up by a defect in one portion: its thread goes on for the others', async () => {
    const threads = new IndexThreads({ threads: 1, log: silentLogger })
    const [broken, sound] = [threads.open(), threads.open()]
    broken.put([anEntry('a', undefined as never)])
    sound.put([anEntry('b', 'sound')])
    expect((await failureOf(broken.search(aQuery('a')))).code).to.equal('INTERNAL')
    expect(await sound.search(aQuery('sound'))).to.have.length(1)
    await threads.close()
  })
})
