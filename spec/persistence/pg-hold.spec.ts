import { expect } from 'chai'
import pg from 'pg'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { holdDatabase } from '../../persistence/pg-hold.ts'
import { describeWith, freshDatabase } from '../support/test-services.ts'

describeWith('postgres', 'the hold on a database', (server) => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  const never = (failure: Error) => expect.fail(String(failure))
  const locks = async () => {
    const client = new pg.Client({ connectionString: database.dsn })
    await client.connect()
    const { rows } = await client.query<{ pid: number }>(
      "select pid from pg_locks l join pg_database d on d.oid = l.database where locktype = 'advisory' and datname = current_database()",
    )
    await client.end()
    return rows.map(({ pid }) => pid)
  }

  beforeEach(async () => {
    database = await freshDatabase(server)
  })
  afterEach(() => database.drop())

  it('is one process’s alone, and free again when it lets go (H1)', async () => {
    const first = await holdDatabase(database.dsn, silentLogger, never)
    const refused = await holdDatabase(database.dsn, silentLogger, never).catch((error) => error)
    expect(refused).to.include({ code: 'DATABASE_IN_USE' })
    await first.release()
    await (await holdDatabase(database.dsn, silentLogger, never)).release()
  })

  it('is taken again when its connection was cut (H2)', async () => {
    const hold = await holdDatabase(database.dsn, silentLogger, never)
    const [pid] = await locks()
    const admin = new pg.Client({ connectionString: database.dsn })
    await admin.connect()
    await admin.query('select pg_terminate_backend($1)', [pid])
    await admin.end()
    for (let now = await locks(); now.length !== 1 || now[0] === pid; ) now = await locks()
    await hold.release()
  })
})
