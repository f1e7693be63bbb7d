import { expect } from 'chai'
import type { MemoryCaller } from '../../actors/memory/memory.ts'
import { shardAddressOf } from '../../actors/memory/place.ts'
import { systemIds } from '../../infra/clock.ts'
import { migrate } from '../../persistence/migrate.ts'
import { openPersistence, type Persistence } from '../../persistence/open.ts'
import { cuttableLine } from '../support/cuttable-line.ts'
import { eventually } from '../support/eventually.ts'
import { MemoryWorld } from '../support/memory-world.ts'
import { common, onEveryDatabase, onTwoServers } from '../support/persistence-under-test.ts'
import { tablesHolding } from '../support/tables-holding.ts'
import { describeWith, freshDatabase } from '../support/test-services.ts'

/** What is forgotten is found nowhere in the database: looked for in every row of every table (docs/MEMORY.md, Forgetting). */
describe('forgetting', function () {
  this.timeout(60_000)
  onEveryDatabase(suite)
  onTwoServers(suite)
  onEveryDatabase(upgrade)

  describeWith('postgres', 'on Postgres whose connections break', (dsn) => {
    it('has a text for every row and no other, whenever that happens', async () => {
      const database = await freshDatabase(dsn)
      const line = await cuttableLine(database.dsn)
      const cut = await openPersistence({ ...common, postgresDsn: line.dsn })
      const whole = await openPersistence({ ...common, postgresDsn: database.dsn })
      const world = await MemoryWorld.start(cut)
      const by = (): MemoryCaller => ({ tenant: 'acme', role: 'user', requestId: systemIds.uuid() })
      const keys = Array.from({ length: 60 }, (_, n) => `k${n}`)
      await Promise.all(keys.map((key) => world.door.remember({ key, text: `secret ${key}` }, by())))
      const asked = keys.map((key) => world.door.forget({ keys: [key] }, by()).catch(() => undefined))
      await Promise.race(asked)
      line.cut()
      // Of one moment: the server may still be at the last statement that came through.
      const wrong = await whole.sql.query(
        `select e.data -> 'memory' ->> 'key' as key from events e where e.kind = 'MemoryRemembered'
         and (e.data -> 'memory' ->> 'text' <> '') <> exists (select from memories m where m.address = e.address and m.seq = e.seq)`,
      )
      expect(wrong).to.deep.equal([])
      const left = await whole.sql.query('select key from memories')
      expect(left.length, 'some are forgotten').to.be.below(keys.length)
      void world.crash()
      const next = await MemoryWorld.start(whole)
      await next.door.forget({ keys }, by())
      await next.stop()
      expect(await tablesHolding(whole.sql, 'secret')).to.deep.equal([])
      await whole.close()
      await line.close()
      void cut.close().catch(() => {})
      await database.drop()
    })
  })
})

function suite(stores: () => Persistence): void {
  let tenant = ''
  const by = (): MemoryCaller => ({ tenant, role: 'user', requestId: systemIds.uuid() })
  /** In text, value and tags; found in the rows of all tables after the process has stopped. */
  const content = (word: string) => ({ text: `it is ${word}`, value: { deep: [`v ${word}`] }, tags: [`t-${word}`] })
  const holding = (word: string) => tablesHolding(stores().everywhere, word)

  beforeEach(() => {
    tenant = systemIds.uuid()
  })

  it('leaves nothing of what is forgotten, replaced, evicted or over its time', async () => {
    const world = await MemoryWorld.start(stores(), { workingMemory: 1 })
    const { door } = world
    for (const word of ['wforgotten', 'wkept']) await door.remember({ key: word, ...content(word) }, by())
    for (const word of ['wreplaced', 'wreplacing']) await door.remember({ key: 'same', ...content(word) }, by())
    for (const word of ['wevicted', 'wevicting']) await door.remember({ namespace: 'wm', ...content(word) }, by())
    await door.remember({ key: 'short', ttlSeconds: 1, ...content('wexpired') }, by())
    expect(await holding('wforgotten')).to.include.members(['events', 'memories'])
    await door.forget({ keys: ['wforgotten'] }, by())
    const rowsOf = () => stores().memories.shard(shardAddressOf(tenant, 'default', 'short'), 100)
    await eventually(async () => (await rowsOf()).items.every(({ key }) => key !== 'short'), 15_000)
    await world.stop()
    // The key of the forgotten one is its word, and keys stay: hence as it stands in the text.
    for (const word of ['is wforgotten', 'v wforgotten', 't-wforgotten', 'wreplaced', 'wevicted', 'wexpired']) {
      expect(await holding(word), word).to.deep.equal([])
    }
    for (const word of ['is wkept', 'wreplacing', 'wevicting']) {
      expect(await holding(word), word).to.deep.equal(['events', 'memories'])
    }
  })

  it('has nothing left to do for the next owner when the last one dies in the middle of it', async () => {
    const first = await MemoryWorld.start(stores())
    const keys = Array.from({ length: 40 }, (_, n) => `k${n}`)
    await Promise.all(keys.map((key) => first.door.remember({ key, ...content(`wlost${key}.`) }, by())))
    const asked = keys.map((key) => first.door.forget({ keys: [key] }, by()).catch(() => undefined))
    await Promise.race(asked)
    void first.crash()
    const next = await MemoryWorld.start(stores())
    const isLive = async (key: string) => (await next.door.get(tenant, 'default', key)) !== undefined
    // What was accepted is forgotten by the next owner, which reads the mailbox on.
    await eventually(async () => !(await Promise.all(keys.map(isLive))).includes(true), 30_000)
    await next.stop()
    expect(await holding('wlost')).to.deep.equal([])
  })
}

function upgrade(stores: () => Persistence): void {
  it('erases what was forgotten before this version, at its first start', async () => {
    const { sql } = stores()
    await sql.exec(`drop trigger memories_erase on memories; drop function erase_memory_of_row; drop function erased_memory;
      delete from schema_migrations where number = 7`)
    const world = await MemoryWorld.start(stores())
    const by = (): MemoryCaller => ({ tenant: 'acme', role: 'user', requestId: systemIds.uuid() })
    for (const key of ['former', 'live']) await world.door.remember({ key, text: `it is ${key}` }, by())
    await world.door.forget({ keys: ['former'] }, by())
    await world.stop()
    expect(await tablesHolding(sql, 'is former'), 'as it was').to.deep.equal(['events'])
    await migrate(sql, common.migrationsDir)
    expect(await tablesHolding(sql, 'is former')).to.deep.equal([])
    expect(await tablesHolding(sql, 'is live')).to.deep.equal(['events', 'memories'])
  })
}
