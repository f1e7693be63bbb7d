import { expect } from 'chai'
import { crashDrill, removeTraces } from '../../supervisors/drills/crash.ts'
import { table } from '../../supervisors/drills/report.ts'
import { somaMain } from '../support/service.ts'

describe('crash drill', () => {
  it('loses nothing and repeats nothing over 8 kills (long form: npm run drill:crash)', async function () {
    this.timeout(240_000)
    this.slow(60_000)
    const lines: string[] = []
    const report = await crashDrill({
      kills: 8,
      sessions: 40,
      seed: 20,
      thinkMs: [50, 1_000],
      program: [somaMain, 'serve'],
      progress: (line) => lines.push(line),
    })
    // The table says what went wrong better than any single figure.
    expect(report.passed, `${lines.join('\n')}\n${table(report)}`).to.equal(true)
    expect(report.kills).to.equal(8)
    expect(report.verdict.accepted).to.be.greaterThan(40)
    expect(report.streamBreaks).to.be.greaterThan(40)
    removeTraces(report)
  })
})
