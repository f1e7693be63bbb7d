import { closest } from '../../actors/kernel/did-you-mean.ts'
import { type DependencyName, dependencyNames, dependencyTable } from '../probes/dependency-table.ts'
import type { Values } from './config-variables.ts'

/** Services beside the servers, and what of all must be there. */
export interface ServicesConfig extends PolicyServices {
  readonly brain: BrainConfig | undefined
  /** Dependencies without which the start is refused, besides those that always are. */
  readonly required: readonly DependencyName[]
}

/** Asked besides the policy file. */
export interface PolicyServices {
  readonly opa: OpaConfig | undefined
  readonly openFga: OpenFgaConfig | undefined
}

export interface OpaConfig {
  readonly url: string
  /** Of the decision: /v1/data/… */
  readonly path: string
  readonly cacheMs: number
}

export interface OpenFgaConfig {
  readonly url: string
  /** Its id, or its name. */
  readonly store: string
  readonly cacheMs: number
}

export interface BrainConfig {
  readonly url: string
  /** What proves who we are, and for whom we ask. */
  readonly headers: Readonly<Record<string, string>>
}

export function servicesOf(v: Values): ServicesConfig {
  return {
    ...policyServicesOf(v),
    brain: v.SOMA_BASE_URL === undefined ? undefined : { url: v.SOMA_BASE_URL, headers: brainHeaders(v) },
    required: v.SOMA_REQUIRED as readonly DependencyName[],
  }
}

export function policyServicesOf(v: Values): PolicyServices {
  const opaUrl = v.OPA_URL ?? v.POLICY_BASE_URL
  const cacheMs = v.POLICY_CACHE_TTL * 1_000
  return {
    opa: opaUrl === undefined ? undefined : { url: opaUrl, path: v.POLICY_DATA_PATH, cacheMs },
    openFga:
      v.OPENFGA_API_URL === undefined ? undefined : { url: v.OPENFGA_API_URL, store: v.OPENFGA_STORE_ID, cacheMs },
  }
}

function brainHeaders({ SOMA_API_KEY: key, SOMA_AUTH_HEADER: header, SOMA_TENANT_ID: tenant }: Values) {
  const tenancy = { 'x-tenant-id': tenant }
  if (key === undefined) return tenancy
  const name = header.toLowerCase()
  return { ...tenancy, [name]: name === 'authorization' ? `Bearer ${key}` : key }
}

interface Problem {
  readonly path: string
  readonly message: string
}

/** What does not fit together, or names nothing. */
export function serviceProblems(v: Values): Problem[] {
  const local = v.SOMA_AGENT_MODE === 'LOCAL'
  const configured: Readonly<Record<DependencyName, boolean>> = {
    postgres: v.POSTGRES_DSN !== undefined,
    kafka: v.KAFKA_BOOTSTRAP_SERVERS.length > 0 && !local,
    redis: v.REDIS_URL !== undefined,
    opa: v.OPA_URL !== undefined || v.POLICY_BASE_URL !== undefined,
    openfga: v.OPENFGA_API_URL !== undefined,
    somabrain: v.SOMA_BASE_URL !== undefined,
    model: true,
    embedding: !['local', 'none'].includes(v.SOMA_EMBEDDING_MODEL),
  }
  const required = v.SOMA_REQUIRED.flatMap((name) => {
    if (!isDependency(name)) {
      const near = closest(name, dependencyNames)
      const meant = near === undefined ? '' : `; did you mean ${near}?`
      return [
        { path: 'SOMA_REQUIRED', message: `names "${name}", expected some of ${dependencyNames.join(', ')}${meant}` },
      ]
    }
    if (configured[name]) return []
    const how = `set ${dependencyTable[name].variables.split(/[ ,]/)[0]}, or take it out`
    return [{ path: 'SOMA_REQUIRED', message: `names ${name}, which is not configured: ${how}` }]
  })
  const brokers = v.KAFKA_BOOTSTRAP_SERVERS.filter((broker) => !/^.+:\d{1,5}$/.test(broker)).map((broker) => ({
    path: 'KAFKA_BOOTSTRAP_SERVERS',
    message: `names "${broker}", expected host:port, such as kafka.internal:9092`,
  }))
  const path = v.POLICY_DATA_PATH.startsWith('/v1/data/')
    ? []
    : [{ path: 'POLICY_DATA_PATH', message: `is "${v.POLICY_DATA_PATH}", expected a path below /v1/data/` }]
  return [...required, ...brokers, ...path]
}

const isDependency = (name: string): name is DependencyName => name in dependencyTable
