import { expect } from 'chai'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { systemClock, systemIds } from '../../infra/clock.ts'
import { DrillProcesses } from '../../infra/drill-runs.ts'
import { eventually } from '../support/eventually.ts'

describe('drills that are started from the console', () => {
  const order = { name: 'kill-node', sessions: 3, rate: 2, durationSeconds: 1, repeat: 1, inProduction: false }
  const runs = (script: string, offered = [{ name: 'kill-node', what: '' }]) =>
    new DrillProcesses({
      offered,
      gateways: () => ['http://a', 'http://b'],
      clock: systemClock,
      ids: systemIds,
      log: silentLogger,
      program: [process.execPath, '-e', script, '--'],
    })

  it('are told which cluster, how much, and with whose token; and never by an argument', async () => {
    const here = runs(
      'console.log(process.argv.slice(1).join(" ")); console.log(process.env.SOMA_TOKEN, process.env.HIDDEN)',
    )
    process.env.HIDDEN = 'a secret of the gateway'
    await here.start({ ...order, token: 'theirs' })
    await eventually(() => here.list()[0]?.state === 'passed')
    delete process.env.HIDDEN
    expect(here.list()[0]?.lines).to.deep.equal([
      'drill kill-node --cluster http://a,http://b --sessions 3 --rate 2 --duration 1 --repeat 1',
      'theirs undefined',
    ])
  })

  it('fail by their exit code, and say what they said', async () => {
    const here = runs('console.error("lost 1"); process.exitCode = 1')
    await here.start(order)
    await eventually(() => here.list()[0]?.state === 'failed')
    expect(here.list()[0]?.lines).to.deep.equal(['lost 1'])
  })

  it('run one at a time, and can be stopped', async () => {
    const here = runs('process.on("SIGINT", () => process.exit(130)); setInterval(() => {}, 1e6); console.log("on")')
    const { id } = await here.start(order)
    await eventually(() => here.list()[0]?.lines.length === 1)
    expect(await here.start(order).catch((error) => error.code)).to.equal('DRILL_BUSY')
    expect(here.stop(id)).to.equal(true)
    await eventually(() => here.list()[0]?.finishedAt !== undefined)
    expect(here.list()[0]?.state).to.equal('stopped')
    expect(here.stop(id), 'once').to.equal(false)
  })

  it('are refused when they need another cluster than this, or there is none', async () => {
    const unknown = await runs('')
      .start({ ...order, name: 'cut-kafka' })
      .catch((error) => error)
    expect(unknown.code).to.equal('DRILL_REFUSED')
    expect(unknown.detail).to.include('kill-node')
    const alone = await runs('', [])
      .start(order)
      .catch((error) => error)
    expect(alone.detail).to.include('need a cluster')
  })

  it('keep the latest lines of one that talks without end', async () => {
    const here = runs('for (let n = 0; n < 2000; n++) console.log("line " + n)')
    await here.start(order)
    await eventually(() => here.list()[0]?.state === 'passed')
    expect(here.list()[0]?.lines).to.have.length(500)
    expect(here.list()[0]?.lines.at(-1)).to.equal('line 1999')
  })
})
