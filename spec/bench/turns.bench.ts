import { join } from 'node:path'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { systemClock, systemIds } from '../../infra/clock.ts'
import { PgliteSql } from '../../persistence/pglite-sql.ts'
import type { BenchRow } from './bench-row.ts'
import { BenchService } from './bench-service.ts'
import { count, distribution } from './figures.ts'
import { Load } from './load.ts'
import { cpuMs } from './process-usage.ts'

/**
 * Durable turns through /v1/chat/completions: accepted, journaled in three appends, answered by the echo. Client and
 * service share the machine, so a turn's CPU is of both. What was answered is compared with the journal afterwards.
 */
const LEVELS = [1, 16, 64, 256]
const SESSIONS = 1_000
const WARM_MS = 3_000
const SETTLE_MS = 500
const LEVEL_MS = 3_000

const goals: Readonly<Record<number, string>> = { 1: 'p50 <= 4 ms', 256: 'CPU <= 0.3 ms a turn' }

export async function run(): Promise<BenchRow[]> {
  const service = await BenchService.start()
  const load = new Load()
  const sessions = Array.from({ length: SESSIONS }, () => systemIds.uuid())
  const ways = [
    { way: 'a session each', sessions: undefined },
    { way: `${count(SESSIONS)} sessions`, sessions },
  ]
  const rows: BenchRow[] = []
  const errors: string[] = []
  let answers = 0
  const measure = async (clients: number, forMs: number, sessions?: readonly string[]) => {
    const before = cpuMs(service.process.pid)
    const result = await load.run({ url: service.url, clients, forMs, ...(sessions && { sessions }) })
    const after = cpuMs(service.process.pid)
    answers += result.latencies.length
    errors.push(...result.errors)
    return { ...result, serviceMs: before === undefined || after === undefined ? undefined : after - before }
  }
  try {
    for (const { way, sessions } of ways) {
      await measure(64, WARM_MS, sessions)
      for (const clients of LEVELS) {
        await measure(clients, SETTLE_MS, sessions)
        const result = await measure(clients, LEVEL_MS, sessions)
        const turns = result.latencies.length
        const each = (used: number) => (used / turns).toFixed(2)
        const { cpuMs, serviceMs } = result
        rows.push({
          what: `durable turns, ${clients} client${clients === 1 ? '' : 's'}, ${way}`,
          value: `${count((turns * 1_000) / result.elapsedMs)}/s, ${distribution(result.latencies)}`,
          ...(goals[clients] !== undefined && { goal: goals[clients] }),
          note:
            serviceMs === undefined
              ? `client ${each(cpuMs)} ms CPU a turn`
              : `${each(serviceMs + cpuMs)} ms CPU a turn (client ${each(cpuMs)}), ${result.errors.length} errors`,
        })
      }
    }
    await service.process.stop()
    rows.push(await comparedWithJournal(service.dataDir, answers, errors))
    return rows
  } finally {
    load.close()
    await service.release()
  }
}

async function comparedWithJournal(dataDir: string, answers: number, errors: readonly string[]): Promise<BenchRow> {
  const sql = await PgliteSql.open(join(dataDir, 'pg'), systemClock, silentLogger)
  const [journal] = await sql.query<{ finals: number; turns: number }>(
    `select count(*)::float8 as finals, count(distinct data->>'turnId')::float8 as turns
     from events where kind = 'TurnFinished' and data->>'outcome' = 'completed'`,
  )
  await sql.close()
  const { finals, turns } = journal as { finals: number; turns: number }
  const doubled = finals - turns
  if (errors.length > 0 || finals !== answers || doubled > 0) {
    throw new Error(`${answers} answers, ${finals} finals, ${doubled} doubled, ${errors.length} errors: ${errors[0]}`)
  }
  return {
    what: 'answers of all these turns, in the journal',
    value: `${count(answers)} of ${count(finals)}`,
    goal: 'all, once',
    note: `${doubled} doubled, ${errors.length} errors`,
  }
}
