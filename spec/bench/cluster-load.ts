import { systemIds } from '../../infra/clock.ts'
import type { BenchCluster } from './bench-cluster.ts'
import type { BenchRow } from './bench-row.ts'
import type { BenchServers } from './bench-servers.ts'
import { count, distribution } from './figures.ts'
import { Load, type LoadResult } from './load.ts'
import { cpuMs } from './process-usage.ts'

const SESSIONS = 1_000

/** Milliseconds of CPU by process, all of a kind together. */
export type CpuSplit = Readonly<Record<string, number>>

export interface ClusterMeasure extends LoadResult {
  readonly turns: number
  readonly cpu: CpuSplit
}

/** Clients on the first gateway, and what every process used meanwhile. Remembers all answers for the comparison at the end. */
export class ClusterLoad {
  readonly errors: string[] = []
  answers = 0
  readonly #load = new Load()
  readonly #cluster: BenchCluster
  readonly #servers: BenchServers
  readonly #sessions: readonly string[]

  constructor(cluster: BenchCluster, servers: BenchServers, sessions = SESSIONS) {
    this.#cluster = cluster
    this.#servers = servers
    this.#sessions = Array.from({ length: sessions }, () => systemIds.uuid())
  }

  async measure(clients: number, forMs: number): Promise<ClusterMeasure> {
    const before = this.used()
    const result = await this.#load.run({ url: this.#cluster.url, clients, forMs, sessions: this.#sessions })
    const after = this.used()
    this.answers += result.latencies.length
    this.errors.push(...result.errors)
    const cpu = Object.fromEntries(Object.entries(after).map(([name, ms]) => [name, ms - (before[name] ?? 0)]))
    return { ...result, turns: result.latencies.length, cpu: { client: result.cpuMs, ...cpu } }
  }

  used(): CpuSplit {
    const roles = Object.entries({ gateway: 'gateway', node: 'node', all: 'all roles' } as const)
    const ours = roles.flatMap(([role, name]) => {
      const processes = this.#cluster.of(role as 'gateway' | 'node' | 'all')
      if (processes.length === 0) return []
      return [[name, processes.reduce((sum, { pid }) => sum + (cpuMs(pid) ?? Number.NaN), 0)] as const]
    })
    return { ...Object.fromEntries(ours), ...this.#servers.usage() }
  }

  /** What was answered, compared with the journal. */
  async comparedWithJournal(where: string): Promise<BenchRow> {
    const [journal] = await this.#cluster.query<{ finals: number; turns: number }>(
      `select count(*)::float8 as finals, count(distinct data->>'turnId')::float8 as turns
       from events where kind = 'TurnFinished' and data->>'outcome' = 'completed'`,
    )
    const { finals, turns } = journal as { finals: number; turns: number }
    const { answers, errors } = this
    const doubled = finals - turns
    if (errors.length > 0 || finals !== answers || doubled > 0) {
      const said = `${answers} answers, ${finals} finals, ${doubled} doubled, ${errors.length} errors: ${errors[0]}`
      throw new Error(`${said}\n${this.#cluster.complaints}`)
    }
    return {
      what: `answers of all these turns, in the journal, ${where}`,
      value: `${count(answers)} of ${count(finals)}`,
      goal: 'all, once',
      note: `${doubled} doubled, ${errors.length} errors`,
    }
  }

  close(): void {
    this.#load.close()
  }
}

export const onBrokers = ({ brokers }: BenchServers) => `${brokers} broker${brokers === 1 ? '' : 's'}`

export function turnsRow(what: string, { turns, elapsedMs, latencies, cpu }: ClusterMeasure, goal?: string): BenchRow {
  return {
    what,
    value: `${count((turns * 1_000) / elapsedMs)}/s, ${distribution(latencies)}`,
    ...(goal !== undefined && { goal }),
    note: cpuATurn(cpu, turns),
  }
}

/** `1.84 ms CPU a turn: client 0.07, gateway 0.40, …` */
export function cpuATurn(cpu: CpuSplit, turns: number): string {
  const each = (used: number) => (used / turns).toFixed(2)
  const all = Object.values(cpu).reduce((sum, used) => sum + used, 0)
  return `${each(all)} ms CPU a turn: ${Object.entries(cpu)
    .map(([name, used]) => `${name} ${each(used)}`)
    .join(', ')}`
}
