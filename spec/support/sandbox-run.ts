import { expect } from 'chai'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import type { Language, ProgramRun } from '../../actors/tool/catalogue/code/sandbox.ts'
import { systemClock as clock } from '../../infra/clock.ts'
import { CapsulePool, type CapsulePoolOptions } from '../../infra/sandbox/capsule-pool.ts'

export const never = new AbortController().signal

/** Small limits, so that bombs go off soon. */
export function poolOf(options: Partial<CapsulePoolOptions> = {}): CapsulePool {
  const usual = { timeoutMs: 10_000, cpuSeconds: 4, memoryMb: 128, outputBytes: 100_000, atOnce: 2, allWalls: false }
  return new CapsulePool({ ...usual, ...options }, { clock, log: silentLogger })
}

export function running(
  pool: CapsulePool,
  language: Language,
  code: string,
  over: { timeoutMs?: number; stdin?: string } = {},
) {
  return pool.run({ language, code, stdin: '', timeoutMs: 8_000, ...over }, new AbortController().signal)
}

/** What a program that tries something, and prints what came of it, must print. */
export function expectHeld(run: ProgramRun, expected: string | RegExp): void {
  const text = `${run.end} ${run.detail ?? ''}\n${run.value ?? ''}\n${run.stdout}\n${run.stderr}`
  if (typeof expected === 'string') expect(text).to.include(expected)
  else expect(text).to.match(expected)
  expect(text).to.not.include('ESCAPED')
}

/** The longest that the event loop of this process did not come round, in ms, while `work` went on. */
export async function loopDelayDuring<T>(work: () => Promise<T>): Promise<{ result: T; delayMs: number }> {
  let worst = 0
  let last = performance.now()
  const tick = setInterval(() => {
    const now = performance.now()
    worst = Math.max(worst, now - last - 5)
    last = now
  }, 5)
  try {
    const result = await work()
    return { result, delayMs: Math.round(worst) }
  } finally {
    clearInterval(tick)
  }
}
