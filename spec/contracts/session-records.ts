import { expect } from 'chai'
import { systemIds } from '../../infra/clock.ts'
import { AT, aRecord } from '../support/given-append.ts'
import type { Stores } from '../support/persistence-under-test.ts'

/** What every SessionRecords and IdempotencyKeys promises (persistence/journal.ts). */
export function sessionRecordsSuite(stores: () => Stores): void {
  const records = () => stores().records

  it('births a session once: the first claim wins for ever', async () => {
    const mine = aRecord({ title: 'mine', subject: 'ann', issuer: 'me', scope: 'all', metadata: { a: [1] } })
    expect(await records().claim(mine)).to.deep.equal(mine)
    expect(await records().claim({ ...mine, tenant: 'thief', title: 'stolen' })).to.deep.equal(mine)
    expect(await records().get(mine.sessionId)).to.deep.equal(mine)
  })

  it('gives concurrent claims of one session the same answer', async () => {
    const record = aRecord()
    const claims = Array.from({ length: 20 }, (_, i) => records().claim({ ...record, tenant: `tenant-${i}` }))
    expect(new Set((await Promise.all(claims)).map((claimed) => claimed.tenant)).size).to.equal(1)
  })

  it('does not find what is not there, and refuses to birth what is not a UUID', async () => {
    expect(await records().get(systemIds.uuid())).to.equal(undefined)
    expect(await records().get('not-a-uuid')).to.equal(undefined)
    const outcome = await records()
      .claim(aRecord({ sessionId: 'not-a-uuid' }))
      .catch((error) => error)
    expect(outcome).to.include({ code: 'INVALID_REQUEST' })
  })

  it('lists a tenant’s sessions newest first, page by page, without the deleted', async () => {
    const tenant = systemIds.uuid()
    const ages = [3, 1, 2, 2, 5]
    for (const age of ages) await records().claim(aRecord({ tenant, updatedAt: AT - age }))
    await records().claim(aRecord({ tenant, state: 'deleted' }))
    const seen: number[] = []
    let before: string | undefined
    do {
      const page = await records().list({ tenant, limit: 2, ...(before === undefined ? {} : { before }) })
      expect(page.records.length).to.be.at.most(2)
      seen.push(...page.records.map((record) => AT - record.updatedAt))
      before = page.next
    } while (before !== undefined)
    expect(seen).to.deep.equal([1, 2, 2, 3, 5])
  })

  it('searches titles literally: % and _ are no wildcards', async () => {
    const tenant = systemIds.uuid()
    await records().claim(aRecord({ tenant, title: 'Budget 100% done' }))
    await records().claim(aRecord({ tenant, title: 'Budget 1000 done' }))
    const titles = async (search: string) =>
      (await records().list({ tenant, limit: 10, search })).records.map((record) => record.title)
    expect(await titles('budget 100%')).to.deep.equal(['Budget 100% done'])
    expect(await titles('100_')).to.deep.equal([])
    expect((await titles('BUDGET')).length).to.equal(2)
  })

  it('lists the sessions of one state, page by page', async () => {
    const tenant = systemIds.uuid()
    for (const age of [1, 3]) await records().claim(aRecord({ tenant, state: 'paused', updatedAt: AT - age }))
    await records().claim(aRecord({ tenant, state: 'idle', updatedAt: AT - 2 }))
    const first = await records().list({ tenant, limit: 1, state: 'paused' })
    const rest = await records().list({ tenant, limit: 5, state: 'paused', before: first.next ?? '' })
    expect([...first.records, ...rest.records].map(({ updatedAt }) => AT - updatedAt)).to.deep.equal([1, 3])
    expect(rest.next).to.equal(undefined)
  })

  it('refuses a cursor it did not give', async () => {
    for (const before of ['x', '1|2', `-1|${systemIds.uuid()}`, `1|${systemIds.uuid()}; drop table`]) {
      const outcome = await records()
        .list({ tenant: 'acme', limit: 1, before })
        .catch((error) => error)
      expect(outcome, before).to.include({ code: 'INVALID_CURSOR' })
    }
  })

  it('remembers the first use of an idempotency key, for 24 hours', async () => {
    const first = { tenant: 'acme', key: systemIds.uuid(), fingerprint: 'f1', answer: { id: 'a' }, at: AT }
    const { idempotency } = stores()
    expect(await idempotency.remember(first)).to.deep.equal(first)
    const again = { ...first, fingerprint: 'f2', answer: { id: 'b' }, at: AT + 60_000 }
    expect(await idempotency.remember(again)).to.deep.equal(first)
    expect(await idempotency.remember({ ...again, tenant: 'other' })).to.include({ fingerprint: 'f2' })
    const nextDay = { ...again, at: AT + 25 * 60 * 60 * 1_000 }
    expect(await idempotency.remember(nextDay)).to.deep.equal(nextDay)
  })
}
