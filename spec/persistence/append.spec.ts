import { expect } from 'chai'
import { type Address, shardOf } from '../../actors/kernel/address.ts'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { systemIds } from '../../infra/clock.ts'
import { openPersistence } from '../../persistence/open.ts'
import { PgSql } from '../../persistence/pg-sql.ts'
import type { Sql } from '../../persistence/sql.ts'
import { SqlJournal } from '../../persistence/sql-journal.ts'
import { anAppend, anEvent, aRecord, freshSession, ownSessions } from '../support/given-append.ts'
import { common, onEveryDatabase } from '../support/persistence-under-test.ts'
import { describeWith, freshDatabase } from '../support/test-services.ts'

describe('append statement', () => {
  onEveryDatabase((stores) => {
    it('writes many actors’ appends in few statements', async () => {
      const epoch = await ownSessions(stores().epochs)
      let statements = 0
      const counting: Sql = {
        dialect: stores().sql.dialect,
        query: (text, params) => {
          statements++
          return stores().sql.query(text, params)
        },
        exec: (script) => stores().sql.exec(script),
        close: async () => {},
      }
      const journal = new SqlJournal(counting)
      const appends = Array.from({ length: 200 }, () => journal.append(anAppend({ address: freshSession(), epoch })))
      expect((await Promise.all(appends)).every((it) => it.status === 'appended')).to.equal(true)
      expect(statements).to.equal(1)
    })

    it('gives each append of a batch its own verdict (J5)', async () => {
      const { journal, epochs } = stores()
      const epoch = await ownSessions(epochs)
      const [good, stale, fenced, silent] = [freshSession(), freshSession(), freshSession(), freshSession()]
      const known = anAppend({ address: freshSession(), epoch })
      await journal.append(known)
      const verdicts = await Promise.all([
        journal.append(anAppend({ address: good, epoch })),
        journal.append(anAppend({ address: stale, epoch, expectedSeq: 3 })),
        journal.append(anAppend({ address: fenced, epoch: epoch - 1 })),
        journal.append(known),
        journal.append(anAppend({ address: silent, epoch, events: [] })),
      ])
      expect(verdicts.map((it) => it.status)).to.deep.equal(['appended', 'conflict', 'fenced', 'duplicate', 'appended'])
      expect(await Promise.all([good, stale, fenced].map((it) => journal.head(it)))).to.deep.equal([1, 0, 0])
    })

    it('fails an append that the database refuses without failing its neighbours (J5), and writes nothing of it (J4)', async () => {
      const { journal, epochs, records } = stores()
      const epoch = await ownSessions(epochs)
      const neighbours = Array.from({ length: 20 }, freshSession)
      const bad = freshSession()
      const sessionId = systemIds.uuid()
      // A time beyond timestamptz in the second event: the first one alone would have been fine.
      const events = [anEvent('fine'), { ...anEvent('bad'), at: 1e18 }]
      const outcomes = await Promise.allSettled([
        ...neighbours.slice(0, 10).map((address) => journal.append(anAppend({ address, epoch }))),
        journal.append(anAppend({ address: bad, epoch, events, record: aRecord({ sessionId }) })),
        ...neighbours.slice(10).map((address) => journal.append(anAppend({ address, epoch }))),
      ])
      expect(outcomes.flatMap((it, i) => (it.status === 'rejected' ? [i] : []))).to.deep.equal([10])
      expect(outcomes[10]).to.have.nested.property('reason.code', 'MALFORMED_MESSAGE')
      expect(await journal.head(bad)).to.equal(0)
      expect(await records.get(sessionId)).to.equal(undefined)
      for (const address of neighbours) expect(await journal.head(address)).to.equal(1)
    })
  })

  describeWith('postgres', 'of two owners at once', (dsn) => {
    it('never mixes epochs: what the new owner reads after its claim is all there will ever be of the old (J2)', async function () {
      this.timeout(20_000)
      const database = await freshDatabase(dsn)
      const [a, b] = await Promise.all([1, 2].map(() => openPersistence({ ...common, postgresDsn: database.dsn })))
      if (a === undefined || b === undefined) throw new Error('unreachable')
      for (let round = 0; round < 10; round++) {
        const epochA = await ownSessions(a.epochs, 'a')
        const addresses = Array.from({ length: 20 }, freshSession)
        const acknowledged = new Map<Address, number>()
        const running = addresses.map(async (address) => {
          for (let seq = 0; ; seq++) {
            const answer = await a.journal.append(anAppend({ address, epoch: epochA, expectedSeq: seq }))
            if (answer.status !== 'appended') return expect(answer.status).to.equal('fenced')
            acknowledged.set(address, seq + 1)
          }
        })
        await Promise.race([running[0], a.journal.append(anAppend({ address: freshSession(), epoch: epochA }))])
        const epochB = await ownSessions(b.epochs, 'b')
        const heads = await Promise.all(addresses.map((address) => b.journal.head(address)))
        const taken = addresses.map((address, i) =>
          b.journal.append(anAppend({ address, epoch: epochB, expectedSeq: heads[i] as number })),
        )
        expect(
          (await Promise.all(taken)).every((it) => it.status === 'appended'),
          'no writer but b',
        ).to.equal(true)
        await Promise.all(running)
        addresses.forEach((address, i) => {
          expect(heads[i], 'all that was acknowledged to a was there when b read').to.be.at.least(
            acknowledged.get(address) ?? 0,
          )
        })
      }
      await Promise.all([a.close(), b.close()])
      await database.drop()
    })

    it('waits for a takeover in flight, and is then fenced by it (J2)', async () => {
      const database = await freshDatabase(dsn)
      const stores = await openPersistence({ ...common, postgresDsn: database.dsn })
      const epoch = await ownSessions(stores.epochs)
      const address = freshSession()
      const takeover = new PgSql({ dsn: database.dsn, max: 1 }, silentLogger)
      await takeover.exec('begin')
      await takeover.query(`update shards set epoch = epoch + 1, owner = 'b' where kind = 'session' and shard = $1`, [
        shardOf(address),
      ])
      const late = stores.journal.append(anAppend({ address, epoch }))
      const blocked = `select 1 as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
      while ((await stores.sql.query(blocked)).length === 0) await new Promise(setImmediate)
      await takeover.exec('commit')
      expect(await late).to.deep.equal({ status: 'fenced' })
      expect(await stores.journal.head(address)).to.equal(0)
      await takeover.close()
      await stores.close()
      await database.drop()
    })
  })
})
