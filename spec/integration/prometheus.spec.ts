import { spawnSync } from 'node:child_process'
import { expect } from 'chai'
import { type OperationsServer, startOperationsServer } from '../../infra/operations-server.ts'
import { Metrics } from '../../infra/telemetry/metrics.ts'
import { describeNeeding } from '../support/needs.ts'
import { Program, PrometheusServer, type Sample } from '../support/prometheus-server.ts'
import { documentedQueries, rules } from '../support/promql.ts'
import { Service } from '../support/service.ts'
import { SessionListener } from '../support/session-listener.ts'

const PATIENCE_MS = 60_000
const how = 'apt-get install prometheus; the path of its binary'
const { SOMA_TEST_POSTGRES_DSN: dsn, SOMA_TEST_REDIS_URL: redis, SOMA_TEST_OPA_URL: opa } = process.env

/** Exporters that are there for real: of a server that is not, the job is left out of the copy. */
const exporters = [
  {
    job: 'redis',
    binary: 'prometheus-redis-exporter',
    has: redis,
    args: ['-web.listen-address=127.0.0.1:{port}', `-redis.addr=${redis}`],
    env: {},
    up: 'redis_up',
  },
  {
    job: 'postgres',
    binary: 'prometheus-postgres-exporter',
    has: dsn,
    args: ['--web.listen-address=127.0.0.1:{port}'],
    env: { DATA_SOURCE_NAME: `${dsn}?sslmode=disable` },
    up: 'pg_up',
  },
].filter(({ has, binary }) => {
  // In CI it is taken for installed: a spec that cannot start it fails, rather than leave its job out.
  return has && (process.env.CI || spawnSync(binary, ['--version']).error === undefined)
})

describeNeeding('SOMA_TEST_PROMETHEUS', how, 'a real Prometheus on infra/prometheus.yml', (binary) => {
  let service: Service
  let node: OperationsServer
  let prometheus: PrometheusServer
  const programs: Program[] = []
  const targets: Record<string, string[]> = {}
  let rounds = 0

  before(async function () {
    this.timeout(60_000)
    service = await Service.start()
    // Of a process that is no gateway: it owns nothing, and is asked all the same.
    const metrics = new Metrics()
    node = await startOperationsServer({
      host: '127.0.0.1',
      port: 0,
      version: '0.0.0',
      metricsText: () => metrics.registry.metrics(),
      health: async () => ({ ready: true, dependencies: [] }),
    })
    targets['soma-gateway'] = [new URL(service.url).host]
    targets['soma-node'] = [new URL(node.url).host]
    if (opa) targets.opa = [new URL(opa).host]
    for (const { job, binary: exporter, args, env } of exporters) {
      const program = await Program.start(exporter, args, env)
      programs.push(program)
      targets[job] = [`127.0.0.1:${program.port}`]
    }
    prometheus = await PrometheusServer.start(binary, targets)
  })
  after(async () => {
    await prometheus?.release()
    for (const program of programs) await program.stop()
    await node?.close()
    await service?.release()
  })

  /** A turn of a session of its own, with a tool call. */
  async function turn(): Promise<void> {
    const { session_id, event_id } = await service.say(`round ${rounds++}`, 'call echo {"text":"hi"}\nthen\nsay done')
    const listener = await SessionListener.open(service.url, session_id)
    await listener.final(event_id)
    listener.close()
  }

  /** Drives turns until it is so; fails with the last answer. */
  async function until<T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
    const end = performance.now() + PATIENCE_MS
    for (;;) {
      const answer = await ask()
      if (holds(answer)) return answer
      if (performance.now() > end) throw new Error(`it never held; the last answer: ${JSON.stringify(answer)}`)
      await turn()
    }
  }

  it('finds every target up', async function () {
    this.timeout(PATIENCE_MS + 10_000)
    const found = await until(
      () => prometheus.targets(),
      (all) => all.length > 0 && all.every(({ health }) => health === 'up'),
    )
    expect(found.map(({ job }) => job).sort()).to.deep.equal([...Object.keys(targets), 'prometheus'].sort())
    const up = await prometheus.query('up')
    expect(up).to.have.length(found.length)
    for (const { metric, value } of up) expect(value, metric.job).to.equal(1)
  })

  for (const { job, up } of exporters) {
    it(`sees the real server behind the exporter of ${job}`, async function () {
      this.timeout(PATIENCE_MS + 10_000)
      await until(
        () => prometheus.query(up),
        (samples) => samples.some(({ value }) => value === 1),
      )
    })
  }

  it('answers every SLO and every documented query with figures', async function () {
    this.timeout(PATIENCE_MS + 10_000)
    const queries = [...rules().flatMap(({ record }) => record ?? []), ...documentedQueries('docs/SLO.md')]
    expect(queries.length).to.be.greaterThan(25)
    const asked = async () => {
      const answers: [string, readonly Sample[]][] = []
      for (const query of queries) answers.push([query, await prometheus.query(query)])
      return answers.filter(
        ([, samples]) => samples.length === 0 || samples.some(({ value }) => !Number.isFinite(value)),
      )
    }
    await until(asked, (without) => without.length === 0)
    expect(await prometheus.brokenRules()).to.deep.equal([])

    const value = async (query: string) => (await prometheus.query(query)).map((sample) => sample.value)
    expect(await value('slo:accept_availability:ratio_rate5m')).to.deep.equal([1])
    expect(await value('slo:turn_success:ratio_rate5m')).to.deep.equal([1])
    expect(await value('slo:shards_owned:ratio'), 'sessions, tools, memory').to.deep.equal([1, 1, 1])
    expect((await value('slo:turn_latency_seconds:p95_5m'))[0]).to.be.within(0, 5)
  })

  it('pages nobody while all is well, and says so when a process is gone', async function () {
    this.timeout(PATIENCE_MS + 10_000)
    const raised = (await prometheus.alerts()).filter(({ severity }) => severity === 'page')
    expect(raised).to.deep.equal([])
    await service.kill()
    const end = performance.now() + PATIENCE_MS
    let names: string[] = []
    while (!names.includes('NodeDown') && performance.now() < end) {
      names = (await prometheus.alerts()).map(({ name }) => name)
    }
    expect(names).to.include('NodeDown')
  })
})
