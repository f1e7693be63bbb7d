import { expect } from 'chai'
import fc from 'fast-check'
import type { Supervision } from '../../actors/kernel/supervision.ts'
import { delay, type FailureHistory, judge, noFailures, type Verdict } from '../../supervisors/restart-policy.ts'

const policy: Supervision = {
  strategy: 'one-for-one',
  restart: 'transient',
  intensity: 3,
  periodMs: 10_000,
  backoff: { baseMs: 100, maxMs: 2_000, jitter: 0.5 },
  shutdownMs: 1_000,
}

/** Verdicts on failures at these times. */
function verdicts(times: readonly number[], over: { counts?: boolean; atOnce?: boolean } = {}): Verdict[] {
  let history: FailureHistory = noFailures
  return times.map((now) => {
    const judged = judge(history, policy, { counts: true, atOnce: false, random: 0, now, ...over })
    history = judged.history
    return judged.verdict
  })
}

const delayed = (restartAfterMs: number) => ({ restartAfterMs })

describe('restart policy', () => {
  it('restarts up to the intensity within the period, and no more (P1)', () => {
    expect(verdicts([0, 1, 2, 3])).to.deep.equal([delayed(100), delayed(200), delayed(400), 'beyond-mending'])
  })

  it('forgets failures older than the period (P1)', () => {
    expect(verdicts([0, 5_000, 9_999, 10_000])).to.not.include('beyond-mending')
    expect(verdicts([0, 5_000, 9_999, 9_999]).at(-1)).to.equal('beyond-mending')
  })

  it('never gives up on what does not count, and still backs off (P2)', () => {
    const many = verdicts(
      Array.from({ length: 50 }, (_, n) => n * 2_000),
      { counts: false },
    )
    expect(many.slice(0, 6)).to.deep.equal([
      delayed(100),
      delayed(200),
      delayed(400),
      delayed(800),
      delayed(1_600),
      delayed(2_000),
    ])
    expect(many.at(-1)).to.deep.equal(delayed(2_000))
  })

  it('starts the backoff anew after a quiet period', () => {
    expect(verdicts([0, 100, 20_000])[2]).to.deep.equal(delayed(100))
  })

  it('restarts at once where that is asked, and counts it', () => {
    expect(verdicts([0, 1, 2, 3], { atOnce: true })).to.deep.equal([
      delayed(0),
      delayed(0),
      delayed(0),
      'beyond-mending',
    ])
  })

  it('keeps every delay within its bounds (P3)', () => {
    fc.assert(
      fc.property(
        fc.record({ baseMs: fc.nat(5_000), maxMs: fc.nat(60_000), jitter: fc.float({ min: 0, max: 1, noNaN: true }) }),
        fc.integer({ min: 1, max: 5_000 }),
        fc.float({ min: 0, max: Math.fround(0.999), noNaN: true }),
        (backoff, streak, random) => {
          const ms = delay(backoff, streak, random)
          expect(ms).to.be.at.least(0)
          expect(ms).to.be.at.most(backoff.maxMs)
          expect(delay(backoff, streak + 1, random)).to.be.at.least(ms)
        },
      ),
    )
  })
})
