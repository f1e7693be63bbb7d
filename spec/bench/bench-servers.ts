import { readFileSync } from 'node:fs'
import { testServices } from '../support/test-services.ts'
import type { BenchRow } from './bench-row.ts'
import { treeCpuMs } from './process-usage.ts'

/** The real servers that a cluster's bench needs: of `node infra/stack.mjs run`, or none. */
export interface BenchServers {
  readonly kafka: string
  readonly postgres: string
  readonly redis: string
  readonly brokers: number
  /** What Kafka, Postgres and Redis have used so far; all brokers together. */
  usage(): { readonly kafka: number; readonly postgres: number; readonly redis: number }
}

interface StackServer {
  readonly kind: string
  readonly pid: number
}

/** Rows of a bench that needs servers; without them one row that says so. */
export async function withServers(
  bench: string,
  rows: (servers: BenchServers) => Promise<BenchRow[]>,
): Promise<BenchRow[]> {
  const [kafka, postgres, redis, stack] = (['kafka', 'postgres', 'redis', 'stack'] as const).map(
    (service) => process.env[testServices[service]],
  )
  if (!kafka || !postgres || !redis || !stack) {
    const note = `needs servers: node infra/stack.mjs run [--brokers 3] -- npm run bench -- ${bench}`
    process.stderr.write(`${bench}: SKIPPED, ${note}\n`)
    return [{ what: bench, value: 'SKIPPED', note }]
  }
  // Read each time: a server that was started again has another number.
  const usedBy = (kind: string) => {
    const { servers } = JSON.parse(readFileSync(stack, 'utf8')) as { servers: readonly StackServer[] }
    return servers.filter((it) => it.kind === kind).reduce((sum, { pid }) => sum + (treeCpuMs(pid) ?? Number.NaN), 0)
  }
  return rows({
    kafka,
    postgres,
    redis,
    brokers: kafka.split(',').length,
    usage: () => ({ kafka: usedBy('kafka'), postgres: usedBy('postgres'), redis: usedBy('redis') }),
  })
}
