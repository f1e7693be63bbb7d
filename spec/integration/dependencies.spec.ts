import { expect } from 'chai'
import { systemIds } from '../../infra/clock.ts'
import { freePort } from '../../supervisors/drills/service-process.ts'
import { httpServer, type OddServer, oldBroker, oldPostgres, oldRedis, silentServer } from '../support/odd-servers.ts'
import {
  type OwnServer,
  ownPostgres,
  ownRedis,
  PASSWORD,
  postgresBinaries,
  redisBinary,
} from '../support/own-servers.ts'
import { ScratchFolder } from '../support/scratch-folder.ts'
import { runSoma, Service, type SomaRun } from '../support/service.ts'
import { describeWith } from '../support/test-services.ts'

const CANNOT_START = 5
const LIMIT_MS = 30_000
const REQUIRED = { SOMA_REQUIRED: 'redis,opa,openfga,somabrain' }

type Env = Record<string, string>
interface Refusal extends SomaRun {
  readonly ms: number
}

/** Where each dependency is looked for, by the port that it is given. */
const addressed: Readonly<Record<string, (port: number, host: string) => Env>> = {
  postgres: (port, host) => ({ POSTGRES_DSN: `postgres://soma:${PASSWORD}@${host}:${port}/soma` }),
  kafka: (port, host) => ({ KAFKA_BOOTSTRAP_SERVERS: `${host}:${port}` }),
  redis: (port, host) => ({ REDIS_URL: `redis://:${PASSWORD}@${host}:${port}` }),
  opa: (port, host) => ({ OPA_URL: `http://${host}:${port}` }),
  openfga: (port, host) => ({ OPENFGA_API_URL: `http://${host}:${port}` }),
  somabrain: (port, host) => ({ SOMA_BASE_URL: `http://${host}:${port}` }),
}
const names = Object.keys(addressed)

describe('a start whose dependencies are not as they should be', function () {
  this.timeout(2 * LIMIT_MS)
  const folder = new ScratchFolder()
  after(() => folder.remove())

  async function start(env: Env): Promise<Refusal> {
    const from = performance.now()
    const base = { SOMA_DATA_DIR: folder.path, SOMA_PORT: '0', SOMA_MODEL: 'rehearsal/echo' }
    const run = await runSoma(['serve'], { ...base, ...env }, '', LIMIT_MS)
    return { ...run, ms: performance.now() - from }
  }

  function expectRefusal(run: Refusal, ...words: readonly (string | RegExp)[]): void {
    expect(run.code, run.stderr).to.equal(CANNOT_START)
    expect(run.ms).to.be.below(LIMIT_MS)
    expect(run.stderr).to.include('DEPENDENCY_UNAVAILABLE')
    for (const word of words) expect(run.stderr).to.match(typeof word === 'string' ? new RegExp(escaped(word)) : word)
    expect(run.stderr + run.stdout).not.to.include(PASSWORD)
  }

  /** One start for all of them: every one is looked at, and every one is told. */
  describe('refused, silent or unknown', () => {
    const ports: Record<string, number> = {}
    const silent: Record<string, OddServer> = {}
    const runs: Record<string, Refusal> = {}

    before(async () => {
      for (const name of names) {
        ports[name] = await freePort()
        silent[name] = await silentServer()
      }
      const env = (port: (name: string) => number, host = '127.0.0.1') =>
        Object.assign({}, REQUIRED, ...names.map((name) => addressed[name]?.(port(name), host)))
      const started = await Promise.all([
        start(env((name) => ports[name] as number)),
        start(env((name) => silent[name]?.port as number)),
        start(env((name) => ports[name] as number, 'nowhere.invalid')),
      ])
      Object.assign(runs, { refused: started[0], silent: started[1], unknown: started[2] })
    })
    after(() => Promise.all(Object.values(silent).map((it) => it.stop())))

    for (const name of names) {
      it(`${name} is not there: where it was looked for, by which variable, and what to do`, () => {
        const variable = Object.keys(addressed[name]?.(0, '') ?? {})[0]
        expectRefusal(
          runs.refused as Refusal,
          new RegExp(`${name}: nothing listens at 127\\.0\\.0\\.1:${ports[name]}(/soma)? \\(${variable}\\)`),
          new RegExp(`Start \\w+ there, or correct ${variable}`),
        )
      })

      it(`${name} takes the connection and says nothing: told apart from one that is not there`, () => {
        expectRefusal(
          runs.silent as Refusal,
          new RegExp(
            `${name}: 127\\.0\\.0\\.1:${silent[name]?.port}(/soma)? \\(\\w+\\) takes the connection and then says nothing`,
          ),
        )
        expect(silent[name]?.connections()).to.be.at.least(2)
      })

      it(`${name} on a host that nobody knows`, () => {
        expectRefusal(runs.unknown as Refusal, new RegExp(`${name}: the host of nowhere\\.invalid:\\d+`), 'DNS')
      })
    }
  })

  describe('too old, or something else', () => {
    const table: readonly [string, string, () => Promise<OddServer>, readonly string[]][] = [
      ['postgres', 'of version 9.6', () => oldPostgres('9.6.24', '90624'), ['Postgres 9.6.24', 'too old', 'Upgrade']],
      ['redis', 'of version 5', () => oldRedis('5.0.14'), ['Redis 5.0.14', 'too old', 'Upgrade']],
      ['kafka', 'of version 0.10', () => oldBroker(2), ['too old', 'Produce it speaks 0 to 2', 'Upgrade']],
      ['kafka', 'that is a web server', () => httpServer(400), ['is not a Kafka broker', 'KAFKA_BOOTSTRAP_SERVERS']],
      ['opa', 'that refuses us', () => httpServer(401), ['refuses our key']],
      ['opa', 'that is something else', () => httpServer(404), ['does not seem to be OPA', 'OPA_URL']],
      ['openfga', 'that is something else', () => httpServer(404), ['does not seem to be OpenFGA', 'OPENFGA_API_URL']],
      ['openfga', 'that refuses us', () => httpServer(403), ['refuses our key']],
      ['somabrain', 'that refuses the key', () => httpServer(401), ['refuses our key', 'SOMA_API_KEY']],
      ['somabrain', 'that is something else', () => httpServer(404), ['does not seem to be SomaBrain']],
    ]
    for (const [name, what, make, words] of table) {
      it(`${name} ${what}: at once, with the remedy`, async () => {
        const server = await make()
        try {
          const env = { ...addressed[name]?.(server.port, '127.0.0.1'), ...required(name) }
          expectRefusal(await start(name === 'kafka' ? { ...env, ...dead } : env), `${name}: `, ...words)
        } finally {
          await server.stop()
        }
      })
    }
  })

  describe('real servers that want a password', () => {
    const binaries = postgresBinaries()
    const redis = redisBinary()
    const servers: OwnServer[] = []
    after(() => Promise.all(servers.map((it) => it.stop())))

    it('Postgres: a wrong password, a wrong database, no TLS; and it starts with the right ones', async function () {
      if (!binaries) return skipOutsideCi(this, 'Postgres is not installed')
      const server = await ownPostgres(binaries)
      servers.push(server)
      const dsn = (password: string, rest: string) => `postgres://soma:${password}@127.0.0.1:${server.port}/${rest}`
      expectRefusal(
        await start({ POSTGRES_DSN: dsn('wrong', 'postgres') }),
        'refuses user soma',
        'Correct user and password',
      )
      expectRefusal(
        await start({ POSTGRES_DSN: dsn(PASSWORD, 'nosuch') }),
        'has no database "nosuch"',
        'createdb nosuch',
      )
      const noTls = await start({ POSTGRES_DSN: dsn(PASSWORD, 'postgres?sslmode=require') })
      expectRefusal(noTls, 'does not speak TLS', 'sslmode')
      const service = await Service.start({ env: { POSTGRES_DSN: dsn(PASSWORD, 'postgres') } })
      const { body } = await service.get('/readyz')
      await service.release()
      expect(body.dependencies.find(({ name }: { name: string }) => name === 'postgres').detail).to.match(
        /^Postgres \d+/,
      )
    })

    it('Redis: a wrong password, none, a wrong database number', async function () {
      if (!redis) return skipOutsideCi(this, 'Redis is not installed')
      const server = await ownRedis(redis)
      servers.push(server)
      const url = (rest: string) => ({ REDIS_URL: `redis://${rest}`, ...required('redis') })
      const at = `127.0.0.1:${server.port}`
      expectRefusal(await start(url(`:wrong@${at}`)), 'refuses the user or password', 'Correct REDIS_URL')
      expectRefusal(await start(url(at)), 'wants a password')
      expectRefusal(await start(url(`:${PASSWORD}@${at}/99`)), 'has no database of that number')
      const tls = { REDIS_URL: `rediss://:${PASSWORD}@${at}`, ...required('redis') }
      expectRefusal(await start(tls), 'does not speak TLS', 'Write redis://')
    })
  })

  it('one that is not required degrades: it is said, and the service is ready', async () => {
    const port = await freePort()
    const env = { REDIS_URL: `redis://127.0.0.1:${port}`, SOMA_BASE_URL: `http://127.0.0.1:${port}` }
    const service = await Service.start({ env })
    try {
      const { status, body } = await service.get('/readyz')
      expect(status).to.equal(200)
      for (const name of ['redis', 'somabrain']) {
        const found = body.dependencies.find((it: { name: string }) => it.name === name)
        expect(found).to.include({ ok: false, required: false })
        expect(found.detail).to.include(`nothing listens at 127.0.0.1:${port}`)
      }
      const { stdout, code } = await service.soma(['doctor'])
      expect(code).to.equal(1)
      expect(stdout).to.include('A start goes on without it')
    } finally {
      await service.release()
    }
  })

  it('a name in SOMA_REQUIRED that means nothing, or is not configured: CONFIG_INVALID', async () => {
    expect((await start({ SOMA_REQUIRED: 'redsi' })).stderr)
      .to.include('CONFIG_INVALID')
      .and.to.include('did you mean redis')
    expect((await start({ SOMA_REQUIRED: 'opa' })).stderr).to.include('not configured: set OPA_URL')
  })

  describeWith('kafka', 'a real broker without SASL', (brokers) => {
    it('spoken to with a password: which setting does not fit', async () => {
      const sasl = {
        KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT',
        KAFKA_SASL_USERNAME: 'soma',
        KAFKA_SASL_PASSWORD: PASSWORD,
      }
      const run = await start({ KAFKA_BOOTSTRAP_SERVERS: brokers, ...sasl, ...dead })
      expectRefusal(run, 'kafka: ', 'takes no SASL PLAIN', 'KAFKA_SECURITY_PROTOCOL')
    })

    it('spoken to with TLS: which setting does not fit', async () => {
      const run = await start({ KAFKA_BOOTSTRAP_SERVERS: brokers, KAFKA_SECURITY_PROTOCOL: 'SSL', ...dead })
      expectRefusal(run, 'kafka: ', 'without TLS', 'KAFKA_SECURITY_PROTOCOL')
    })
  })

  describeWith('opa', 'a real OPA', (url) => {
    it('without a decision at the path', async () => {
      const path = `/v1/data/nosuch_${systemIds.uuid().replaceAll('-', '')}/allow`
      const run = await start({ OPA_URL: url, POLICY_DATA_PATH: path, ...required('opa') })
      expectRefusal(run, `there is no decision at ${path}`, 'soma.rego')
    })
  })

  describeWith('openfga', 'a real OpenFGA', (url) => {
    it('without the store', async () => {
      const run = await start({ OPENFGA_API_URL: url, OPENFGA_STORE_ID: 'nosuch-store', ...required('openfga') })
      expectRefusal(run, 'has no store nosuch-store', 'openfga:prepare')
    })
  })

  describeWith('postgres', 'Kafka in a cluster with a real Postgres', (dsn) => {
    it('is required: the start names it alone', async () => {
      const port = await freePort()
      const run = await start({ POSTGRES_DSN: dsn, KAFKA_BOOTSTRAP_SERVERS: `127.0.0.1:${port}` })
      expectRefusal(run, `DEPENDENCY_UNAVAILABLE: kafka: nothing listens at 127.0.0.1:${port}`)
      expect(run.stdout).to.match(/postgres ok: Postgres \d+/)
    })
  })
})

/** A cluster needs a Postgres to be named; what is wrong with the broker is for good, so nobody waits for this one. */
const dead = { POSTGRES_DSN: 'postgres://soma@127.0.0.1:1/soma' }

const required = (name: string): Env => (name in { postgres: 0, kafka: 0 } ? {} : { SOMA_REQUIRED: name })

function skipOutsideCi(context: Mocha.Context, why: string): void {
  if (process.env.CI) throw new Error(why)
  context.skip()
}

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
