import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { Failure } from '../actors/kernel/failure.ts'
import { packageRoot } from './package-root.ts'

const wanted = ['KAFKA_BOOTSTRAP_SERVERS', 'POSTGRES_DSN', 'REDIS_URL'] as const
export type Servers = Readonly<Record<(typeof wanted)[number], string>>

/**
 * Where Kafka, Postgres and Redis are: as the environment says, else those of this checkout's own stack, if it is up.
 * Rejects with CONFIG_INVALID when there is neither: a cluster without servers is none.
 */
export async function clusterServers(env: NodeJS.ProcessEnv): Promise<Servers> {
  if (wanted.every((name) => env[name])) return pick(env)
  const stack = await stackEnvironment()
  const found = { ...stack, ...Object.fromEntries(Object.entries(env).filter(([, value]) => value)) }
  const missing = wanted.filter((name) => !found[name])
  if (missing.length === 0) return pick(found)
  throw new Failure(
    'CONFIG_INVALID',
    `${missing.join(', ')} not set, and no stack of this checkout is up. Start one with \`npm run stack\`.`,
  )
}

export const stackProgram = path.join(packageRoot, 'infra', 'stack.mjs')

/** What `node infra/stack.mjs env` prints: lines NAME=value, with or without `export` and quotes. Empty when it is down. */
async function stackEnvironment(): Promise<Record<string, string>> {
  if (!existsSync(stackProgram)) return {}
  const printed = await promisify(execFile)(process.execPath, [stackProgram, 'env']).catch(() => undefined)
  return Object.fromEntries(
    [...(printed?.stdout ?? '').matchAll(/^(?:export )?([A-Z_]+)=(['"]?)(.*)\2$/gm)].map(([, name, , value]) => [
      name,
      value,
    ]),
  )
}

/** The stack's second Postgres, or the one that the environment names; undefined when there is none. */
export async function secondPostgres(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return env.SOMA_STACK_POSTGRES_DSN_2 ?? (await stackEnvironment()).SOMA_STACK_POSTGRES_DSN_2
}

export function stackFolder(env: NodeJS.ProcessEnv): string {
  return path.resolve(env.SOMA_STACK_DATA ?? path.join(packageRoot, '.soma-stack'))
}

function pick(env: Readonly<Record<string, string | undefined>>): Servers {
  return Object.fromEntries(wanted.map((name) => [name, env[name]])) as Servers
}
