import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'chai'
import { parse } from 'yaml'
import { SHARDS_PER_KIND } from '../../actors/kernel/address.ts'
import { packageRoot } from '../../infra/package-root.ts'
import { Metrics } from '../../infra/telemetry/metrics.ts'
import { describeNeeding } from '../support/needs.ts'
import { documentedQueries, metricsIn, rules, scrapeConfig } from '../support/promql.ts'

/** What others emit, of which the rules ask: `up` is Prometheus' own, the rest that of the exporters in compose.yaml. */
const ofOthers = new Set(['up', 'pg_up', 'redis_up', 'kafka_topic_partition_under_replicated_partition'])

interface Registered {
  readonly name: string
  readonly labelNames: readonly string[]
  readonly constructor: { readonly name: string }
}

function emitted(): Set<string> {
  const registered = new Metrics().registry.getMetricsAsArray() as unknown as readonly Registered[]
  const names = registered.flatMap((metric) =>
    metric.constructor.name === 'Histogram'
      ? [`${metric.name}_bucket`, `${metric.name}_sum`, `${metric.name}_count`]
      : [metric.name],
  )
  return new Set(names)
}

describe('rules and queries of Prometheus', () => {
  const recorded = new Set(rules().flatMap(({ record }) => record ?? []))
  const known = new Set([...emitted(), ...ofOthers, ...recorded])

  it('ask only for metrics that are emitted, recorded, or of a listed exporter', () => {
    const unknown = rules().flatMap(({ record, alert, expr }) =>
      metricsIn(expr)
        .filter((name) => !known.has(name))
        .map((name) => `${record ?? alert}: ${name}`),
    )
    expect(unknown).to.deep.equal([])
    expect(rules().length).to.be.greaterThan(30)
  })

  it('ask only for labels that those metrics have', () => {
    const registered = new Metrics().registry.getMetricsAsArray() as unknown as readonly Registered[]
    const labels = new Map(registered.map(({ name, labelNames }) => [name, labelNames]))
    const queries = [...rules().map(({ expr }) => expr), ...documentedQueries('docs/SLO.md')]
    const asked = queries.flatMap((expr) =>
      [...expr.matchAll(/\b(\w+?)(?:_bucket|_sum|_count)?\{([^}]*)\}/g)].flatMap(([, name = '', inside = '']) =>
        [...inside.matchAll(/(\w+)\s*[=!]/g)].map(([, label = '']) => ({ name, label })),
      ),
    )
    expect(asked.length).to.be.greaterThan(20)
    const others = new Set(['job', 'instance', 'le'])
    const unknown = asked.filter(({ name, label }) => labels.has(name) && !labels.get(name)?.includes(label))
    expect(unknown.filter(({ label }) => !others.has(label))).to.deep.equal([])
  })

  it('are the same in the documents', () => {
    for (const file of ['docs/SLO.md', 'docs/RUNBOOK.md', 'docs/METRICS.md']) {
      const unknown = documentedQueries(file).flatMap((query) => metricsIn(query).filter((name) => !known.has(name)))
      expect(unknown, file).to.deep.equal([])
    }
    const slo = readFileSync(path.join(packageRoot, 'docs/SLO.md'), 'utf8')
    for (const name of recorded) expect(slo, 'every recorded SLO is documented').to.include(name)
    for (const [name] of slo.matchAll(/slo:[\w:]+/g)) expect(recorded, name).to.include(name)
  })

  it('find a metric that does not exist', () => {
    expect(metricsIn('sum by (le) (rate(soma_nothing_bucket{a="b_c"}[5m])) > 0 or vector(1)')).to.deep.equal([
      'soma_nothing_bucket',
    ])
    expect(known).not.to.include('soma_nothing_bucket')
  })

  it('say what each alert means and what to do, in the runbook', () => {
    const runbook = readFileSync(path.join(packageRoot, 'docs/RUNBOOK.md'), 'utf8')
    const alerts = rules().flatMap(({ alert }) => alert ?? [])
    expect(alerts.filter((alert) => !runbook.includes(`| ${alert} |`))).to.deep.equal([])
    const section = runbook.slice(runbook.indexOf('## Alerts'))
    const told = [...section.matchAll(/^\| ([A-Z][A-Za-z]+\d*) \|/gm)].map(([, name]) => name as string)
    expect(told.filter((name) => !alerts.includes(name))).to.deep.equal([])
  })

  it('count as many shards as there are', () => {
    const counts = rules().flatMap(({ expr }) => [...expr.matchAll(/soma_shards_owned\) ?[/<>] (\d+)/g)])
    expect(counts.length).to.equal(3)
    for (const [, count] of counts) expect(Number(count)).to.equal(SHARDS_PER_KIND)
  })
})

describe('prometheus.yml', () => {
  interface Compose {
    readonly services: Readonly<Record<string, { readonly expose?: readonly (string | number)[] }>>
  }
  const compose = parse(readFileSync(path.join(packageRoot, 'compose.yaml'), 'utf8'), { merge: true }) as Compose
  const targets = scrapeConfig().scrape_configs.flatMap(({ static_configs }) =>
    static_configs.flatMap((config) => config.targets),
  )

  it('scrapes only services of compose.yaml, at ports they have', () => {
    for (const target of targets) {
      const [host, port] = target.split(':') as [string, string]
      expect(compose.services, target).to.have.property(host)
      expect(compose.services[host]?.expose?.map(String), target).to.include(port)
    }
  })

  it('scrapes every service of compose.yaml that has figures, itself or by its exporter', () => {
    const by: Readonly<Record<string, string>> = { postgres: 'postgres-exporter', redis: 'redis-exporter' }
    const scraped = new Set(targets.map((target) => target.split(':')[0]))
    const passing = /^openfga-migrate$/
    const missed = Object.keys(compose.services).filter((name) => {
      const asked = by[name] ?? (/^kafka-\d$/.test(name) ? 'kafka-exporter' : name)
      return !scraped.has(asked) && !passing.test(name)
    })
    expect(missed).to.deep.equal([])
  })
})

describeNeeding(
  'SOMA_TEST_PROMETHEUS',
  'apt-get install prometheus; the path of its binary',
  'promtool',
  (prometheus) => {
    const promtool = path.join(path.dirname(prometheus), 'promtool')
    for (const check of [
      ['check', 'config', 'infra/prometheus.yml'],
      ['check', 'rules', 'infra/alerts.yml'],
    ]) {
      it(`finds nothing wrong: promtool ${check.join(' ')}`, () => {
        const said = execFileSync(promtool, check, { cwd: packageRoot, encoding: 'utf8' })
        expect(said).to.include('SUCCESS')
      })
    }
  },
)
