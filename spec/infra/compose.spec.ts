import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'chai'
import { parse } from 'yaml'
import { loadConfig } from '../../infra/config/config.ts'
import { variables } from '../../infra/config/config-variables.ts'
import { packageRoot } from '../../infra/package-root.ts'
import { topics } from '../../transports/kafka/topics.ts'

interface Service {
  readonly image: string
  readonly profiles: readonly string[]
  readonly build?: { readonly dockerfile: string }
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly ports?: readonly string[]
  readonly expose?: readonly number[]
  readonly networks: readonly string[] | Readonly<Record<string, null>>
  readonly volumes?: readonly string[]
  readonly mem_limit?: string
  readonly cpus?: number
  readonly pids_limit?: number
  readonly healthcheck?: object
  readonly restart?: string
}

const read = (file: string) => readFileSync(path.join(packageRoot, file), 'utf8')
const text = read('compose.yaml')
const written = parse(text, { merge: true }) as { readonly services: Readonly<Record<string, Service>> }
const services = Object.entries(written.services)
const ours = services.filter(([, { build }]) => build)

/** Values as `--env-file` gives them. */
function envFile(file: string): Record<string, string> {
  const lines = read(file)
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line))
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

/** `${NAME:-default}`, `${NAME:?words}`, `${NAME}`, as compose fills them in; undefined for a mandatory one without a value. */
function filled(value: string, env: Readonly<Record<string, string>>): string | undefined {
  let complete = true
  const result = value.replaceAll(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, kind?: string, word = '') => {
    if (env[name]) return env[name]
    if (kind === '?') complete = false
    return kind === '-' ? word : ''
  })
  return complete ? result : undefined
}

function environmentOf(service: Service, env: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(service.environment ?? {})
  return Object.fromEntries(entries.map(([name, value]) => [name, filled(String(value), env) ?? '']))
}

const dev = envFile('infra/compose/dev.env')
const prod = {
  KAFKA_CLUSTER_ID: 'c29tYWFnZW50LXByb2QtMQ',
  POSTGRES_PASSWORD: 'a1b2c3',
  REDIS_PASSWORD: 'd4e5f6',
  GATEWAY_JWT_SECRET: 'x'.repeat(48),
  OPENAI_API_KEY: 'sk-z',
}

describe('compose.yaml', () => {
  it('has two gateways and three nodes of one image, that run commands of ours', () => {
    const commands = ours.map(([name, { command }]) => `${name} ${command}`)
    expect(commands).to.deep.equal([
      'gateway-1 gateway',
      'gateway-2 gateway',
      'node-1 node',
      'node-2 node',
      'node-3 node',
    ])
    expect(new Set(ours.map(([, { image }]) => image)).size).to.equal(1)
    for (const [, { build }] of ours) expect(existsSync(path.join(packageRoot, build?.dockerfile ?? ''))).to.equal(true)
  })

  it('gives our processes variables that exist, with values that they take, in both profiles', () => {
    for (const [name, service] of ours) {
      const names = Object.keys(service.environment ?? {})
      expect(
        names.filter((variable) => !(variable in variables)),
        name,
      ).to.deep.equal([])
      for (const env of [dev, prod]) {
        const config = loadConfig(environmentOf(service, env))
        expect(config.warnings, name).to.deep.equal([])
        expect(config.cluster?.name).to.equal(name)
        expect(config.gateway.auth.mode).to.equal('jwt')
        expect(service.expose).to.deep.equal([config.gateway.port])
      }
    }
  })

  it('reaches every server at a service it has, at a port which that one exposes', () => {
    for (const [name, service] of ours) {
      const { environment = {} } = service
      const addresses = ['POSTGRES_DSN', 'REDIS_URL', 'OPA_URL'].map((variable) => {
        const url = new URL(filled(String(environment[variable]), prod) as string)
        return [url.hostname, Number(url.port)] as const
      })
      const brokers = (filled(String(environment.KAFKA_BOOTSTRAP_SERVERS), prod) as string).split(',')
      expect(brokers).to.have.length(3)
      for (const broker of brokers) addresses.push([broker.split(':')[0] as string, Number(broker.split(':')[1])])
      for (const [host, port] of addresses)
        expect(written.services[host]?.expose, `${name} -> ${host}`).to.include(port)
    }
  })

  it('leaves topics to the service: brokers make none by themselves, and can hold as many copies as are asked for', () => {
    const brokers = services.filter(([name]) => name.startsWith('kafka-') && name !== 'kafka-exporter')
    for (const [, { environment }] of brokers) expect(environment?.KAFKA_AUTO_CREATE_TOPICS_ENABLE).to.equal('false')
    for (const [env, profile] of [
      [dev, 'dev'],
      [prod, 'prod'],
    ] as const) {
      const running = brokers.filter(([, { profiles }]) => profiles.includes(profile))
      const [, first] = running[0] as [string, Service]
      const { KAFKA_CONTROLLER_QUORUM_VOTERS: voters, KAFKA_DEFAULT_REPLICATION_FACTOR: copies } = environmentOf(
        first,
        env,
      )
      expect(voters?.split(',')).to.have.length(running.length)
      expect(Number(copies)).to.equal(running.length)
      const [, gateway] = ours[0] as [string, Service]
      expect(environmentOf(gateway, env).SOMA_TOPIC_REPLICATION).to.equal(copies)
    }
    for (const { name } of topics) expect(text, 'no topic is named here, so none can differ').not.to.include(` ${name}`)
  })

  it('pins every image, and limits memory, processors and processes of every service', () => {
    for (const [name, service] of services) {
      expect(filled(service.image, {}), name).to.match(/:v?\d+\.\d+\.\d+[\w.-]*$|^postgres:\d+\.\d+$/)
      expect(service, name).to.have.property('mem_limit')
      expect(service, name).to.have.property('cpus')
      expect(service, name).to.have.property('pids_limit')
      expect(service, name).to.have.property('restart')
    }
  })

  it('looks after the health of every service; that of ours is in the image', () => {
    const without = services.filter(([, { healthcheck, build }]) => !healthcheck && !build).map(([name]) => name)
    expect(without).to.deep.equal(['openfga-migrate'])
    expect(read('infra/Dockerfile')).to.match(/^HEALTHCHECK .*\n {2}CMD \["node", .*\/healthz/m)
  })

  it('publishes gateways and Prometheus, on this machine alone; what holds data has no way out', () => {
    const published = services.filter(([, { ports }]) => ports)
    expect(published.map(([name]) => name)).to.deep.equal(['gateway-1', 'gateway-2', 'prometheus'])
    for (const [, { ports }] of published) for (const port of ports ?? []) expect(port).to.match(/^127\.0\.0\.1:/)
    const outside = services
      .filter(([, { networks }]) => (networks as string[]).includes('outside'))
      .map(([name]) => name)
    expect(outside).to.deep.equal([...ours.map(([name]) => name), 'prometheus'])
    expect(text).to.match(/\n {2}inside: \{ internal: true \}/)
  })

  it('has no password of its own', () => {
    for (const name of ['KAFKA_CLUSTER_ID', 'POSTGRES_PASSWORD', 'REDIS_PASSWORD', 'GATEWAY_JWT_SECRET']) {
      const uses = [...text.matchAll(new RegExp(`\\$\\{${name}([^}]*)\\}`, 'g'))]
      expect(uses.length, name).to.be.greaterThan(0)
      for (const [, rest] of uses) expect(rest, name).to.match(/^:\?./)
      expect(envFile('infra/compose/prod.env.example')[name], 'an example is empty').to.equal('')
    }
  })

  it('takes nothing from an env file that it does not name', () => {
    const named = new Set([...text.matchAll(/\$\{(\w+)/g)].map(([, name]) => name))
    for (const file of ['infra/compose/dev.env', 'infra/compose/prod.env.example']) {
      expect(
        Object.keys(envFile(file)).filter((name) => !named.has(name)),
        file,
      ).to.deep.equal([])
    }
  })

  it('mounts files that are there', () => {
    const mounted = services.flatMap(([, { volumes = [] }]) => volumes.filter((volume) => volume.startsWith('./')))
    expect(mounted.length).to.be.greaterThan(2)
    const gone = mounted
      .map((volume) => volume.split(':')[0] as string)
      .filter((it) => !existsSync(path.join(packageRoot, it)))
    expect(gone).to.deep.equal([])
  })
})

describe('the image', () => {
  const lines = read('infra/Dockerfile').split('\n')

  it('runs as nobody in particular, of a base that is pinned and supported', () => {
    const bases = lines.filter((line) => line.startsWith('FROM ')).map((line) => line.split(' ')[1])
    expect(new Set(bases).size).to.equal(1)
    expect(bases[0]).to.match(/^node:\d+\.\d+\.\d+-/)
    expect(lines.lastIndexOf('USER node')).to.be.greaterThan(lines.findLastIndex((line) => line.startsWith('COPY ')))
  })

  it('copies what is there, and what .dockerignore lets through', () => {
    const ignored = read('.dockerignore').split('\n')
    const sent = new Set(ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1)))
    const copied = lines.flatMap((line) => [...line.matchAll(/\/build\/(\S+)/g)].map(([, file]) => file as string))
    const first =
      lines
        .find((line) => line.startsWith('COPY package.json'))
        ?.split(' ')
        .slice(1, -1) ?? []
    const made = new Set(['node_modules', 'dist'])
    for (const file of [...copied, ...first].filter((it) => !made.has(it))) {
      expect(existsSync(path.join(packageRoot, file)), file).to.equal(true)
      expect(sent, file).to.include(file.split('/')[0])
    }
  })
})

const composeProgram = ['docker-compose', 'docker'].find((it) => spawnSync(it, ['--version']).status === 0)

describe('docker-compose config', function () {
  this.timeout(60_000)
  const command = composeProgram === 'docker' ? ['compose'] : []
  const config = (profile: string, env?: string) =>
    spawnSync(
      composeProgram ?? 'docker-compose',
      [...command, '-f', 'compose.yaml', ...(env ? ['--env-file', env] : []), '--profile', profile, 'config'],
      { cwd: packageRoot, encoding: 'utf8', env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' } },
    )

  before(function () {
    if (composeProgram) return
    if (process.env.CI) throw new Error('docker-compose is not installed: apt-get install docker-compose')
    this.skip()
  })

  it('finds nothing wrong with dev.env', () => {
    const { status, stdout, stderr } = config('dev', 'infra/compose/dev.env')
    expect(stderr).to.equal('')
    expect(status).to.equal(0)
    expect(stdout).to.include('postgres://soma:dev@postgres:5432/soma')
  })

  it('refuses to start production without its secrets, and says which', () => {
    const { status, stderr } = config('prod', 'infra/compose/prod.env.example')
    expect(status).not.to.equal(0)
    expect(stderr).to.match(/KAFKA_CLUSTER_ID|POSTGRES_PASSWORD|REDIS_PASSWORD|GATEWAY_JWT_SECRET|letters and digits/)
  })
})
