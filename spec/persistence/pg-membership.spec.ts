import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import pg from 'pg'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { systemClock, systemIds } from '../../infra/clock.ts'
import type { ClusterNode, Membership, NodeStatus } from '../../persistence/membership.ts'
import { openPersistence } from '../../persistence/open.ts'
import { type JoinOptions, joinCluster } from '../../persistence/pg-membership.ts'
import { SLOT_LOCKS } from '../../persistence/pg-slot.ts'
import { cuttableLine } from '../support/cuttable-line.ts'
import { common } from '../support/persistence-under-test.ts'
import { describeWith, freshDatabase } from '../support/test-services.ts'

/** pg_locks tells those of every database of the server; other specs run on it at the same time. */
const ourLocks = `pg_locks join pg_database d on d.oid = database
  where d.datname = current_database() and classid = $1::int8::oid`

describeWith('postgres', 'membership on Postgres', (server) => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let admin: pg.Client
  const members: Membership[] = []
  const children: ChildProcess[] = []

  const join = async (over: Partial<JoinOptions> = {}) => {
    const membership = await joinCluster({
      dsn: database.dsn,
      name: 'here',
      roles: ['gateway', 'session'],
      weight: 100,
      url: 'http://127.0.0.1:8010',
      leaseMs: 2_000,
      slots: 128,
      clock: systemClock,
      ids: systemIds,
      log: silentLogger,
      ...over,
    })
    members.push(membership)
    return membership
  }
  const child = async (leaseMs: number) => {
    const script = fileURLToPath(new URL('../support/member-process.js', import.meta.url))
    const started = spawn(process.execPath, [script, database.dsn, String(leaseMs)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(started)
    const [said] = await once(started.stdout, 'data')
    return { started, id: String(said).trim() }
  }
  const ready: NodeStatus = { state: 'ready', detail: { shards: 3 } }
  const ids = (nodes: readonly ClusterNode[]) => nodes.map(({ id }) => id)
  /** Milliseconds until what the observer sees is as wanted. */
  const seen = async (observer: Membership, wanted: (nodes: readonly ClusterNode[]) => boolean) => {
    const from = performance.now()
    while (!wanted(await observer.renew(ready))) {}
    return performance.now() - from
  }
  const cut = (slots: readonly number[]) =>
    admin.query(`select pg_terminate_backend(pid) from ${ourLocks} and objid = any($2::int8[])`, [SLOT_LOCKS, slots])
  /** After so many failures at least: a connection may be lost without its owner having noticed. */
  const whenConnected = async (member: Membership, failures = 0) => {
    for (let failed = 0; ; failed++) {
      const answer = await member.renew(ready).catch((error) => error)
      if (Array.isArray(answer)) {
        if (failed >= failures) return answer as ClusterNode[]
        failed--
        continue
      }
      expect(answer).to.include({ code: 'JOURNAL_UNAVAILABLE' })
      await admin.query('select')
    }
  }

  before(async () => {
    database = await freshDatabase(server)
    await (await openPersistence({ ...common, postgresDsn: database.dsn })).close()
    admin = new pg.Client({ connectionString: database.dsn })
    await admin.connect()
  })
  afterEach(async () => {
    for (const started of children.splice(0)) started.kill('SIGKILL')
    await Promise.all(members.splice(0).map((member) => member.leave()))
  })
  after(async () => {
    await admin.end()
    await database.drop()
  })

  it('gives twenty that join at once the twenty lowest slots (N1)', async () => {
    const joined = await Promise.all(Array.from({ length: 20 }, () => join()))
    expect(joined.map(({ slot }) => slot).sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 20 }, (_, i) => i))
    expect(ids((await joined[0]?.renew(ready)) ?? [])).to.have.members(joined.map(({ nodeId }) => nodeId))
    await joined[7]?.leave()
    expect((await join()).slot).to.equal(joined[7]?.slot)
  })

  it('refuses one more than there are slots', async () => {
    await Promise.all([join({ slots: 2 }), join({ slots: 2 })])
    expect(await join({ slots: 2 }).catch((error) => error)).to.include({ code: 'CONFIG_INVALID' })
  })

  it('tells the others what a process says of itself', async () => {
    const [one, other] = [await join({ name: 'one' }), await join()]
    await one.renew({ state: 'draining', detail: { lag: 4 } })
    const [first] = await other.renew(ready)
    const { id, startedAt, ...rest } = first as ClusterNode
    expect(id).to.equal(one.nodeId)
    expect(startedAt).to.be.a('number')
    expect(rest).to.deep.equal({
      name: 'one',
      slot: 0,
      roles: ['gateway', 'session'],
      weight: 100,
      url: 'http://127.0.0.1:8010',
      state: 'draining',
      detail: { lag: 4 },
    })
  })

  it('sees within a second that a process was killed, whatever its lease (N2)', async () => {
    const observer = await join()
    const { started, id } = await child(60_000)
    await seen(observer, (nodes) => ids(nodes).includes(id))
    started.kill('SIGKILL')
    expect(await seen(observer, (nodes) => !ids(nodes).includes(id))).to.be.below(1_000)
  })

  it('sees a frozen process until its lease is over, and again when it goes on (N2)', async () => {
    const observer = await join()
    const { started, id } = await child(1_200)
    await seen(observer, (nodes) => ids(nodes).includes(id))
    started.kill('SIGSTOP')
    expect(await seen(observer, (nodes) => !ids(nodes).includes(id))).to.be.within(900, 2_000)
    const [newcomer] = [await join()]
    expect(newcomer.slot, 'its slot is still its own').to.equal(2)
    started.kill('SIGCONT')
    expect(await seen(observer, (nodes) => ids(nodes).includes(id))).to.be.below(1_000)
  })

  it('goes by the clock of the database, not of the process (N3)', async () => {
    const wrong = await join({ clock: { ...systemClock, now: () => 0 } })
    const observer = await join({ clock: { ...systemClock, now: () => 9e12 } })
    expect(ids(await observer.renew(ready))).to.deep.equal([wrong.nodeId, observer.nodeId])
    const { rows } = await admin.query('select now() - started_at < interval $$1 minute$$ as ok from nodes')
    expect(rows).to.deep.equal([{ ok: true }, { ok: true }])
  })

  it('a signal reaches every other within 100 ms, and not its sender', async () => {
    const [one, other, third] = [await join(), await join(), await join()]
    let own = 0
    one.onSignal(() => own++)
    const heard = [other, third].map((member) => new Promise<void>((resolve) => member.onSignal(resolve)))
    const from = performance.now()
    await one.signal()
    await Promise.all(heard)
    expect(performance.now() - from).to.be.below(100)
    expect(own).to.equal(0)
  })

  it('takes its slot again when its connection was cut, and looks again at what it did not hear', async () => {
    const [one, other] = [await join(), await join()]
    const told = new Promise<void>((resolve) => one.onSignal(resolve))
    await cut([0])
    const nodes = await whenConnected(one)
    expect(one.slot).to.equal(0)
    expect(ids(nodes)).to.deep.equal([one.nodeId, other.nodeId])
    await told
  })

  it('takes another slot when its own went to another meanwhile', async () => {
    const one = await join({ clock: { ...systemClock, after: (ms, task) => systemClock.after(ms + 300, task) } })
    await cut([0])
    while ((await admin.query(`select from ${ourLocks}`, [SLOT_LOCKS])).rowCount !== 0) {}
    const other = await join()
    expect(other.slot).to.equal(0)
    const nodes = await whenConnected(one)
    expect(one.slot).to.equal(1)
    expect(nodes.map(({ id, slot }) => ({ id, slot }))).to.deep.equal([
      { id: other.nodeId, slot: 0 },
      { id: one.nodeId, slot: 1 },
    ])
  })

  it('gets its slot back from its own former connection, which the server still believes in', async () => {
    const line = await cuttableLine(database.dsn)
    const one = await join({ dsn: line.dsn })
    line.forget()
    await whenConnected(one, 1)
    expect(one.slot).to.equal(0)
    await one.leave()
    await line.close()
  })

  it('forgets a process that left, and those long dead', async () => {
    const [one, observer] = [await join(), await join()]
    await one.leave()
    await admin.query(`insert into nodes select 'dead', name, 99, roles, weight, url, state, started_at,
      now() - interval '1 hour', now() - interval '1 hour', detail from nodes`)
    expect(ids(await observer.renew(ready))).to.deep.equal([observer.nodeId])
    expect((await admin.query('select id from nodes')).rows).to.deep.equal([{ id: observer.nodeId }])
  })
})
