import { join } from 'node:path'
import { freePort, ServiceProcess } from '../../supervisors/drills/service-process.ts'
import { ScratchFolder } from './scratch-folder.ts'
import { type Answer, runSoma, type SomaRun, somaMain } from './service.ts'
import { freshDatabase, freshTopics } from './test-services.ts'

export interface ClusterSettings {
  readonly kafka: string
  readonly postgres: string
  readonly redis: string
  readonly nodes?: number
  readonly gateways?: number
  readonly env?: Readonly<Record<string, string>>
  readonly tools?: Readonly<Record<string, string>>
}

/** Nodes and gateways as processes of their own, on real brokers, database and Redis, with topics and tables of their own. */
export class Cluster {
  readonly nodes: ServiceProcess[] = []
  readonly gateways: ServiceProcess[] = []
  readonly folder = new ScratchFolder()
  readonly topicPrefix: string
  readonly dsn: string
  private readonly env: Record<string, string>
  private readonly drop: () => Promise<void>

  private constructor(
    settings: ClusterSettings,
    dsn: string,
    topics: ReturnType<typeof freshTopics>,
    drop: () => Promise<void>,
  ) {
    this.topicPrefix = topics.prefix
    this.dsn = dsn
    this.drop = async () => {
      await drop()
      await topics.drop()
    }
    for (const [name, source] of Object.entries(settings.tools ?? {})) this.folder.write(`tools/${name}.mjs`, source)
    this.env = {
      KAFKA_BOOTSTRAP_SERVERS: settings.kafka,
      POSTGRES_DSN: dsn,
      REDIS_URL: settings.redis,
      SOMA_TOPIC_PREFIX: topics.prefix,
      SOMA_DATA_DIR: join(this.folder.path, 'data'),
      ...(settings.tools && { SOMA_TOOLS_DIR: join(this.folder.path, 'tools') }),
      SOMA_MODEL: 'rehearsal/script',
      SOMA_POLICY_FILE: this.folder.write(
        'policy.yaml',
        "rules: [{ effect: allow, tool: '*' }, { effect: allow, action: memory.write }]\n",
      ),
      LOG_LEVEL: 'info',
      SOMA_LOG_FORMAT: 'json',
      ...settings.env,
    }
  }

  static async start(settings: ClusterSettings): Promise<Cluster> {
    const { dsn, drop } = await freshDatabase(settings.postgres)
    const cluster = new Cluster(settings, dsn, freshTopics(settings.kafka), drop)
    try {
      for (let n = 1; n <= (settings.nodes ?? 2); n++) cluster.nodes.push(await cluster.process('node', `node-${n}`))
      for (let n = 1; n <= (settings.gateways ?? 1); n++) {
        cluster.gateways.push(await cluster.process('gateway', `gateway-${n}`))
      }
      await Promise.all([...cluster.nodes, ...cluster.gateways].map((it) => it.ready(60_000)))
      return cluster
    } catch (error) {
      await cluster.release()
      throw error
    }
  }

  /** Of a gateway, the first by default. */
  url(gateway = 0): string {
    return (this.gateways[gateway] as ServiceProcess).url
  }

  async request(method: string, path: string, body?: unknown, gateway = 0): Promise<Answer> {
    const response = await fetch(`${this.url(gateway)}${path}`, {
      method,
      ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    return { status: response.status, headers: response.headers, body: await response.json() }
  }

  async say(
    session: string,
    message: string,
    more: object = {},
    gateway = 0,
  ): Promise<{ session_id: string; event_id: string }> {
    const { status, body } = await this.request(
      'POST',
      '/v1/session/message',
      { session_id: session, message, ...more },
      gateway,
    )
    if (status !== 200) throw new Error(`not accepted: ${status} ${JSON.stringify(body)}`)
    return body
  }

  /** The journal of a session, through a gateway. */
  async events(
    session: string,
    gateway = 0,
  ): Promise<{ type: string; message: string; metadata: Record<string, unknown> }[]> {
    const { body } = await this.request('GET', `/v1/sessions/${session}/events?limit=500`, undefined, gateway)
    return (body.events ?? []).map(({ payload }: { payload: unknown }) => payload)
  }

  soma(args: readonly string[], gateway = 0): Promise<SomaRun> {
    return runSoma(args, { SOMA_URL: this.url(gateway) })
  }

  async release(): Promise<void> {
    for (const it of [...this.gateways, ...this.nodes]) await it.release()
    await this.drop()
    this.folder.remove()
  }

  private async process(role: 'node' | 'gateway', name: string): Promise<ServiceProcess> {
    const it = new ServiceProcess({
      program: [somaMain, role],
      port: await freePort(),
      env: { ...this.env, SOMA_NODE_NAME: name },
      log: join(this.folder.path, `${name}.log`),
    })
    it.start()
    return it
  }
}
