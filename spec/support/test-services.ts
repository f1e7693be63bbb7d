import { Kafka, logLevel } from 'kafkajs'
import pg from 'pg'
import { systemIds } from '../../infra/clock.ts'
import { describeNeeding } from './needs.ts'

/**
 * Servers that some specs need for real. `node infra/stack.mjs run -- npm test` starts them and sets these variables;
 * without them those specs are skipped, and say so; in CI they fail, so that nobody believes they ran.
 */
export const testServices = {
  postgres: 'SOMA_TEST_POSTGRES_DSN',
  /** For a journal that is spread over two servers. */
  secondPostgres: 'SOMA_TEST_POSTGRES_DSN_2',
  redis: 'SOMA_TEST_REDIS_URL',
  /** Brokers, separated by commas. */
  kafka: 'SOMA_TEST_KAFKA',
  opa: 'SOMA_TEST_OPA_URL',
  openfga: 'SOMA_TEST_OPENFGA_URL',
  /** The program, for specs that start it on a configuration of their own. */
  prometheus: 'SOMA_TEST_PROMETHEUS',
  /** The state file of all these servers: their names, pids and ports, for specs that kill one. */
  stack: 'SOMA_TEST_STACK',
} as const

const how: Record<keyof typeof testServices, string> = {
  postgres: 'node infra/stack.mjs run -- npm test sets it',
  secondPostgres: 'node infra/stack.mjs run --postgres 2 -- npm test sets it',
  redis: 'node infra/stack.mjs run -- npm test sets it',
  kafka: 'node infra/stack.mjs run -- npm test sets it',
  opa: 'node infra/stack.mjs run --with opa -- npm test sets it',
  openfga: 'node infra/stack.mjs run --with openfga -- npm test sets it',
  prometheus: 'node infra/stack.mjs run --with prometheus -- npm test sets it',
  stack: 'node infra/stack.mjs run -- npm test sets it',
}

/** `describe` for specs that need a server: `body` gets its address. */
export function describeWith(service: keyof typeof testServices, title: string, body: (address: string) => void): void {
  describeNeeding(testServices[service], how[service], title, body)
}

/** Topics of its own on the test brokers: `prefix` for SOMA_TOPIC_PREFIX; `drop` deletes what bears it. */
export function freshTopics(addresses: string): { brokers: string[]; prefix: string; drop(): Promise<void> } {
  const brokers = addresses.split(',')
  const prefix = `t${systemIds.uuid().replaceAll('-', '').slice(0, 12)}.`
  return { brokers, prefix, drop: () => deleteTopics(brokers, prefix) }
}

async function deleteTopics(brokers: string[], prefix: string): Promise<void> {
  const admin = new Kafka({ clientId: 'spec', brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix))
    if (topics.length > 0) await admin.deleteTopics({ topics })
  } finally {
    await admin.disconnect()
  }
}

/**
 * A Redis of its own: one of the sixteen numbered databases of the test server, for a spec that empties it (FLUSHDB) while
 * other specs run.
 */
export function ownRedisDatabase(url: string, number: number): string {
  const own = new URL(url)
  own.pathname = `/${number}`
  return own.href
}

/** A database of its own on the test server, dropped by `drop`. */
export async function freshDatabase(dsn: string): Promise<{ dsn: string; drop(): Promise<void> }> {
  const name = `soma_${systemIds.uuid().replaceAll('-', '')}`
  await administer(dsn, `create database ${name}`)
  const url = new URL(dsn)
  url.pathname = `/${name}`
  return { dsn: url.href, drop: () => administer(dsn, `drop database ${name} with (force)`) }
}

async function administer(dsn: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: dsn })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
