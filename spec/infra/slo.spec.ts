import { expect } from 'chai'
import fc from 'fast-check'
import { Metrics } from '../../infra/telemetry/metrics.ts'
import { percentile, pointBetween } from '../../infra/telemetry/slo-points.ts'
import { SloRecorder } from '../../infra/telemetry/slo-recorder.ts'
import { type SloSample, sampleOf } from '../../infra/telemetry/slo-sample.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

describe('service levels of the console', () => {
  const sample = (
    process: string,
    counters: Record<string, number>,
    gauges: Record<string, number> = {},
  ): SloSample => ({
    process,
    counters,
    gauges,
  })
  const between = (before: readonly SloSample[], now: readonly SloSample[]) =>
    pointBetween(new Map(before.map((it) => [it.process, it])), now, { at: 1, seconds: 5, processes: now.length })

  it('add up what rose in every process, and rates are a second’s', () => {
    const point = between(
      [sample('a', { asked: 100, turns: 10 }), sample('b', { asked: 50 })],
      [sample('a', { asked: 110, turns: 30 }), sample('b', { asked: 55, refused: 3 })],
    )
    expect(point.acceptedPerSecond).to.equal(3)
    expect(point.turnsPerSecond).to.equal(4)
    expect(point.acceptAvailability).to.equal(0.8)
  })

  it('a process that was started again, or is seen for the first time, brings nothing of its past', () => {
    const point = between([sample('a', { turns: 1_000 })], [sample('b', { turns: 900 }, { lag: 7 })])
    expect(point.turnsPerSecond).to.equal(0)
    expect(point.mailboxLag).to.equal(7)
  })

  it('say nothing where nothing was asked, instead of all being well', () => {
    const point = between([sample('a', { asked: 5 })], [sample('a', { asked: 5 })])
    expect(point.acceptAvailability).to.equal(null)
    expect(point.turnSeconds).to.equal(null)
  })

  it('a dead letter that every gateway counts is one letter', () => {
    expect(
      between([], [sample('a', {}, { 'dead letters': 3 }), sample('b', {}, { 'dead letters': 3 })]).deadLetters,
    ).to.equal(3)
  })

  it('a percentile is what histogram_quantile says of the same buckets', () => {
    // promtool: histogram_quantile(0.95, …) of 0.1: 50, 0.25: 90, 1: 98, +Inf: 100.
    const risen = { 'turn<=0.1': 50, 'turn<=0.25': 90, 'turn<=1': 98, 'turn<=+Inf': 100 }
    expect(percentile(0.95, 'turn', risen)).to.be.closeTo(0.71875, 1e-9)
    expect(percentile(0.5, 'turn', risen)).to.be.closeTo(0.1, 1e-9)
    expect(percentile(0.999, 'turn', risen), 'above the last bound').to.equal(1)
  })

  it('a percentile lies within the bounds, and never falls as it is asked for more', () => {
    const histogram = fc.array(fc.nat(1_000), { minLength: 4, maxLength: 4 }).map((counts) => {
      let sum = 0
      const running = (count: number) => {
        sum += count
        return sum
      }
      const le = ['0.1', '0.5', '2', '+Inf']
      return Object.fromEntries(counts.map((count, i) => [`x<=${le[i]}`, running(count)]))
    })
    fc.assert(
      fc.property(
        histogram,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (risen, p, q) => {
          const [low, high] = [Math.min(p, q), Math.max(p, q)].map((it) => percentile(it, 'x', risen))
          if (low === null || high === null) return low === null && high === null
          return low !== undefined && high !== undefined && low <= high + 1e-9 && low >= 0 && high <= 2
        },
      ),
    )
  })

  it('are taken from the metrics that Prometheus scrapes', async () => {
    const metrics = new Metrics()
    metrics.request('POST', '/v1/session/message', 200, 0.02)
    metrics.request('POST', '/v1/session/message', 503, 0.02)
    metrics.request('GET', '/v1/sessions', 500, 0.02)
    metrics.takeover('session', 'expired', 1.2)
    metrics.takeover('session', 'released', 0.1)
    metrics.active('session', 1)
    const { counters, gauges } = await sampleOf(metrics.registry, 'a')
    expect(counters.asked).to.equal(2)
    expect(counters.refused).to.equal(1)
    expect(counters['accept<=0.025'], 'of messages alone').to.equal(2)
    expect(counters['takeover<=+Inf'], 'of dead owners alone').to.equal(1)
    expect(gauges['active session']).to.equal(1)
    expect(gauges.memory).to.be.above(1e6)
  })

  it('keep an hour and no more, and count whom nobody heard', async () => {
    const clock = new VirtualClock()
    let turns = 0
    const samples = async () => {
      turns += 5
      return [sample('a', { turns }), undefined]
    }
    const recorder = new SloRecorder({ samples, clock, everyMs: 1_000, keptMs: 10_000 })
    for (let n = 0; n < 30; n++) {
      await recorder.look()
      clock.advance(1_000)
    }
    const points = recorder.points(0)
    expect(points.length).to.be.within(10, 11)
    expect(points.at(-1)).to.include({ processes: 2, answered: 1, turnsPerSecond: 5 })
    expect(recorder.points(clock.now() - 2_500)).to.have.length(2)
  })

  it('a round that fails leaves a gap, and the next goes on', async () => {
    const clock = new VirtualClock()
    let fails = false
    const recorder = new SloRecorder({
      samples: async () => {
        if (fails) throw new Error('no')
        return [sample('a', { turns: clock.now() / 1_000 })]
      },
      clock,
    })
    for (const failing of [false, true, false]) {
      fails = failing
      await recorder.look()
      clock.advance(5_000)
    }
    expect(recorder.points(-1)).to.have.length(1)
  })
})
