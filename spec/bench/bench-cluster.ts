import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { freePort, ServiceProcess } from '../../supervisors/drills/service-process.ts'
import { ScratchFolder } from '../support/scratch-folder.ts'
import { freshDatabase, freshTopics } from '../support/test-services.ts'
import type { BenchServers } from './bench-servers.ts'

const somaMain = fileURLToPath(new URL('../../infra/soma-main.js', import.meta.url))

/** `all`: one process with every role of a cluster. */
export type BenchRole = 'gateway' | 'node' | 'all'

/** Roles of the members, and node's own arguments of each (a debugger's port). */
export interface BenchMember {
  readonly role: BenchRole
  readonly node?: readonly string[]
}

/**
 * Processes of a cluster as its users run them, on given servers, with a database and topics of their own that go with
 * them. Members join one after another: a figure of two nodes and one of three come from the same cluster.
 */
export class BenchCluster {
  readonly members: { readonly role: BenchRole; readonly process: ServiceProcess }[] = []
  readonly dsn: string
  readonly topicPrefix: string
  readonly #folder = new ScratchFolder()
  readonly #env: Readonly<Record<string, string>>
  readonly #drop: () => Promise<void>

  private constructor(dsn: string, topicPrefix: string, env: Record<string, string>, drop: () => Promise<void>) {
    this.dsn = dsn
    this.topicPrefix = topicPrefix
    this.#env = env
    this.#drop = drop
  }

  /** `env`: an empty value takes a variable away. */
  static async start(
    servers: BenchServers,
    members: readonly (BenchMember | BenchRole)[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<BenchCluster> {
    const { dsn, drop } = await freshDatabase(servers.postgres)
    const topics = freshTopics(servers.kafka)
    const settings = {
      KAFKA_BOOTSTRAP_SERVERS: servers.kafka,
      POSTGRES_DSN: dsn,
      REDIS_URL: servers.redis,
      SOMA_TOPIC_PREFIX: topics.prefix,
      SOMA_MODEL: 'rehearsal/echo',
      LOG_LEVEL: 'warn',
      SOMA_LOG_FORMAT: 'json',
      ...env,
    }
    const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== ''))
    const cluster = new BenchCluster(dsn, topics.prefix, given, async () => {
      await drop()
      await topics.drop()
    })
    try {
      for (const member of members) await cluster.join(member)
      return cluster
    } catch (error) {
      await cluster.release()
      throw error
    }
  }

  /** Resolves when it is ready; what it then still takes over is for `settled` to wait for. */
  async join(member: BenchMember | BenchRole): Promise<ServiceProcess> {
    const { role, node = [] } = typeof member === 'string' ? { role: member } : member
    const name = `${role}-${this.members.length + 1}`
    const it = new ServiceProcess({
      // Without the source maps that a drill asks for, as `npm start` runs it.
      program: ['--no-enable-source-maps', ...node, somaMain, role === 'all' ? 'serve' : role],
      port: await freePort(),
      env: {
        ...this.#env,
        SOMA_NODE_NAME: name,
        SOMA_DATA_DIR: join(this.#folder.path, name),
        ...(role === 'all' && { SOMA_ROLES: 'gateway,session,tool' }),
      },
      log: join(this.#folder.path, `${name}.log`),
    })
    this.members.push({ role, process: it })
    it.start()
    try {
      await it.ready(60_000)
    } catch (error) {
      // The first makes the topics; on a busy machine their leaders may come too late for it. Whoever runs it starts it again.
      if (it.running || this.members.length > 1) throw error
      it.start()
      await it.ready(60_000)
    }
    return it
  }

  /** Of the first that takes requests. */
  get url(): string {
    return (this.members.find(({ role }) => role !== 'node') as { process: ServiceProcess }).process.url
  }

  get nodes(): readonly ServiceProcess[] {
    return this.members.filter(({ role }) => role !== 'gateway').map((it) => it.process)
  }

  of(role: BenchRole): readonly ServiceProcess[] {
    return this.members.filter((it) => it.role === role).map((it) => it.process)
  }

  async query<T extends pg.QueryResultRow>(statement: string, values: readonly unknown[] = []): Promise<T[]> {
    const client = new pg.Client({ connectionString: this.dsn })
    await client.connect()
    try {
      return (await client.query<T>(statement, [...values])).rows
    } finally {
      await client.end()
    }
  }

  /** What the processes said that they should not have. */
  get complaints(): string {
    return this.members.map(({ process }) => process.logTail()).join('')
  }

  async release(): Promise<void> {
    await Promise.all(this.members.map(({ process }) => process.release()))
    await this.#drop()
    this.#folder.remove()
  }
}
