import type { Clock } from '../actors/kernel/clock.ts'
import type { Sql } from '../persistence/sql.ts'
import type { DependencyHealth, HealthReport } from '../transports/gateway/health.ts'
import type { ReachableModels } from '../transports/model/models.ts'

export interface HealthParts {
  readonly sql: Sql
  readonly models: ReachableModels
  readonly policy: { check(): Promise<void> }
  /** PING; undefined when no Redis is configured. */
  readonly pingRedis: (() => Promise<void>) | undefined
  /** Undefined outside a cluster. */
  readonly pingKafka?: () => Promise<void>
  readonly clock: Clock
}

/** Each dependency asked now. The journal is required; a model or a cache that is down degrades, and says so. */
export async function checkHealth(parts: HealthParts): Promise<HealthReport> {
  const { sql, models, policy, pingRedis } = parts
  const journal = probe(parts.clock, 'journal', true, 'See the disk or POSTGRES_DSN.', async () => {
    await sql.query('select 1', [])
    return `${sql.dialect} answers`
  })
  const redis = pingRedis
    ? [
        probe(
          parts.clock,
          'redis',
          false,
          'See REDIS_URL. Without Redis, recovery reads more of the journal.',
          async () => {
            await pingRedis()
            return 'answers'
          },
        ),
      ]
    : []
  const { pingKafka } = parts
  const kafka = pingKafka
    ? [
        probe(parts.clock, 'kafka', true, 'See KAFKA_BOOTSTRAP_SERVERS and the brokers.', async () => {
          await pingKafka()
          return 'answers'
        }),
      ]
    : []
  // Not required: sessions talk on without tools. But nothing that needs a decision runs until it is mended (I10).
  const rules = probe(parts.clock, 'policy', false, 'Mend SOMA_POLICY_FILE. Until then no tool runs.', async () => {
    await policy.check()
    return 'the rules can be read'
  })
  const dependencies = (
    await Promise.all([journal, rules, ...redis, ...kafka, modelHealth(parts.clock, models)])
  ).flat()
  return { ready: dependencies.every(({ ok, required }) => ok || !required), dependencies }
}

async function modelHealth(clock: Clock, models: ReachableModels): Promise<DependencyHealth[]> {
  const from = clock.now()
  const endpoints = await models.probe()
  return endpoints.map(({ role, model, source, reachable, detail, remedy }) => ({
    name: `model ${role}`,
    required: false,
    ok: reachable,
    detail: `${model} (${source}): ${detail}`,
    remedy: reachable ? '' : (remedy ?? ''),
    ms: clock.now() - from,
  }))
}

async function probe(
  clock: Clock,
  name: string,
  required: boolean,
  remedy: string,
  ask: () => Promise<string>,
): Promise<DependencyHealth> {
  const from = clock.now()
  try {
    return { name, required, ok: true, detail: await ask(), remedy: '', ms: clock.now() - from }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    return { name, required, ok: false, detail, remedy, ms: clock.now() - from }
  }
}
