import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { packageRoot } from '../../infra/package-root.ts'
import { freePort } from '../../supervisors/drills/service-process.ts'
import type { BenchRow } from './bench-row.ts'
import { BenchService } from './bench-service.ts'
import { bytes, distribution, ms } from './figures.ts'
import { residentBytes } from './process-usage.ts'

/** Start to /readyz: the first start makes the database, every later one opens it. Stopped in good order in between. */
const WARM_STARTS = 5

export async function run(): Promise<BenchRow[]> {
  const service = await BenchService.prepare({ fresh: true })
  try {
    const cold = await timeToReady(service)
    const coldBytes = residentBytes(service.process.pid)
    await service.process.stop()
    const warm: number[] = []
    let warmBytes: number | undefined
    for (let start = 0; start < WARM_STARTS; start++) {
      warm.push(await timeToReady(service))
      warmBytes = residentBytes(service.process.pid)
      await service.process.stop()
    }
    const npm: number[] = []
    for (let start = 0; start < WARM_STARTS; start++) npm.push(await npmStart(service.dataDir))
    return [
      { what: 'boot, first start', value: ms(cold), note: resident(coldBytes) },
      { what: 'boot, warm', value: distribution(warm, 'max'), goal: '<= 2 s', note: resident(warmBytes) },
      { what: 'boot, warm, by npm start', value: distribution(npm, 'max'), goal: '<= 2 s' },
    ]
  } finally {
    await service.release()
  }
}

function resident(size: number | undefined): string {
  return size === undefined ? '' : `RSS at ready ${bytes(size)}`
}

async function timeToReady(service: BenchService): Promise<number> {
  const from = performance.now()
  service.process.start()
  await service.process.ready()
  return performance.now() - from
}

/** A group of its own, so that the service goes too when npm does not pass a signal on. */
async function npmStart(dataDir: string): Promise<number> {
  const port = await freePort()
  const from = performance.now()
  const child = spawn('npm', ['start'], {
    cwd: packageRoot,
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, SOMA_PORT: String(port), SOMA_DATA_DIR: dataDir, SOMA_MODEL: 'rehearsal/echo' },
  })
  const gone = once(child, 'exit')
  const end = () => process.kill(-(child.pid as number), 'SIGKILL')
  process.once('exit', end)
  try {
    while (child.exitCode === null) {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
      await answer?.arrayBuffer()
      if (answer?.status === 200) return performance.now() - from
      await pause(15)
    }
    throw new Error(`npm start ended: exit ${child.exitCode}`)
  } finally {
    process.off('exit', end)
    if (child.exitCode === null) end()
    await gone
  }
}
