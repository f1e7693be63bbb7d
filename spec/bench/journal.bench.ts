import type { Address } from '../../actors/kernel/address.ts'
import { openPersistence, type Persistence } from '../../persistence/open.ts'
import { anAppend, anEnvelope, freshSession, ownSessions } from '../support/given-append.ts'
import { common, freshSpread } from '../support/persistence-under-test.ts'
import { freshDatabase, testServices } from '../support/test-services.ts'
import type { BenchRow } from './bench-row.ts'

/**
 * Appends of one event and one outbox row, on one Postgres server and spread over two. Both run on this machine, so
 * this is what spreading costs, not what it gains: two servers on machines of their own do not share the processors.
 */
const WARM_UP = 4_000
const APPENDS = 30_000
const ROUNDS = 3
const SESSIONS = [64, 256] as const

export async function run(): Promise<BenchRow[]> {
  const server = process.env[testServices.postgres]
  if (!server) {
    return [{ what: 'appends/s', value: 'not measured', note: `needs ${testServices.postgres} (infra/stack.mjs run)` }]
  }
  const alone = await freshDatabase(server)
  const spread = await freshSpread(server)
  const one = await openPersistence({ ...common, postgresDsn: alone.dsn })
  const two = await spread.open()
  try {
    const rows: BenchRow[] = []
    for (const sessions of SESSIONS) {
      const figures = { one: [] as Figure[], two: [] as Figure[] }
      // In turns, so that what else the machine does falls on both.
      for (let round = 0; round < ROUNDS; round++) {
        figures.one.push(await appending(one, sessions))
        figures.two.push(await appending(two, sessions))
      }
      for (const [name, of] of Object.entries(figures)) {
        const best = of.reduce((a, b) => (b.perSecond > a.perSecond ? b : a))
        rows.push({
          what: `journal, ${name} Postgres server${name === 'one' ? '' : 's'}, ${sessions} sessions at once`,
          value: `${Math.round(best.perSecond).toLocaleString('en-US')} appends/s`,
          note: `best of ${ROUNDS}; ${best.cpuMs.toFixed(3)} ms CPU of this process an append`,
        })
      }
    }
    return rows
  } finally {
    await Promise.all([one.close(), two.close()])
    await Promise.all([alone.drop(), spread.drop()])
  }
}

interface Figure {
  readonly perSecond: number
  readonly cpuMs: number
}

async function appending(stores: Persistence, sessions: number): Promise<Figure> {
  const epoch = await ownSessions(stores.epochs)
  await appends(stores, epoch, sessions, WARM_UP)
  const [from, cpu] = [performance.now(), process.cpuUsage()]
  await appends(stores, epoch, sessions, APPENDS)
  const { user, system } = process.cpuUsage(cpu)
  return { perSecond: APPENDS / ((performance.now() - from) / 1_000), cpuMs: (user + system) / 1_000 / APPENDS }
}

async function appends(stores: Persistence, epoch: number, sessions: number, count: number): Promise<void> {
  let left = count
  const session = async (address: Address) => {
    for (let seq = 0; left-- > 0; seq++) {
      const outbox = [anEnvelope({ id: `${address}/${seq + 1}/0` })]
      const { status } = await stores.journal.append(anAppend({ address, epoch, expectedSeq: seq, outbox }))
      if (status !== 'appended') throw new Error(status)
    }
  }
  await Promise.all(Array.from({ length: sessions }, () => session(freshSession())))
}
