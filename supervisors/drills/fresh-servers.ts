import { Kafka, logLevel } from 'kafkajs'
import pg from 'pg'

export interface FreshDatabase {
  readonly dsn: string
  query(text: string, params?: readonly unknown[]): Promise<readonly unknown[]>
  drop(): Promise<void>
}

/** A database of this name on that server, to be dropped at the end. */
export async function freshDatabase(server: string, id: string): Promise<FreshDatabase> {
  const name = `soma_${id.replaceAll(/[^a-z0-9]/g, '_')}`
  await once(server, `create database ${name}`)
  const dsn = new URL(server)
  dsn.pathname = `/${name}`
  return {
    dsn: dsn.href,
    query: (text, params) => once(dsn.href, text, params),
    // `force`: a frozen process may still hold a connection.
    drop: async () => void (await once(server, `drop database if exists ${name} with (force)`)),
  }
}

async function once(dsn: string, text: string, params: readonly unknown[] = []): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: dsn })
  await client.connect()
  try {
    return (await client.query(text, [...params])).rows
  } finally {
    await client.end()
  }
}

/** Removes every topic of this prefix. */
export async function dropTopics(brokers: string, prefix: string): Promise<void> {
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  try {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix))
    if (topics.length > 0) await admin.deleteTopics({ topics, timeout: 30_000 })
  } finally {
    await admin.disconnect()
  }
}
