import { createServer } from 'node:net'
import { expect } from 'chai'
import { isFailure } from '../../actors/kernel/failure.ts'
import { type OperationsServer, startOperationsServer } from '../../infra/operations-server.ts'
import { Metrics } from '../../infra/telemetry/metrics.ts'
import type { DependencyHealth } from '../../transports/gateway/health.ts'

const journal: DependencyHealth = { name: 'journal', required: true, ok: true, detail: 'answers', remedy: '', ms: 1 }

describe('a process that is no gateway', () => {
  const metrics = new Metrics()
  let dependencies: DependencyHealth[] = [journal]
  let server: OperationsServer
  const parts = {
    host: '127.0.0.1',
    port: 0,
    version: '1.2.3',
    metricsText: () => metrics.registry.metrics(),
    health: async () => ({ ready: true, dependencies }),
  }
  const get = (path: string, init?: RequestInit) => fetch(`${server.url}${path}`, init)

  before(async () => {
    server = await startOperationsServer(parts)
  })
  after(() => server.close())

  it('says that it lives, and with which version', async () => {
    const answer = await get('/healthz')
    expect(answer.status).to.equal(200)
    expect(await answer.json()).to.deep.equal({ status: 'ok', version: '1.2.3' })
  })

  it('is ready while what is required answers, and says what does not', async () => {
    expect((await get('/readyz')).status).to.equal(200)
    dependencies = [{ ...journal, ok: false, detail: 'refused', remedy: 'start it' }]
    const answer = await get('/readyz')
    expect(answer.status).to.equal(503)
    expect(await answer.json()).to.deep.include({ status: 'not-ready', dependencies })
    dependencies = [journal, { ...journal, name: 'redis', required: false, ok: false }]
    expect((await get('/readyz')).status).to.equal(200)
  })

  it('shows its metrics as Prometheus reads them', async () => {
    metrics.shardsOwned('session', 21)
    metrics.takeover('session', 'expired', 1.2)
    const answer = await get('/metrics')
    expect(answer.headers.get('content-type')).to.include('text/plain')
    const text = await answer.text()
    expect(text).to.include('soma_shards_owned{kind="session"} 21')
    expect(text).to.include('soma_shard_takeover_seconds_bucket{le="1.5",kind="session",reason="expired"} 1')
    expect(text).to.include('soma_shard_takeover_seconds_bucket{le="1",kind="session",reason="expired"} 0')
  })

  it('has nothing else', async () => {
    expect((await get('/v1/sessions')).status).to.equal(404)
    expect((await get('/v1/session/message', { method: 'POST', body: '{}' })).status).to.equal(404)
  })

  it('names a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as { port: number }
    const failure = await startOperationsServer({ ...parts, port }).catch((error: unknown) => error)
    other.close()
    expect(isFailure(failure, 'PORT_IN_USE')).to.equal(true)
  })
})
