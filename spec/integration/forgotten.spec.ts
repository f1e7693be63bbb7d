import { join } from 'node:path'
import { expect } from 'chai'
import { address } from '../../actors/kernel/address.ts'
import { sessionCodec } from '../../actors/session/events.ts'
import { packageRoot } from '../../infra/package-root.ts'
import type { SessionRecord } from '../../persistence/journal.ts'
import { openPersistence, type Persistence } from '../../persistence/open.ts'
import type { Sql } from '../../persistence/sql.ts'
import { eventually } from '../support/eventually.ts'
import { anAppend, ownShards } from '../support/given-append.ts'
import { common } from '../support/persistence-under-test.ts'
import { Service } from '../support/service.ts'
import { tablesHolding } from '../support/tables-holding.ts'

/** What docs/MEMORY.md says of forgetting, of the service as its users run it: all tables of its database are looked through. */
describe('what is forgotten', function () {
  this.timeout(120_000)
  let service: Service
  beforeEach(async () => {
    const env = { SOMA_POLICY_FILE: join(packageRoot, 'infra/policy/default.yaml') }
    service = await Service.start({ env })
  })
  afterEach(() => service.release())

  async function database<Answer>(look: (sql: Sql, stores: Persistence) => Promise<Answer>): Promise<Answer> {
    const stores = await openPersistence({ ...common, dataDir: service.dataDir })
    try {
      return await look(stores.sql, stores)
    } finally {
      await stores.close()
    }
  }
  async function say(session: string, message: string): Promise<string> {
    const { session_id, event_id } = await service.say(session, message)
    for (;;) {
      const { body } = await service.get(`/v1/sessions/${session_id}/events?limit=500`)
      for (const { payload } of body.events) {
        if (payload.type === 'assistant.final' && payload.metadata.turn_id === event_id) return session_id
      }
    }
  }

  it('is said nowhere but in the sessions that said it, and when they are deleted nowhere at all', async () => {
    const remember = { text: 'the pin is plumtree', key: 'pin', tags: ['plumtree'] }
    const one = await say('one', `call memory_remember ${JSON.stringify(remember)}`)
    const two = await say('two', 'call memory_recall {"query": "pin plumtree"}')
    const own = { key: 'own', text: 'the code is peartree', value: { code: 'peartree' }, tags: ['peartree'] }
    await service.post('/v1/memory/remember', own, { 'idempotency-key': 'own' })
    await service.post('/v1/memory/forget', { keys: ['pin', 'own'] })
    await service.stop()
    await database(async (sql) => {
      expect(await tablesHolding(sql, 'peartree')).to.deep.equal([])
      const kinds = await sql.query<{ kind: string }>(
        `select distinct split_part(address, ':', 1) as kind from events where strpos(data::text, 'plumtree') > 0 order by 1`,
      )
      expect(kinds.map(({ kind }) => kind)).to.deep.equal(['session', 'tool'])
    })
    await service.start()
    for (const session of [one, two]) {
      expect((await service.request('DELETE', `/v1/sessions/${session}`)).status).to.be.within(200, 204)
      // Accepted; and then done.
      for (const what of ['', '/history']) {
        await eventually(async () => (await service.get(`/v1/sessions/${session}${what}`)).status === 410, 15_000)
      }
    }
    await service.stop()
    expect(await database((sql) => tablesHolding(sql, 'plumtree'))).to.deep.equal([])
  })

  it('of a deleted session has no words left, though its process died before they were erased', async () => {
    const sessionId = await say('one', 'plumtree')
    await service.stop()
    await database(async (sql, { epochs, journal, records }) => {
      const deleted = address('session', sessionId)
      const epoch = (await ownShards(epochs, 'session'))(deleted)
      const expectedSeq = (await journal.read(deleted, 0, 100)).at(-1)?.seq as number
      const event = sessionCodec().encode({ kind: 'SessionDeleted' })
      const record = { ...(await records.get(sessionId)), state: 'deleted' } as SessionRecord
      // What a process leaves that is killed between the deletion and the erasure.
      const events = [{ ...event, at: Date.now() }]
      await journal.append(anAppend({ address: deleted, epoch, expectedSeq, events, record, unfinished: true }))
      expect(await tablesHolding(sql, 'plumtree')).to.include('events')
    })
    await service.start()
    expect((await service.get(`/v1/sessions/${sessionId}/history`)).status).to.equal(410)
    await service.stop()
    expect(await database((sql) => tablesHolding(sql, 'plumtree'))).to.deep.equal([])
  })

  it('has no text left in the journal at whatever moment the process is killed', async () => {
    const memories = Array.from({ length: 100 }, (_, n) => ({ key: `k${n}`, text: `secret${n}.`, namespace: 'kill' }))
    await service.post('/v1/memory/batch', { memories })
    const asked = memories.map(({ key }) => service.request('DELETE', `/v1/memory/kill/${key}`).catch(() => undefined))
    await Promise.race(asked.slice(30))
    await service.kill()
    await Promise.all(asked)
    await database(async (sql) => {
      const events = await sql.query<{ key: string; text: string }>(
        `select data -> 'memory' ->> 'key' as key, data -> 'memory' ->> 'text' as text from events
         where kind = 'MemoryRemembered'`,
      )
      const live = await sql.query<{ key: string }>('select key from memories')
      const withText = events.filter(({ text }) => text !== '').map(({ key }) => key)
      expect(events.length).to.equal(memories.length)
      expect(withText).to.have.members(live.map(({ key }) => key))
      expect(live.length, 'some are forgotten').to.be.below(memories.length)
    })
  })
})
