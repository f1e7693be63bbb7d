import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { migrate } from '../../persistence/migrate.ts'
import { PgSql } from '../../persistence/pg-sql.ts'
import { onEveryDatabase } from '../support/persistence-under-test.ts'
import { describeWith, freshDatabase } from '../support/test-services.ts'

describe('migrate', () => {
  let dir: string
  const file = (name: string, text: string) => writeFile(join(dir, name), text)
  const freshDir = async () => {
    dir = await mkdtemp(join(tmpdir(), 'soma-migrations-'))
  }
  afterEach(() => rm(dir, { recursive: true, force: true }))

  onEveryDatabase((stores) => {
    beforeEach(async () => {
      await freshDir()
      await stores().sql.exec('drop table if exists one, two, schema_migrations')
    })

    it('applies each file once, in order', async () => {
      await file('0001-one.sql', 'create table one (a int);')
      expect(await migrate(stores().sql, dir)).to.deep.equal(['0001-one.sql'])
      await file('0002-two.sql', 'create table two (a int); insert into one values (2);')
      expect(await migrate(stores().sql, dir)).to.deep.equal(['0002-two.sql'])
      expect(await migrate(stores().sql, dir)).to.deep.equal([])
      expect(await stores().sql.query('select a from one')).to.deep.equal([{ a: 2 }])
    })

    it('leaves nothing of a file that fails in the middle (S1)', async () => {
      await file('0001-one.sql', 'create table one (a int); select 1 / 0;')
      const outcome = await migrate(stores().sql, dir).catch((error) => error)
      expect(outcome).to.be.instanceOf(Error)
      await file('0001-one.sql', 'create table one (a int);')
      expect(await migrate(stores().sql, dir)).to.deep.equal(['0001-one.sql'])
    })

    it('refuses a database that a newer version migrated (S3)', async () => {
      await file('0001-one.sql', 'create table one (a int);')
      await file('0002-two.sql', 'create table two (a int);')
      await migrate(stores().sql, dir)
      await rm(join(dir, '0002-two.sql'))
      expect(await migrate(stores().sql, dir).catch((error) => error)).to.include({ code: 'SCHEMA_TOO_NEW' })
    })

    it('refuses a file that was edited after it had been applied (S4)', async () => {
      await file('0001-one.sql', 'create table one (a int);')
      await migrate(stores().sql, dir)
      await file('0001-one.sql', 'create table one (a int, b int);')
      const outcome = await migrate(stores().sql, dir).catch((error) => error)
      expect(outcome).to.include({ code: 'CONFIG_INVALID' })
      expect(outcome.detail).to.include('0001-one.sql')
    })
  })

  describeWith('postgres', 'by several nodes at once', (dsn) => {
    before(freshDir)

    it('is done by one of them (S2)', async () => {
      const database = await freshDatabase(dsn)
      await file('0001-one.sql', 'create table one (a int); select pg_sleep(0.1);')
      await file('0002-two.sql', 'create table two (a int);')
      const nodes = Array.from({ length: 4 }, () => new PgSql({ dsn: database.dsn }, silentLogger))
      const applied = await Promise.all(nodes.map((sql) => migrate(sql, dir)))
      expect(applied.flat().sort()).to.deep.equal(['0001-one.sql', '0002-two.sql'])
      await Promise.all(nodes.map((sql) => sql.close()))
      await database.drop()
    })
  })
})
