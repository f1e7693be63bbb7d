import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { brokerNames } from './kafka.mjs'
import { optional } from './kinds.mjs'
import { freePorts } from './ports.mjs'
import { serverNames } from './postgres.mjs'
import { misused, Refusal } from './refusal.mjs'

/** Not the servers' usual ports: Debian's packages start Postgres and Redis on those. */
const usualPorts = {
  'kafka-1': { client: 19_092, controller: 19_192 },
  'kafka-2': { client: 19_093, controller: 19_193 },
  'kafka-3': { client: 19_094, controller: 19_194 },
  postgres: { port: 15_432 },
  'postgres-2': { port: 15_433 },
  redis: { port: 16_379 },
  opa: { port: 18_181 },
  openfga: { port: 18_080, grpc: 18_081, metrics: 18_082 },
  prometheus: { port: 19_090 },
}

export function dataFolder(flags, checkout) {
  return resolve(flags.data || process.env.SOMA_STACK_DATA || join(checkout, '.soma-stack'))
}

export function cacheFolder(flags) {
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  return resolve(flags.cache || process.env.SOMA_STACK_CACHE || join(caches, 'somaagent-stack'))
}

/** The stack that these flags ask for; what they do not say stays as it was. */
export async function planned(flags, { checkout, folder, previous, throwaway = false }) {
  const plan = {
    version: 1,
    folder,
    cache: cacheFolder(flags),
    checkout,
    throwaway,
    brokers: oneOf('--brokers', flags.brokers ?? String(previous?.brokers ?? 3), ['1', '3']),
    postgres: Math.max(oneOf('--postgres', flags.postgres ?? '1', ['1', '2']), previous?.postgres ?? 1),
    with: wanted(flags.with, previous?.with),
    prometheusConfig: flags['prometheus-config'] ? resolve(flags['prometheus-config']) : previous?.prometheusConfig,
    openfga: previous?.openfga,
    servers: previous?.servers ?? [],
    variables: previous?.variables ?? {},
  }
  if (previous !== undefined && previous.brokers !== plan.brokers) {
    throw new Refusal(
      `the stack in ${folder} was made with ${previous.brokers} broker${previous.brokers === 1 ? '' : 's'}, and its topics are.\n` +
        '  `node infra/stack.mjs down --delete` removes it and all its data; --data makes another beside it.',
    )
  }
  return { ...plan, ports: await portsOf(plan, flags.ports ?? process.env.SOMA_STACK_PORTS ?? '', previous?.ports) }
}

function oneOf(flag, value, allowed) {
  if (allowed.includes(value)) return Number(value)
  throw misused(`${flag} takes ${allowed.join(' or ')}, not "${value}"`)
}

function wanted(given = '', before = []) {
  const names = given.split(',').filter((name) => name !== '')
  for (const name of names) {
    if (!optional.includes(name)) throw misused(`--with takes ${optional.join(', ')}, not "${name}"`)
  }
  return optional.filter((name) => names.includes(name) || before.includes(name))
}

async function portsOf(plan, given, before = {}) {
  const names = ['redis', ...serverNames(plan), ...brokerNames(plan), ...plan.with]
  const { free, chosen } = choices(given)
  const ports = Object.fromEntries(names.map((name) => [name, { ...(free ? {} : usualPorts[name]), ...before[name] }]))
  const roles = names.flatMap((name) => Object.keys(usualPorts[name]).map((role) => [name, role]))
  const open = roles.filter(([name, role]) => ports[name][role] === undefined)
  const found = await freePorts(open.length)
  for (const [index, [name, role]] of open.entries()) ports[name][role] = found[index]
  for (const [name, role, port] of chosen) {
    if (ports[name] === undefined) throw misused(`--ports names ${name}, which is not part of this stack`)
    const first = role ?? Object.keys(usualPorts[name])[0]
    if (!(first in ports[name])) throw misused(`--ports: ${name} has no port called ${first}`)
    ports[name] = { ...ports[name], [first]: port }
  }
  return ports
}

/** "free", "redis=6379,kafka-1.controller=9093", or both. */
function choices(given) {
  const parts = given.split(',').filter((part) => part !== '')
  const chosen = parts
    .filter((part) => part !== 'free')
    .map((part) => {
      const [, name, role, port] = /^([a-z]+(?:-\d)?)(?:\.([a-z]+))?=(\d{1,5})$/.exec(part) ?? []
      if (name === undefined) throw misused(`--ports takes free, or NAME=PORT,…, not "${part}"`)
      return [name, role, Number(port)]
    })
  return { free: parts.includes('free'), chosen }
}
