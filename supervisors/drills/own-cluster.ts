import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Clock } from '../../actors/kernel/clock.ts'
import { LocalCluster } from '../local-cluster/local-cluster.ts'
import type { Member } from '../local-cluster/supervised-process.ts'
import { layOutTools } from './drill-tools.ts'
import { dropTopics, type FreshDatabase, freshDatabase } from './fresh-servers.ts'
import { freePort } from './service-process.ts'
import { StackServers } from './stack-servers.ts'
import type { DrillTarget, Link } from './target.ts'
import { TcpProxy } from './tcp-proxy.ts'
import { DRILL_TENANT } from './tenant-guard.ts'

export interface OwnClusterOptions {
  readonly nodes: number
  readonly gateways: number
  readonly servers: {
    readonly KAFKA_BOOTSTRAP_SERVERS: string
    readonly POSTGRES_DSN: string
    readonly REDIS_URL: string
  }
  /** The first node talks to its servers through proxies, and can be cut off. */
  readonly cuttable?: boolean
  /** A second Postgres: the journal is spread over both (SOMA_JOURNALS). */
  readonly secondPostgres?: string
  /** The stack's program and folder, so that a drill can stop one of its servers. */
  readonly stack: { readonly program: string; readonly folder: string }
  /** infra/soma-main.js */
  readonly somaMain: string
  /** Unique: prefix of topics, name of the database. */
  readonly id: string
  readonly clock: Clock
  random(): number
  progress(line: string): void
}

/**
 * A cluster for one drill, on servers that others may use too: topics with a prefix of its own, a database of its own,
 * ports that were free. What it made it removes, but for the folder of a drill that failed.
 */
export async function ownCluster(options: OwnClusterOptions): Promise<DrillTarget> {
  const { nodes, gateways, servers, secondPostgres, id, clock, random, progress } = options
  const folder = mkdtempSync(join(tmpdir(), 'soma-drill-'))
  const dataDir = join(folder, 'data')
  mkdirSync(dataDir)
  const ledger = join(folder, 'ledger.ndjson')
  const { toolsDir, policyFile } = layOutTools(folder, ledger)
  const prefix = `${id}.`
  const databases = [await freshDatabase(servers.POSTGRES_DSN, id)]
  if (secondPostgres !== undefined) databases.push(await freshDatabase(secondPostgres, id))
  const [first, second] = databases as [FreshDatabase, FreshDatabase | undefined]
  const links = await layLinks(servers)
  const env: Record<string, string> = {
    ...servers,
    POSTGRES_DSN: first.dsn,
    ...(second && { SOMA_JOURNALS: `0-31=${first.dsn},32-63=${second.dsn}` }),
    SOMA_TOPIC_PREFIX: prefix,
    SOMA_DATA_DIR: dataDir,
    SOMA_TENANT_ID: DRILL_TENANT,
    SOMA_MODEL: 'rehearsal/script',
    SOMA_TOOLS_DIR: toolsDir,
    SOMA_POLICY_FILE: policyFile,
    SOMA_LOG_FORMAT: 'json',
    LOG_LEVEL: process.env.SOMA_DRILL_LOG_LEVEL ?? 'info',
  }
  const cut = (name: string) => options.cuttable && name === CUT_NODE
  const member = async (name: string, role: Member['role']): Promise<Member> => ({
    name,
    role,
    port: await freePort(),
    program: [options.somaMain, role],
    log: join(folder, `${name}.log`),
    ...(cut(name) && { node: ['--import', redirectSockets] }),
    env: {
      ...env,
      SOMA_NODE_NAME: name,
      SOMA_ROLES: role === 'gateway' ? 'gateway' : 'session,tool,memory',
      ...(cut(name) && { SOMA_DRILL_REDIRECT: links.redirect }),
    },
  })
  const list = (role: Member['role'], count: number) =>
    Array.from({ length: count }, (_, n) => member(`${role}-${n + 1}`, role))
  const members = await Promise.all([...list('gateway', gateways), ...list('node', nodes)])
  const cluster = new LocalCluster(members, { clock, random, told: progress, gaveUp: () => {} })
  const find = (name: string) => {
    const found = cluster.find(name)
    if (!found) throw new Error(`there is no process ${name}`)
    return found
  }
  const close = async (passed: boolean) => {
    links.mend()
    if (passed) await cluster.stop()
    await cluster.release()
    await links.close()
    await Promise.all(databases.map((database) => database.drop())).catch((error: Error) => progress(error.message))
    await dropTopics(servers.KAFKA_BOOTSTRAP_SERVERS, prefix).catch((error: Error) => progress(error.message))
    if (passed) rmSync(folder, { recursive: true, force: true })
  }
  try {
    progress(`starting ${nodes} nodes and ${gateways} gateways; logs in ${folder}`)
    await cluster.start()
  } catch (error) {
    await close(false)
    throw error
  }
  return {
    urls: cluster.gateways.map(({ url }) => url),
    nodes: cluster.nodes.map(({ name }) => name),
    gateways: cluster.gateways.map(({ name, url }) => ({ name, url })),
    kill: (name) => find(name).kill(),
    async revive(name) {
      find(name).start()
      await find(name).ready()
    },
    async freeze(name, ms) {
      find(name).freeze()
      await pause(ms)
      find(name).thaw()
    },
    own: {
      stop: async (name) => {
        const code = await find(name).stop()
        if (code !== 0)
          throw new Error(`${name} did not drain: ${code === null ? 'it had to be killed' : `exit ${code}`}`)
      },
      folder,
      ledger,
      unexpectedExits: () =>
        [...cluster.nodes, ...cluster.gateways].flatMap(({ name, unexpectedExits }) =>
          unexpectedExits.map((exit) => `${name}: ${exit}`),
        ),
      links: { node: CUT_NODE, cut: links.cut, mend: links.mend },
      servers: StackServers.find(options.stack.program, options.stack.folder),
      query: async (text, params) => (await Promise.all(databases.map((one) => one.query(text, params)))).flat(),
      async flushRedis() {
        const redis = new Redis(servers.REDIS_URL)
        await redis.flushall()
        redis.disconnect()
      },
    },
    close,
  }
}

const CUT_NODE = 'node-1'
const redirectSockets = new URL('./redirect-sockets.js', import.meta.url).href

/** A proxy before every server, for the one node that may be cut off. */
async function layLinks(servers: OwnClusterOptions['servers']) {
  const usualPorts: Readonly<Record<Link, number>> = { kafka: 9092, postgres: 5432, redis: 6379 }
  const at = (link: Link, address: string) => {
    const { hostname, port } = new URL(address.includes('://') ? address : `tcp://${address}`)
    return { link, host: hostname, port: Number(port) || usualPorts[link] }
  }
  const addresses = [
    ...servers.KAFKA_BOOTSTRAP_SERVERS.split(',').map((broker) => at('kafka', broker.trim())),
    at('postgres', servers.POSTGRES_DSN),
    at('redis', servers.REDIS_URL),
  ]
  const proxies = await Promise.all(
    addresses.map(async (to) => ({ ...to, proxy: await TcpProxy.listen(to.host, to.port) })),
  )
  return {
    redirect: proxies.map(({ host, port, proxy }) => `${host}:${port}=${proxy.port}`).join(','),
    cut(what: Link, how: 'silent' | 'closed') {
      for (const { link, proxy } of proxies) if (link === what) proxy.cut(how)
    },
    mend() {
      for (const { proxy } of proxies) proxy.mend()
    },
    close: () => Promise.all(proxies.map(({ proxy }) => proxy.close())),
  }
}
