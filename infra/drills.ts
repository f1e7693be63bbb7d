import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Failure } from '../actors/kernel/failure.ts'
import { silentLogger } from '../actors/kernel/telemetry.ts'
import { openPersistence } from '../persistence/open.ts'
import { type DrillReport, markdown, reportTable } from '../supervisors/drills/drill-report.ts'
import { allDrills, type Drill, type DrillName, drillNames, drillOf } from '../supervisors/drills/drills.ts'
import { ownCluster } from '../supervisors/drills/own-cluster.ts'
import { runDrill } from '../supervisors/drills/run-drill.ts'
import { runningCluster } from '../supervisors/drills/running-cluster.ts'
import { ask, type DrillTarget } from '../supervisors/drills/target.ts'
import { refusal } from '../supervisors/drills/tenant-guard.ts'
import type { DrillOptions, DrillOutcome, Drills, KeptDrills } from '../transports/cli/drill-commands.ts'
import { systemClock as clock, systemIds as ids } from './clock.ts'
import { clusterServers, secondPostgres, stackFolder, stackProgram } from './cluster-servers.ts'
import { packageRoot } from './package-root.ts'

const somaMain = fileURLToPath(new URL('./soma-main.js', import.meta.url))
const REPEAT = 3

/** `soma drill` and `soma drills`, wired. */
export const failoverDrills: Drills = {
  catalogue: drillNames.map((name) => [name, drillOf(name).what]),
  run,
  kept,
  text: (report) => reportTable(report as DrillReport),
}

async function* run(options: DrillOptions, told: (line: string) => void): AsyncGenerator<DrillOutcome> {
  const named = options.names.flatMap((name) => (name === 'all' ? allDrills : [name as DrillName]))
  const running = options.cluster.length > 0
  if (running) await refuseOthers(options)
  const signal = untilInterrupted()
  const reports: DrillReport[] = []
  const write = (interim?: DrillReport) => {
    if (options.reportFile === undefined) return
    writeFileSync(options.reportFile, `${markdown(interim ? [...reports, interim] : reports)}\n`)
  }
  let target: DrillTarget | undefined
  let profile: Profile | undefined
  let passed = true
  try {
    for (const [index, name] of named.entries()) {
      const { needs } = drillOf(name)
      if (running && needs !== 'running') {
        if (options.names.includes('all')) {
          told(`${name}: left out, it needs a cluster of its own`)
          continue
        }
        throw new Failure('DRILL_REFUSED', `${name} needs a cluster of its own: leave out --cluster.`)
      }
      const wanted = profileOf(needs)
      // A cluster in which a drill failed is not used for another: what that one finds would be hard to read.
      if (target && !running && (profile !== wanted || !passed)) {
        await target.close(passed)
        target = undefined
      }
      target ??= running
        ? await runningCluster(options.cluster, options.token)
        : await newCluster(options, wanted, told)
      profile = wanted
      told(`\n${name}: ${drillOf(name).what}`)
      const report = await runDrill({
        drill: name,
        id: ids.uuid().slice(0, 8),
        target,
        sessions: options.sessions,
        rate: options.rate,
        durationMs: options.durationMs,
        repeat: options.repeat ?? REPEAT,
        seed: (options.seed ?? Math.floor(ids.random() * 1e6)) + index,
        ...(options.limitMs !== undefined && { limitMs: options.limitMs }),
        progress: (line) => told(`  ${line}`),
        interim: write,
        signal,
      })
      passed = report.passed
      reports.push(report)
      write()
      await keep(report, running ? target : undefined).catch((error: Error) =>
        told(`the report could not be stored: ${error.message}`),
      )
      yield { passed, report, text: reportTable(report) }
    }
  } finally {
    await target?.close(passed)
  }
}

type Profile = 'plain' | 'cuttable' | 'journals'

function profileOf(needs: Drill['needs']): Profile {
  return needs === 'cuttable' || needs === 'journals' ? needs : 'plain'
}

async function newCluster(
  { nodes, gateways }: DrillOptions,
  profile: Profile,
  progress: (line: string) => void,
): Promise<DrillTarget> {
  const servers = await clusterServers(process.env)
  const second = profile === 'journals' ? await secondPostgres(process.env) : undefined
  if (profile === 'journals' && second === undefined) {
    throw new Failure('DRILL_REFUSED', 'journal-two needs two Postgres servers: npm run stack -- --postgres 2.')
  }
  return ownCluster({
    nodes,
    gateways,
    servers,
    ...(second !== undefined && { secondPostgres: second }),
    cuttable: profile === 'cuttable',
    stack: { program: stackProgram, folder: stackFolder(process.env) },
    somaMain,
    id: `drill-${ids.uuid().slice(0, 8)}`,
    clock,
    random: () => ids.random(),
    progress,
  })
}

/** Whose sessions they would be, as the cluster itself says it. */
async function refuseOthers({ cluster, token, inProduction }: DrillOptions): Promise<void> {
  const entrance = { urls: cluster, ...(token !== undefined && { token }) }
  const { tenant } = await ask<{ readonly tenant?: string }>(entrance, '/v1/admin/drills?limit=1').catch(
    (error: Error) => {
      throw new Failure('DRILL_REFUSED', `${cluster.join(', ')} cannot be asked: ${error.message}`, { cause: error })
    },
  )
  const why = refusal(tenant, inProduction)
  if (why !== undefined) throw new Failure('DRILL_REFUSED', `Not on ${cluster.join(', ')}: ${why}.`)
}

/** In a running cluster, through its gateway; else in the database of the servers themselves, where `soma drills` looks. */
async function keep(report: DrillReport, target: DrillTarget | undefined): Promise<void> {
  const { id, name, startedAt, finishedAt, passed } = report
  if (target) {
    const [started_at, finished_at] = [startedAt, finishedAt].map((at) => new Date(at).toISOString())
    await ask(target, '/v1/admin/drills', { id, name, started_at, finished_at, passed, report })
    return
  }
  const database = await openDatabase()
  try {
    await database?.drills.save({ id, name, startedAt, finishedAt, passed, report })
  } finally {
    await database?.close()
  }
}

async function kept(): Promise<KeptDrills | undefined> {
  const database = await openDatabase()
  return (
    database && {
      async list(limit) {
        const found = await database.drills.list(limit)
        return found.map(({ id, name, startedAt, finishedAt, passed }) => ({
          id,
          name,
          started_at: new Date(startedAt).toISOString(),
          finished_at: new Date(finishedAt).toISOString(),
          passed,
        }))
      },
      get: (id) => database.drills.get(id),
      close: () => database.close(),
    }
  )
}

async function openDatabase() {
  const servers = await clusterServers(process.env).catch(() => undefined)
  return (
    servers &&
    openPersistence({
      postgresDsn: servers.POSTGRES_DSN,
      pool: { max: 2 },
      migrationsDir: path.join(packageRoot, 'persistence', 'migrations'),
      clock,
      ids,
      log: silentLogger,
    })
  )
}

/** The first signal ends the drill and cleans up after it; the second ends this process. */
function untilInterrupted(): AbortSignal {
  const abort = new AbortController()
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(signal, () => {
      if (abort.signal.aborted) process.exit(code)
      abort.abort(new Error('interrupted'))
    })
  }
  return abort.signal
}
