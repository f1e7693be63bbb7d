import { expect } from 'chai'
import { type Address, shardOf } from '../../../actors/kernel/address.ts'
import type { ShardLease } from '../../../persistence/epochs.ts'
import type { AppendResult } from '../../../persistence/journal.ts'
import type { Persistence } from '../../../persistence/open.ts'
import { cuttableLine } from '../../support/cuttable-line.ts'
import { anAppend, freshSession, ownSessions } from '../../support/given-append.ts'
import { freshSpread, halves } from '../../support/persistence-under-test.ts'
import { describeWith } from '../../support/test-services.ts'

describeWith('postgres', 'a journal on two servers, one of them away', (server) => {
  let spread: Awaited<ReturnType<typeof freshSpread>>
  let line: Awaited<ReturnType<typeof cuttableLine>>
  let stores: Persistence
  let epoch: number

  const on = (i: number): Address => {
    const address = freshSession()
    return halves[i]?.includes(shardOf(address)) ? address : on(i)
  }
  const append = (address: Address, over: object = {}) => stores.journal.append(anAppend({ address, epoch, ...over }))

  beforeEach(async () => {
    spread = await freshSpread(server)
    line = await cuttableLine(spread.places[1]?.dsn ?? '')
    stores = await spread.open(spread.places.map((place, i) => (i === 1 ? { ...place, dsn: line.dsn } : place)))
    epoch = await ownSessions(stores.epochs)
    await stores.epochs.list('session')
  })
  afterEach(async () => {
    line.mend()
    await stores.close()
    await line.close()
    await spread.drop()
  })

  it('appends go on at the one that answers while the other is silent, and there too when it answers again', async () => {
    line.silence()
    let answered = false
    const waiting = append(on(1)).then((result) => {
      answered = true
      return result
    })
    const results: AppendResult[] = []
    for (let i = 0; i < 50; i++) results.push(await append(on(0)))
    expect(results.every(({ status }) => status === 'appended')).to.equal(true)
    expect(answered).to.equal(false)
    line.mend()
    expect(await waiting).to.include({ status: 'appended' })
  })

  it('appends go on at the one that answers while the other refuses, which is said for its own alone', async () => {
    line.cut()
    expect(await append(on(1)).catch((error) => error)).to.include({ code: 'JOURNAL_UNAVAILABLE' })
    expect(await append(on(0))).to.include({ status: 'appended' })
  })

  it('shards of the one that answers are taken over within the time of a failover; the others stay as they were', async () => {
    const seen = await stores.epochs.list('session')
    line.silence()
    const from = performance.now()
    expect(await stores.epochs.list('session')).to.deep.equal(seen)
    const got = await stores.epochs.takeOver('node-b', seen)
    expect(performance.now() - from).to.be.below(2_500)
    expect(got.map(({ shard }) => shard)).to.deep.equal(halves[0])
    expect(await append(on(0)), 'its former owner').to.include({ status: 'fenced' })
    const again = performance.now()
    const now = await stores.epochs.list('session')
    expect(performance.now() - again, 'it is not waited for twice').to.be.below(500)
    const owners = (leases: readonly ShardLease[], i: number) =>
      new Set(leases.filter(({ shard }) => halves[i]?.includes(shard)).map(({ owner }) => owner))
    expect([...owners(now, 0)]).to.deep.equal(['node-b'])
    expect([...owners(now, 1)]).to.deep.equal(['node-a'])
  })

  it('a node that just took shards over is not told otherwise by the last word of a server that fell silent', async () => {
    const taken = await stores.epochs.takeOver('node-b', await stores.epochs.list('session'))
    line.silence()
    expect(await stores.epochs.list('session')).to.deep.equal(taken)
  })

  it('a budget is judged by what is known, and holds up no turn', async () => {
    const usage = { tenant: 'acme', personaId: 'assistant', day: '20260101', tokens: 7, costMicros: 3 }
    await append(on(0), { usage })
    await append(on(1), { usage })
    expect(await stores.usage.spent('acme', '20260101')).to.deep.equal({ tokens: 14, costMicros: 6 })
    line.silence()
    await append(on(0), { usage })
    expect(await stores.usage.spent('acme', '20260101')).to.deep.equal({ tokens: 21, costMicros: 9 })
    expect(await stores.usage.spent('other', '20260101')).to.deep.equal({ tokens: 0, costMicros: 0 })
  })
})
