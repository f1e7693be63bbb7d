import { expect } from 'chai'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { systemClock as clock, systemIds as ids } from '../../infra/clock.ts'
import { loadConfig } from '../../infra/config/config.ts'
import { checkDependencies, healthDocument, summaryLines } from '../../infra/dependencies.ts'
import { probesOf } from '../../infra/probes/configured.ts'
import { type Probe, runProbe } from '../../infra/probes/probe.ts'
import { freePort } from '../../supervisors/drills/service-process.ts'
import { type OddServer, oldRedis } from '../support/odd-servers.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const means = { clock, ids, log: silentLogger }

describe('dependencies', () => {
  const servers: OddServer[] = []
  afterEach(() => Promise.all(servers.splice(0).map((it) => it.stop())))

  it('S4: with nothing configured there is nothing to look at', async () => {
    expect(await probesOf(loadConfig({}))).to.deep.equal([])
    expect(await checkDependencies(loadConfig({}), means)).to.deep.equal({ ready: true, dependencies: [] })
  })

  it('S2: waits for one that comes up meanwhile, and says so once', async () => {
    const port = await freePort()
    const said: string[] = []
    const warn = (_fields: object, text: string) => {
      said.push(text)
      void oldRedis('7.2.0', port).then((it) => servers.push(it))
    }
    const config = loadConfig({ REDIS_URL: `redis://127.0.0.1:${port}`, SOMA_REQUIRED: 'redis' })
    const report = await checkDependencies(config, { ...means, log: { ...silentLogger, warn } })
    expect(report.ready).to.equal(true)
    expect(summaryLines(report)).to.have.length(1)
    expect(summaryLines(report)[0]).to.match(/^redis ok: Redis 7\.2\.0 at 127\.0\.0\.1:\d+ \(REDIS_URL\) \(\d+ ms\)$/)
    expect(said).to.have.length(1)
    expect(said[0]).to.include('looked at again for 20 s')
  })

  it('S3: looks once at what is not required, and goes on', async () => {
    const port = await freePort()
    const report = await checkDependencies(loadConfig({ REDIS_URL: `redis://:hunter22@127.0.0.1:${port}` }), means)
    expect(report.ready).to.equal(true)
    expect(report.dependencies[0]).to.include({ name: 'redis', ok: false, required: false, cause: 'refused' })
    const document = healthDocument(report, { process: 'node-1', version: '1.2.3', now: 0 })
    expect(document).to.deep.include({
      v: 1,
      type: 'soma.health',
      occurred_at: '1970-01-01T00:00:00.000Z',
      ready: true,
    })
    expect(JSON.stringify(document)).to.include('nothing listens').and.not.to.include('hunter22')
  })

  it('P1: a look ends within its limit, whatever the other side does', async () => {
    const hand = new VirtualClock()
    let given: AbortSignal | undefined
    const never: Probe = {
      name: 'odd',
      required: true,
      place: { address: 'a:1', variable: 'A_URL' },
      look: (signal) => {
        given = signal
        return new Promise(() => {})
      },
    }
    const found = runProbe(never, hand, 4_000)
    hand.advance(4_000)
    expect(await found).to.deep.include({ ok: false, cause: 'unresponsive', ms: 4_000 })
    expect((await found).detail)
      .to.include('a:1 (A_URL)')
      .and.to.include('4 s')
    expect(given?.aborted).to.equal(true)
  })
})
