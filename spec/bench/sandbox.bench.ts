import { silentLogger } from '../../actors/kernel/telemetry.ts'
import type { Language } from '../../actors/tool/catalogue/code/sandbox.ts'
import { systemClock as clock } from '../../infra/clock.ts'
import { CapsulePool } from '../../infra/sandbox/capsule-pool.ts'
import type { BenchRow } from './bench-row.ts'
import { distribution } from './figures.ts'

/**
 * What a model waits for a small program: cold (the first of its language, nothing is started yet) and warm (a spare waits,
 * as it does a moment after each program). Warm runs leave the next spare the time to get ready, as a model's own call does.
 */
const COLD = 5
const WARM = 15
const limits = { timeoutMs: 60_000, cpuSeconds: 15, memoryMb: 512, outputBytes: 200_000, atOnce: 1, allWalls: false }
const programs = { javascript: '[1, 2, 3].map((n) => n * n)', python: 'sum(n * n for n in range(10))' } as const

const signal = new AbortController().signal

async function timed(pool: CapsulePool, language: Language): Promise<number> {
  const from = performance.now()
  const run = await pool.run({ language, code: programs[language], stdin: '', timeoutMs: 60_000 }, signal)
  if (run.end !== 'finished') throw new Error(`${language}: ${run.end} ${run.detail}`)
  return performance.now() - from
}

export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const language of ['javascript', 'python'] as const) {
    const cold: number[] = []
    for (let n = 0; n < COLD; n++) {
      const pool = new CapsulePool(limits, { clock, log: silentLogger })
      cold.push(await timed(pool, language))
      await pool.close()
    }
    const pool = new CapsulePool(limits, { clock, log: silentLogger })
    const warm: number[] = []
    await timed(pool, language)
    for (let n = 0; n < WARM; n++) {
      await pool.spareReady(language)
      warm.push(await timed(pool, language))
    }
    await pool.close()
    rows.push({ what: `code_execute, ${language}, first program`, value: distribution(cold, 'max') })
    rows.push({ what: `code_execute, ${language}, a spare waits`, value: distribution(warm, 'max'), goal: '<= 100 ms' })
  }
  return rows
}
