import pg from 'pg'
import { systemIds } from '../../infra/clock.ts'
import { describeNeeding } from './needs.ts'

/**
 * Servers that some specs need for real. `node infra/test-stack.mjs -- npm test` starts them and sets these variables;
 * without them those specs are skipped, and say so; in CI they fail, so that nobody believes they ran.
 */
export const testServices = {
  postgres: 'SOMA_TEST_POSTGRES_DSN',
  redis: 'SOMA_TEST_REDIS_URL',
} as const

const how = 'node infra/test-stack.mjs -- npm test sets it'

/** `describe` for specs that need a server: `body` gets its address. */
export function describeWith(service: keyof typeof testServices, title: string, body: (address: string) => void): void {
  describeNeeding(testServices[service], how, title, body)
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
