import { expect } from 'chai'
import { type Address, shardOf } from '../../actors/kernel/address.ts'
import { systemIds } from '../../infra/clock.ts'
import type { Append } from '../../persistence/journal.ts'
import type { NewMemoryRow } from '../../persistence/memory-rows.ts'
import { AT, anAppend, ownShards } from '../support/given-append.ts'
import { aContent, aRow, author, mayWrite } from '../support/given-memory.ts'
import type { Stores } from '../support/persistence-under-test.ts'

/** What every MemoryRows promises (persistence/memory-rows.ts), and that an append writes them with its events (J4). */
export function memoryRowsSuite(stores: () => Stores): void {
  let epochOf: (address: Address) => number
  let tenant = ''
  const rows = () => stores().memories
  const at = (n: number, namespace = 'default') => `memory:${tenant}/${namespace}/${n}` as Address
  const seqs = new Map<Address, number>()

  async function append(address: Address, put: readonly NewMemoryRow[], remove: readonly string[] = [], over = {}) {
    const expectedSeq = seqs.get(address) ?? 0
    const one: Append = anAppend({ address, epoch: epochOf(address), expectedSeq, memories: { put, remove }, ...over })
    const result = await stores().journal.append(one)
    if (result.status === 'appended') seqs.set(address, result.seq)
    return result.status
  }

  const row = (key: string, over: Partial<NewMemoryRow> = {}) => aRow({ key, tenant, ...over })
  const keysOf = async (query: object = {}) =>
    (await rows().list({ tenant, limit: 100, now: AT, ...query })).rows.map(({ key }) => key)

  beforeEach(async () => {
    epochOf = await ownShards(stores().epochs, 'memory')
    tenant = systemIds.uuid()
  })

  it('are put and removed with the events of one append, and given back as they were (J4)', async () => {
    const full = row('full', {
      text: 'a “text” with \0 and \ud83d, and \uf5a3',
      value: { n: [1, { deep: 'yes\0' }], empty: null },
      tags: ['a', 'b "c"', 'd,e', '{}'],
      universe: 'other',
      sessionId: 's-1',
      personaId: 'p-1',
      importance: 0.25,
      expiresAt: AT + 5_000,
    })
    expect(await append(at(0), [full, row('gone')])).to.equal('appended')
    expect(await rows().get(tenant, [{ address: at(0), key: 'full' }], AT)).to.deep.equal([{ ...full, address: at(0) }])
    expect(await append(at(0), [row('new')], ['gone'])).to.equal('appended')
    expect((await keysOf()).sort()).to.deep.equal(['full', 'new'])
  })

  it('are not written by an append that is refused: fenced, duplicate or conflict (J2, J3)', async () => {
    const first = { envelopeId: systemIds.uuid() }
    await append(at(0), [row('a')], [], first)
    expect(await append(at(0), [row('b')], ['a'], first)).to.equal('duplicate')
    expect(await append(at(0), [row('b')], ['a'], { epoch: epochOf(at(0)) + 1 })).to.equal('fenced')
    expect(await append(at(0), [row('b')], ['a'], { expectedSeq: 7 })).to.equal('conflict')
    expect(await keysOf()).to.deep.equal(['a'])
  })

  it('belong to their tenant: the same namespace and key of another are other rows (Q1)', async () => {
    await append(at(0), [row('k', { text: 'mine' })])
    const [mine] = await rows().get(tenant, [{ address: at(0), key: 'k' }], AT)
    expect(mine?.text).to.equal('mine')
    const other = systemIds.uuid()
    expect(await rows().get(other, [{ address: at(0), key: 'k' }], AT), 'even at that place').to.deep.equal([])
    expect((await rows().list({ tenant: other, limit: 10, now: AT })).rows).to.deep.equal([])
    expect(await rows().namespaces(other, AT)).to.deep.equal([])
    expect(await rows().namespaceNames(other, 10)).to.deep.equal([])
    const { contentHash } = row('k', { text: 'mine' })
    const asked = { address: at(0, 'x'), tenant: other, namespace: 'default', key: 'z', contentHash, now: AT }
    expect(await rows().known(asked)).to.deep.equal({})
  })

  it('tell seq and state of a shard of one moment (Q2)', async () => {
    expect(await rows().shard(at(0), 10)).to.deep.equal({ seq: 0, live: 0, items: [] })
    await append(at(0), [row('a', { importance: 0.1 }), row('b', { expiresAt: AT + 9 })])
    const { items, ...summary } = await rows().shard(at(0), 10)
    expect(summary).to.deep.equal({ seq: 1, live: 2, nextExpiryAt: AT + 9 })
    expect([...items].sort((x, y) => (x.key < y.key ? -1 : 1))).to.deep.equal([
      { key: 'a', importance: 0.1, createdAt: AT },
      { key: 'b', importance: 0.5, createdAt: AT, expiresAt: AT + 9 },
    ])
    expect((await rows().shard(at(0), 1)).items, 'too many').to.deep.equal([])
  })

  it('are not given once they are over their time, and are told apart to be removed', async () => {
    await append(at(0), [row('a', { expiresAt: AT - 1 }), row('b', { expiresAt: AT }), row('c', { expiresAt: AT + 9 })])
    expect(await keysOf()).to.deep.equal(['c'])
    expect((await rows().get(tenant, [{ address: at(0), key: 'b' }], AT)).length).to.equal(0)
    expect(await rows().namespaces(tenant, AT)).to.deep.equal([{ namespace: 'default', memories: 1 }])
    const over = await rows().over(at(0), AT, 10)
    expect(over).to.deep.equal({ tenant, namespace: 'default', keys: ['a', 'b'], nextExpiryAt: AT + 9 })
    expect(await rows().over(at(0), AT, 1)).to.include({ nextExpiryAt: AT })
    expect(await rows().waiting([shardOf(at(0))], AT, false, 1_000)).to.include(at(0))
    await append(at(0), [], ['a', 'b', 'c'])
    expect(await rows().waiting([shardOf(at(0))], AT, false, 1_000)).not.to.include(at(0))
  })

  it('are known by key and by content, in whatever shard of the namespace', async () => {
    await append(at(0), [row('a', { text: 'same' })])
    const { contentHash } = row('b', { text: 'same' })
    const asked = { tenant, namespace: 'default', contentHash, now: AT }
    expect(await rows().known({ ...asked, address: at(1), key: 'b' })).to.deep.equal({ duplicateOf: 'a' })
    expect(await rows().known({ ...asked, address: at(0), key: 'a' })).to.deep.equal({ existing: { createdAt: AT } })
    expect(await rows().known({ ...asked, address: at(1), key: 'b', namespace: 'other' })).to.deep.equal({})
    expect(await rows().there(at(0), ['z', 'a'])).to.deep.equal(['a'])
  })

  it('are listed newest first, page by page, by any filter', async () => {
    for (let n = 0; n < 7; n++) {
      const over = { updatedAt: AT + (n >> 1), tags: n % 2 === 0 ? ['even'] : [], text: `text ${n} 100%` }
      await append(at(n % 4), [row(`k${n}`, over)])
    }
    await append(at(0, 'notes'), [row('n', { namespace: 'notes', universe: 'dream', updatedAt: AT - 1 })])
    const all = ['k6', 'k5', 'k4', 'k3', 'k2', 'k1', 'k0', 'n']
    expect(await keysOf()).to.deep.equal(all)
    const paged: string[] = []
    for (let before: string | undefined; ; ) {
      const page = await rows().list({ tenant, limit: 3, now: AT, ...(before !== undefined && { before }) })
      paged.push(...page.rows.map(({ key }) => key))
      before = page.next
      if (before === undefined) break
    }
    expect(paged).to.deep.equal(all)
    expect(await keysOf({ tag: 'even' })).to.deep.equal(['k6', 'k4', 'k2', 'k0'])
    expect(await keysOf({ universe: 'dream' })).to.deep.equal(['n'])
    expect(await keysOf({ namespace: 'notes' })).to.deep.equal(['n'])
    expect(await keysOf({ search: 'TEXT 3' })).to.deep.equal(['k3'])
    expect(await keysOf({ search: '1_0%' }), 'no pattern').to.deep.equal([])
    expect(await rows().namespaceNames(tenant, 10)).to.deep.equal(['default', 'notes'])
    expect(await rows().namespaces(tenant, AT)).to.deep.equal([
      { namespace: 'default', memories: 7 },
      { namespace: 'notes', memories: 1 },
    ])
    const refused = await rows()
      .list({ tenant, limit: 3, now: AT, before: 'x' })
      .catch((error) => error)
    expect(refused).to.include({ code: 'INVALID_CURSOR' })
  })

  it('keep a vector beside the text that it was made of, and nowhere else (Q3)', async () => {
    const vector = new Float32Array([0.6, -0.8])
    await append(at(0), [row('a'), row('b')])
    const page = (lacking: boolean, model = 'm') => rows().page(at(0), { after: '', limit: 10, model, lacking })
    expect((await page(true)).map(({ key }) => key)).to.deep.equal(['a', 'b'])
    expect(await rows().waiting([shardOf(at(0))], AT, true, 10_000)).to.include(at(0))
    await rows().saveVectors(at(0), 'm', [
      { key: 'a', seq: 1, vector },
      { key: 'b', seq: 99, vector },
    ])
    expect((await page(false)).map((one) => [...(one.vector ?? [])])).to.deep.equal([[...vector], []])
    expect(
      (await page(true)).map(({ key }) => key),
      'of an older text',
    ).to.deep.equal(['b'])
    expect(
      (await page(true, 'newer')).map(({ key }) => key),
      'of another model',
    ).to.deep.equal(['a', 'b'])
    await append(at(0), [row('a', { seq: 2, importance: 1 })])
    expect(
      (await page(true)).map(({ key }) => key),
      'the same text keeps it',
    ).to.deep.equal(['b'])
    await append(at(0), [row('a', { seq: 3, text: 'another' })])
    expect((await page(true)).map(({ key }) => key)).to.deep.equal(['a', 'b'])
  })

  it('take the content of their event with them when they are replaced or removed, and leave the fact (Q4)', async () => {
    const remembered = (text: string) => {
      const memory = aContent({ text, value: { of: text }, tags: [text] })
      const data = { tenant, memory, createdAt: AT, contentHash: text, author, decision: mayWrite }
      return { events: [{ kind: 'MemoryRemembered', version: 1, at: AT, data }] }
    }
    const texts = async () =>
      (await stores().journal.read(at(0), 0, 10)).map(
        ({ data }) => (data as { memory?: { text: string } }).memory?.text,
      )
    await append(at(0), [row('a', { seq: 1 })], [], remembered('one \0'))
    await append(at(0), [row('b', { seq: 2 })], [], remembered('two'))
    await append(at(0), [row('a', { seq: 3 })], [], remembered('three'))
    expect(await texts(), 'replaced').to.deep.equal(['', 'two', 'three'])
    expect(await append(at(0), [], ['b'], { epoch: epochOf(at(0)) + 1 })).to.equal('fenced')
    expect(await append(at(0), [], ['b'], { expectedSeq: 9 })).to.equal('conflict')
    await rows().saveVectors(at(0), 'm', [{ key: 'b', seq: 2, vector: new Float32Array([1]) }])
    expect(await texts(), 'nothing of it').to.deep.equal(['', 'two', 'three'])
    const whole = await stores().journal.read(at(0), 1, 1)
    await append(at(0), [], ['b', 'never was'])
    expect(await texts()).to.deep.equal(['', '', 'three', undefined])
    const memory = { ...aContent(), text: '', value: null, tags: [] }
    const data = { ...(whole[0]?.data as object), erased: true, contentHash: '', memory }
    expect(await stores().journal.read(at(0), 1, 1)).to.deep.equal([{ ...whole[0], data }])
  })
}
