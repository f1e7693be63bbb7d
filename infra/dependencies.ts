import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock, Ids } from '../actors/kernel/clock.ts'
import { Failure } from '../actors/kernel/failure.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { DependencyHealth, HealthReport } from '../transports/gateway/health.ts'
import type { Config } from './config/config.ts'
import { probesOf } from './probes/configured.ts'
import { dependencyTable } from './probes/dependency-table.ts'
import { type Found, mayPass, type Probe, runProbe } from './probes/probe.ts'

export interface DependencyReport extends HealthReport {
  readonly dependencies: readonly Found[]
}

interface Means {
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Logger
}

/** In all, the last look included: well below the 30 s within which a start must have said no, on a busy machine too. */
const PATIENCE_MS = 20_000
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 2_000

/**
 * What a start cannot do without, looked at before anything is started.
 *   S1. All are looked at side by side.
 *   S2. A required one that may come up by itself is looked at again, for 20 s; what a person must change (a password, a
 *       name, a version) is not waited for. Then DEPENDENCY_UNAVAILABLE names each that fails, where, why and the remedy.
 *   S3. One that is not required degrades: it is said, and the start goes on.
 *   S4. With nothing configured there is nothing to look at, and it costs nothing.
 */
export async function checkDependencies(
  config: Config,
  means: Means,
  patienceMs = PATIENCE_MS,
): Promise<DependencyReport> {
  const { clock, log } = means
  const probes = await probesOf(config)
  const askModel = config.services.required.includes('model')
  if (probes.length === 0 && !askModel) return { ready: true, dependencies: [] } // S4
  // The clock's timers keep no process alive, and a look that waits has nothing else that would.
  const awake = setInterval(() => {}, 1_000)
  try {
    const patience = { ms: patienceMs, inVain: false }
    const look = (probe: Probe) => again(async () => [await runProbe(probe, clock)], clock, log, patience)
    const model = askModel ? [untilModels(config, means, patience)] : []
    const dependencies = (await Promise.all([...probes.map(look), ...model])).flat()
    const report = { ready: dependencies.every(isFine), dependencies }
    say(report, log)
    const missing = dependencies.filter((it) => !isFine(it))
    if (missing.length > 0) throw new Failure('DEPENDENCY_UNAVAILABLE', missing.map(sentence).join('\n  '))
    return report
  } finally {
    clearInterval(awake)
  }
}

const isFine = ({ ok, required }: Found) => ok || !required

interface Patience {
  readonly ms: number
  /** One of them is lost for good: the start will be refused, and the others need not be waited for. */
  inVain: boolean
}

async function untilModels(config: Config, means: Means, patience: Patience): Promise<readonly Found[]> {
  const [{ createModels }, { modelFindings }] = await Promise.all([
    import('../transports/model/models.ts'),
    import('./probes/model.ts'),
  ])
  const models = await createModels(config.models, means)
  try {
    const { clock, log } = means
    return await again(() => modelFindings(models, true, () => clock.now()), clock, log, patience)
  } finally {
    await models.close()
  }
}

async function again(
  look: () => Promise<readonly Found[]>,
  clock: Clock,
  log: Logger,
  patience: Patience,
): Promise<readonly Found[]> {
  const until = clock.now() + patience.ms
  for (let pause = FIRST_PAUSE_MS, first = true; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS), first = false) {
    const from = clock.now()
    const found = await look()
    const tookMs = clock.now() - from
    const missing = found.filter((it) => !isFine(it))
    if (missing.some(({ cause }) => !mayPass(cause))) patience.inVain = true
    if (missing.length === 0 || patience.inVain || clock.now() + pause + tookMs >= until) return found
    if (first) {
      for (const { name, detail } of missing)
        log.warn({ dependency: name }, `${detail}; looked at again for ${patience.ms / 1_000} s`)
    }
    await sleep(pause)
  }
}

function say(report: DependencyReport, log: Logger): void {
  report.dependencies.forEach((it, index) => {
    const { name: dependency, required, ok, ms, cause } = it
    const line = summaryLines(report)[index] as string
    if (ok) log.info({ dependency, required, ok, ms }, line)
    else log.warn({ dependency, required, ok, ms, cause }, `${line}${required ? '' : ` ${withoutIt(it)}`}`)
  })
}

function withoutIt({ name }: DependencyHealth): string {
  const known = dependencyTable[name.split(' ')[0] as keyof typeof dependencyTable]
  return known === undefined ? '' : `Until then: ${known.without}`
}

const sentence = ({ name, detail, remedy }: DependencyHealth) => `${name}: ${detail}. ${remedy}`.trim()

/** One line for each dependency: how it is, what was found where, and what to do. */
export function summaryLines({ dependencies }: HealthReport): string[] {
  return dependencies.map((it) => {
    const state = it.ok ? 'ok' : it.required ? 'FAILED' : 'degraded'
    return it.ok ? `${it.name} ${state}: ${it.detail} (${it.ms} ms)` : `${it.name} ${state}: ${it.detail}. ${it.remedy}`
  })
}

/** What a process tells the topic soma.health about its start. */
export interface HealthDocument {
  readonly v: 1
  readonly type: 'soma.health'
  readonly process: string
  readonly version: string
  readonly occurred_at: string
  readonly ready: boolean
  readonly dependencies: readonly DependencyHealth[]
}

export function healthDocument(
  report: HealthReport,
  about: { readonly process: string; readonly version: string; readonly now: number },
): HealthDocument {
  return {
    v: 1,
    type: 'soma.health',
    process: about.process,
    version: about.version,
    occurred_at: new Date(about.now).toISOString(),
    ready: report.ready,
    dependencies: report.dependencies,
  }
}
