import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import path from 'node:path'
import { Failure } from '../../actors/kernel/failure.ts'
import { type Role, roles } from '../../persistence/membership.ts'
import { defaultLimits, type GatewayConfig, loopbackHosts } from '../../transports/gateway/config.ts'
import type { KafkaSettings } from '../../transports/kafka/settings.ts'
import type { ModelsConfig } from '../../transports/model/models.ts'
import { type QuarantineRule, quarantineProblems } from '../screening/quarantine-rules.ts'
import { type ContentConfig, contentOf } from './config-content.ts'
import { type MemoryConfig, memoryOf } from './config-memory.ts'
import { modelsOf } from './config-models.ts'
import { journalProblems, type PersistenceConfig, persistenceOf } from './config-persistence.ts'
import { type ServicesConfig, serviceProblems, servicesOf } from './config-services.ts'
import { type Values, type VariableName, variableNames, variables } from './config-variables.ts'
import { type Environment, given, masked, secretsIn, unknownNames } from './environment.ts'

/** The environment, read once at start and never again; wire.ts hands each part the piece it needs. */
export interface Config {
  readonly tenantId: string
  readonly dataDir: string
  readonly gateway: GatewaySettings
  readonly models: ModelsConfig
  readonly persistence: PersistenceConfig
  readonly cluster: ClusterConfig | undefined
  readonly services: ServicesConfig
  readonly actors: ActorsConfig
  readonly content: ContentConfig
  readonly memory: MemoryConfig
  /** What uploads are quarantined for. */
  readonly quarantineRules: readonly QuarantineRule[]
  /** Clients of the OpenAI surface may name files by URL. */
  readonly fetchesUrls: boolean
  /** The variables that tenants.ts reads: TENANT_CONFIG_PATH and BUDGET_LIMIT_*. */
  readonly budgets: Environment
  readonly logs: LogsConfig
  readonly tracing: { readonly endpoint: string; readonly ratio: number } | undefined
  readonly cli: CliConfig
  /** Values that must never be printed, wherever they turn up. */
  readonly secrets: readonly string[]
  /** What looked like ours and is not: said once at start. */
  readonly warnings: readonly string[]
}

/** The gateway's own shape, but for what wire.ts knows and the environment does not. */
export type GatewaySettings = Omit<GatewayConfig, 'consoleDir' | 'version'>

/** Undefined without KAFKA_BOOTSTRAP_SERVERS: then one process is all there is. */
export interface ClusterConfig {
  readonly kafka: KafkaSettings
  readonly roles: readonly Role[]
  readonly name: string | undefined
  /** Share of the shards relative to other nodes; 0 takes none. */
  readonly weight: number
  readonly leaseMs: number
}

export interface ActorsConfig {
  readonly idleMs: number
  readonly maxActiveSessions: number
  readonly drainMs: number
  readonly toolConcurrency: number
  readonly timers: { readonly perSession: number; readonly shortestMs: number }
  readonly toolWaiting: { readonly perTool: number; readonly perTenant: number }
  readonly toolArtifactBytes: number
  /** Memories of a tenant's working memory. */
  readonly workingMemory: number
}

export interface LogsConfig {
  readonly level: Values['LOG_LEVEL']
  readonly format: Values['SOMA_LOG_FORMAT']
  /** stderr where a command owns stdout. */
  readonly to: 'stdout' | 'stderr'
}

export interface CliConfig {
  readonly url: string
  /** Of the first gateway that `soma up` starts. */
  readonly port: number
  readonly token: string | undefined
  readonly local: boolean
}

interface Problem {
  readonly path: string
  readonly message: string
}

export function loadConfig(env: Environment): Config {
  const problems: Problem[] = []
  const v = readValues(env, problems)
  refuse(problems)
  checkTogether(v, problems)
  checkCluster(v, problems)
  problems.push(...journalProblems(v), ...serviceProblems(v), ...quarantineProblems(v.SOMA_UPLOAD_QUARANTINE))
  refuse(problems)

  const dataDir = path.resolve(v.SOMA_DATA_DIR)
  /** What was named must be there; what was not is used when it is. */
  const inDataDir = (named: string | undefined, usual: string) => {
    const found = path.join(dataDir, usual)
    return named === undefined ? (existsSync(found) ? found : undefined) : path.resolve(named)
  }
  return frozen({
    tenantId: v.SOMA_TENANT_ID,
    dataDir,
    gateway: {
      host: v.SOMA_HOST,
      port: v.SOMA_PORT,
      auth: authOf(v),
      allowedOrigins: v.SOMA_ALLOWED_ORIGINS,
      allowedHosts: hostsOf(v),
      limits: {
        ...defaultLimits,
        bodyBytes: v.SOMA_MAX_BODY_BYTES,
        openAiBodyBytes: Math.max(v.SOMA_MAX_BODY_BYTES, v.SOMA_OPENAI_MAX_BODY_BYTES),
        heldBytes: 4 * Math.max(v.SOMA_MAX_BODY_BYTES, v.SOMA_OPENAI_MAX_BODY_BYTES),
        streams: v.SOMA_MAX_STREAMS,
        streamsPerTenant: Math.min(v.SOMA_MAX_STREAMS, defaultLimits.streamsPerTenant),
      },
      uploads: {
        fileBytes: v.SOMA_UPLOAD_MAX_BYTES,
        files: v.SOMA_UPLOAD_MAX_FILES,
        seconds: v.SOMA_UPLOAD_SECONDS,
        sessionFiles: v.SOMA_SESSION_ATTACHMENTS_MAX,
        sessionBytes: v.SOMA_SESSION_ATTACHMENT_BYTES,
      },
    },
    models: modelsOf(v),
    persistence: persistenceOf(v, dataDir),
    cluster: clusterOf(v),
    services: servicesOf(v),
    actors: {
      idleMs: v.SOMA_IDLE_SECONDS * 1_000,
      maxActiveSessions: v.SOMA_MAX_ACTIVE_SESSIONS,
      drainMs: v.SOMA_DRAIN_SECONDS * 1_000,
      toolConcurrency: v.TOOL_EXECUTOR_MAX_CONCURRENT,
      timers: { perSession: v.SOMA_TIMERS_PER_SESSION, shortestMs: v.SOMA_TIMER_SECONDS * 1_000 },
      toolWaiting: { perTool: v.TOOL_EXECUTOR_MAX_WAITING, perTenant: v.TOOL_EXECUTOR_MAX_WAITING_PER_TENANT },
      toolArtifactBytes: v.TOOL_EXECUTOR_MAX_ARTIFACT_BYTES,
      workingMemory: v.SOMA_CACHE_WM_LIMIT,
    },
    quarantineRules: v.SOMA_UPLOAD_QUARANTINE as readonly QuarantineRule[],
    fetchesUrls: v.SOMA_OPENAI_FETCH_URLS,
    content: contentOf(v, env, inDataDir),
    memory: memoryOf(v),
    budgets: budgetVariables(env, inDataDir(v.TENANT_CONFIG_PATH, 'tenants.yaml')),
    logs: { level: v.LOG_LEVEL, format: v.SOMA_LOG_FORMAT, to: 'stdout' },
    tracing: v.OTLP_ENDPOINT === undefined ? undefined : { endpoint: v.OTLP_ENDPOINT, ratio: v.SOMA_TRACE_RATIO },
    cli: {
      url: v.SOMA_URL ?? `http://${isIP(v.SOMA_HOST) === 6 ? `[${v.SOMA_HOST}]` : v.SOMA_HOST}:${v.SOMA_PORT}`,
      port: v.SOMA_PORT,
      token: v.SOMA_TOKEN,
      local: v.SOMA_AGENT_MODE === 'LOCAL',
    },
    secrets: secretsIn(env),
    warnings: unknownNames(env),
  })
}

function readValues(env: Environment, problems: Problem[]): Values {
  const values: Partial<Record<VariableName, unknown>> = {}
  for (const name of variableNames) {
    const { schema, expects, secret } = variables[name]
    const raw = given(env, name)
    const parsed = schema.safeParse(raw)
    if (parsed.success) values[name] = parsed.data
    else problems.push({ path: name, message: `is ${secret ? masked : JSON.stringify(raw)}, expected ${expects}` })
  }
  return values as Values
}

function budgetVariables(env: Environment, tenantsFile: string | undefined): Environment {
  const limits = Object.entries(env).filter(([name]) => name.startsWith('BUDGET_LIMIT_'))
  return { ...Object.fromEntries(limits), TENANT_CONFIG_PATH: tenantsFile }
}

const keyNames = ['GATEWAY_JWT_SECRET', 'GATEWAY_JWT_PUBLIC_KEY', 'GATEWAY_JWKS_URL'] as const

function checkTogether(v: Values, problems: Problem[]): void {
  const keys = keyNames.filter((name) => v[name] !== undefined)
  if (keys.length > 1) {
    problems.push({
      path: keys[1] as string,
      message: `is set together with ${keys[0]}; tokens are checked with one key`,
    })
  }
  if (keys.length > 0) return
  const remedy = `set one of ${keyNames.join(', ')}`
  if (!isLoopback(v.SOMA_HOST)) {
    problems.push({
      path: 'SOMA_HOST',
      message: `is "${v.SOMA_HOST}", which others can reach, and nothing says who may: ${remedy}, or listen on 127.0.0.1`,
    })
  }
  if (v.GATEWAY_REQUIRE_AUTH) {
    problems.push({
      path: 'GATEWAY_REQUIRE_AUTH',
      message: `is true, but there is no key to check a token with: ${remedy}`,
    })
  }
}

/** LOCAL is the way into one process, whatever else is configured. */
function clusterOf(v: Values): ClusterConfig | undefined {
  if (v.KAFKA_BOOTSTRAP_SERVERS.length === 0 || v.SOMA_AGENT_MODE === 'LOCAL') return undefined
  const { KAFKA_SECURITY_PROTOCOL: protocol, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = v
  return {
    kafka: {
      brokers: v.KAFKA_BOOTSTRAP_SERVERS,
      ssl: protocol.endsWith('SSL'),
      sasl: protocol.startsWith('SASL')
        ? { mechanism: v.KAFKA_SASL_MECHANISM, username: username ?? '', password: password ?? '' }
        : undefined,
      topicPrefix: v.SOMA_TOPIC_PREFIX ?? '',
      replication: v.SOMA_TOPIC_REPLICATION,
    },
    roles: v.SOMA_ROLES as readonly Role[],
    name: v.SOMA_NODE_NAME,
    weight: v.SOMA_NODE_WEIGHT,
    leaseMs: v.SOMA_LEASE_MS,
  }
}

function checkCluster(v: Values, problems: Problem[]): void {
  if (v.KAFKA_BOOTSTRAP_SERVERS.length === 0 || v.SOMA_AGENT_MODE === 'LOCAL') return
  const strange = v.SOMA_ROLES.filter((role) => !(roles as readonly string[]).includes(role))
  if (strange.length > 0 || v.SOMA_ROLES.length === 0) {
    problems.push({ path: 'SOMA_ROLES', message: `is "${v.SOMA_ROLES}", expected some of ${roles.join(', ')}` })
  }
  if (v.POSTGRES_DSN === undefined) {
    problems.push({
      path: 'POSTGRES_DSN',
      message: 'is not set, but KAFKA_BOOTSTRAP_SERVERS is: the nodes of a cluster share a journal',
    })
  }
  if (v.KAFKA_SECURITY_PROTOCOL.startsWith('SASL') && (!v.KAFKA_SASL_USERNAME || !v.KAFKA_SASL_PASSWORD)) {
    problems.push({
      path: 'KAFKA_SASL_USERNAME',
      message: `or KAFKA_SASL_PASSWORD is not set, but KAFKA_SECURITY_PROTOCOL is ${v.KAFKA_SECURITY_PROTOCOL}`,
    })
  }
}

function authOf(v: Values): GatewayConfig['auth'] {
  if (keyNames.every((name) => v[name] === undefined)) return { mode: 'none', localTenant: v.SOMA_TENANT_ID }
  return {
    mode: 'jwt',
    ...(v.GATEWAY_JWT_SECRET === undefined ? {} : { secret: v.GATEWAY_JWT_SECRET }),
    ...(v.GATEWAY_JWT_PUBLIC_KEY === undefined ? {} : { publicKey: v.GATEWAY_JWT_PUBLIC_KEY }),
    ...(v.GATEWAY_JWKS_URL === undefined ? {} : { jwksUrl: v.GATEWAY_JWKS_URL }),
    ...(v.GATEWAY_JWT_ALGORITHMS.length === 0 ? {} : { algorithms: v.GATEWAY_JWT_ALGORITHMS }),
    ...(v.GATEWAY_JWT_ISSUER === undefined ? {} : { issuer: v.GATEWAY_JWT_ISSUER }),
    ...(v.GATEWAY_JWT_AUDIENCE === undefined ? {} : { audience: v.GATEWAY_JWT_AUDIENCE }),
  }
}

/** Rebinding a name to this address gains a page nothing where every request needs a token, so then any name will do. */
function hostsOf(v: Values): readonly string[] {
  if (isLoopback(v.SOMA_HOST)) return [...loopbackHosts, v.SOMA_HOST, ...v.SOMA_ALLOWED_HOSTS]
  return v.SOMA_ALLOWED_HOSTS.length === 0 ? ['*'] : [...loopbackHosts, ...v.SOMA_ALLOWED_HOSTS]
}

/** `localhost` is trusted to be what every system makes it; any other name may resolve to anything. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

function refuse(problems: readonly Problem[]): void {
  if (problems.length === 0) return
  const detail = problems.map(({ path, message }) => `${path} ${message}`).join('; ')
  throw new Failure('CONFIG_INVALID', detail, { errors: problems })
}

function frozen<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) frozen(part)
  return Object.freeze(value)
}
