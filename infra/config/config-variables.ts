import type { z } from 'zod'
import { defaultLimits, defaultUploadLimits } from '../../transports/gateway/config.ts'
import { quarantineRules } from '../screening/quarantine-rules.ts'
import {
  choice,
  dollars,
  flag,
  known,
  list,
  optionalText,
  secret,
  secretText,
  share,
  shortText,
  text,
  unset,
  url,
  web,
  whole,
  yesNo,
} from './config-kinds.ts'
import { toolVariables } from './config-tool-variables.ts'

/**
 * Every environment variable, in one table: docs/CONFIGURATION.md and `soma doctor` are made from it, and a spec compares.
 */
export const variables = {
  SOMA_HOST: known(text('127.0.0.1'), 'Address to listen on. Anything but loopback needs authentication (GATEWAY_*).'),
  SOMA_PORT: known(whole(0, 65_535, 8010), 'Port to listen on; 0 takes a free one.'),
  SOMA_DATA_DIR: known(text('.soma'), 'Folder of everything that is kept: journal, mailbox, files.'),
  SOMA_FSYNC: known(
    flag(false),
    'Commits of the embedded database wait for the disk: they then survive a loss of power, and not only of the process.',
  ),
  SOMA_TENANT_ID: known(shortText('local', 200), 'Tenant of requests that carry no token.'),
  SOMA_AGENT_MODE: known(
    choice(['LOCAL', 'REMOTE'], 'REMOTE'),
    'LOCAL: `soma` commands start the service in their own process.',
  ),
  SOMA_URL: known(
    web('http://127.0.0.1:8010', 'from SOMA_HOST and SOMA_PORT'),
    'Service that `soma` commands talk to.',
  ),
  SOMA_TOKEN: secret(optionalText(), 'Bearer token that `soma` commands send.'),

  SOMA_MODEL: known(
    optionalText('first local model found, else rehearsal/demo'),
    'Model of the dialogue role; rehearsal/demo, rehearsal/echo and more are built in: docs/REHEARSAL.md.',
  ),
  OPENAI_BASE_URL: known(
    web('http://127.0.0.1:11434/v1'),
    'OpenAI-compatible endpoint. With OPENAI_API_KEY and SOMA_MODEL alone: https://api.openai.com/v1.',
  ),
  OPENAI_API_KEY: secret(optionalText(), 'Key for that endpoint.'),
  SOMA_MODEL_PROMPT_PRICE: known(dollars, 'Price of a million prompt tokens, for cost and dollar budgets.'),
  SOMA_MODEL_COMPLETION_PRICE: known(dollars, 'Price of a million completion tokens.'),
  SOMA_MODEL_CONTEXT_TOKENS: known(whole(512, 100_000_000, 128_000), 'Tokens that the model takes.'),
  SOMA_MODEL_DISCOVERY: known(
    flag(true),
    'Look for Ollama, LM Studio and llama.cpp on their usual local ports when nothing is configured.',
  ),
  SOMA_ESCALATION_MODEL: known(optionalText('first the endpoint lists'), 'Model of the escalation role.'),
  SOMA_ESCALATION_BASE_URL: known(web('https://api.openai.com/v1', 'that of the dialogue role'), 'Its endpoint.'),
  SOMA_ESCALATION_API_KEY: secret(optionalText(), 'Key for its endpoint.'),
  SOMA_ESCALATION_PROMPT_PRICE: known(dollars, 'Price of a million of its prompt tokens.'),
  SOMA_ESCALATION_COMPLETION_PRICE: known(dollars, 'Price of a million of its completion tokens.'),
  SOMA_ESCALATION_CONTEXT_TOKENS: known(whole(512, 100_000_000, 128_000), 'Tokens that it takes.'),

  SOMA_MODEL_IMAGES: known(
    yesNo('what the endpoint’s model list says, else false'),
    'Whether the models take images: attachments of the types png, jpeg, webp and gif are then shown to them.',
  ),

  SOMA_PERSONAS_DIR: known(
    optionalText('personas in SOMA_DATA_DIR, if there'),
    'Folder of persona files (YAML), besides the built-in ones.',
  ),
  SOMA_TOOLS_DIR: known(
    optionalText('tools in SOMA_DATA_DIR, if there'),
    'Folder of tool files (.js, .mjs), besides the built-in ones.',
  ),
  SOMA_FILES_DIR: known(
    optionalText('files in SOMA_DATA_DIR, if there'),
    'Folder of the files that file_read may read: a folder in it for each tenant.',
  ),
  SOMA_POLICY_FILE: known(
    optionalText('policy.yaml in SOMA_DATA_DIR, if there'),
    'Allow and deny rules for tool calls.',
  ),
  SOMA_MCP_FILE: known(
    optionalText('mcp.yaml in SOMA_DATA_DIR, if there'),
    'MCP servers whose tools agents may use: docs/MCP.md.',
  ),
  TENANT_CONFIG_PATH: known(optionalText('tenants.yaml in SOMA_DATA_DIR, if there'), 'Budgets by tenant and persona.'),
  SOMA_HTTP_FETCH_ALLOW: known(
    list(),
    'Hosts or networks (CIDR) that http_fetch may reach although they are internal.',
  ),
  BUDGET_LIMIT_TOKENS: known(whole(0, 1e12, 0), 'Tokens per tenant and UTC day; 0 is no limit.'),

  SOMA_ALLOWED_ORIGINS: known(list(), 'Origins of web pages, besides our own, that may call the service.'),
  SOMA_ALLOWED_HOSTS: known(
    list(),
    'Names that a Host header may have, besides loopback ones; any when tokens are required and none is named.',
  ),
  SOMA_MAX_BODY_BYTES: known(whole(1_024, 1 << 30, defaultLimits.bodyBytes), 'Largest request body.'),
  SOMA_OPENAI_MAX_BODY_BYTES: known(
    whole(1_024, 1 << 27, defaultLimits.openAiBodyBytes),
    'Largest body of a chat completion or response, files in it included; without them SOMA_MAX_BODY_BYTES holds.',
  ),
  SOMA_OPENAI_FETCH_URLS: known(
    flag(false),
    'Fetch images and files that a chat completion or response names by http(s) URL, from public hosts; docs/UPLOADS.md.',
  ),
  SOMA_UPLOAD_MAX_BYTES: known(whole(1_024, 1 << 30, defaultUploadLimits.fileBytes), 'Largest uploaded file.'),
  SOMA_UPLOAD_MAX_FILES: known(whole(1, 1_000, defaultUploadLimits.files), 'Files of one upload.'),
  SOMA_UPLOAD_SECONDS: known(whole(1, 3_000, defaultUploadLimits.seconds), 'How long one upload may take.'),
  SOMA_SESSION_ATTACHMENTS_MAX: known(
    whole(1, 1_000_000, defaultUploadLimits.sessionFiles),
    'Attachments that one session may hold.',
  ),
  SOMA_SESSION_ATTACHMENT_BYTES: known(
    whole(1_024, 1e15, defaultUploadLimits.sessionBytes),
    'Bytes of all attachments of one session.',
  ),
  SOMA_UPLOAD_QUARANTINE: known(
    list(quarantineRules),
    'What uploads are quarantined for; docs/UPLOADS.md says what each name means.',
  ),
  SOMA_MAX_STREAMS: known(whole(1, 1_000_000, defaultLimits.streams), 'Open event streams and sockets.'),
  GATEWAY_REQUIRE_AUTH: known(flag(false), 'Refuse requests without a token. Implied by any of the keys below.'),
  GATEWAY_JWT_SECRET: secret(secretText(32), 'Shared secret of HS256/384/512 tokens.'),
  GATEWAY_JWT_PUBLIC_KEY: known(optionalText(), 'PEM public key of RS/ES/PS tokens.'),
  GATEWAY_JWKS_URL: known(web('https://issuer.example/.well-known/jwks.json'), 'Key set of the token issuer.'),
  GATEWAY_JWT_ALGORITHMS: known(list(), 'Signature algorithms accepted; by default those that fit the configured key.'),
  GATEWAY_JWT_AUDIENCE: known(optionalText(), 'Audience that a token must name.'),
  GATEWAY_JWT_ISSUER: known(optionalText(), 'Issuer that a token must name.'),

  POSTGRES_DSN: secret(
    url(['postgres:', 'postgresql:'], 'postgres://soma@db.internal/soma'),
    'Journal on this Postgres instead of the embedded one.',
  ),
  PG_POOL_MAX_SIZE: known(whole(2, 200, 10), 'Connections to Postgres.'),
  REDIS_URL: secret(
    url(['redis:', 'rediss:'], 'redis://cache.internal:6379/0'),
    'Snapshots on this Redis instead of in memory.',
  ),
  SESSION_CACHE_TTL_SECONDS: known(whole(1, 31_536_000, 900), 'How long a snapshot is kept.'),

  KAFKA_BOOTSTRAP_SERVERS: known(
    list(),
    'Brokers (host:port). With them this process is part of a cluster: Kafka is the mailbox, and POSTGRES_DSN is needed.',
  ),
  KAFKA_SECURITY_PROTOCOL: known(
    choice(['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'], 'PLAINTEXT'),
    'How brokers are spoken to.',
  ),
  KAFKA_SASL_MECHANISM: known(
    choice(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'], 'PLAIN'),
    'With a SASL_* protocol: how to prove who we are.',
  ),
  KAFKA_SASL_USERNAME: known(optionalText(), 'Its user.'),
  KAFKA_SASL_PASSWORD: secret(optionalText(), 'Its password.'),
  SOMA_TOPIC_PREFIX: known(optionalText(), 'Put before every topic name, so that several clusters can share brokers.'),
  SOMA_TOPIC_REPLICATION: known(
    whole(0, 9, 0),
    'Copies of each partition when topics are created; 0 is 3, or as many as there are brokers.',
  ),
  SOMA_ROLES: known(
    list(['gateway', 'session', 'tool', 'memory']),
    'What this process does in a cluster; `soma node` and `soma gateway` choose for you.',
  ),
  SOMA_NODE_NAME: known(optionalText('host name and port'), 'What operators call this process.'),
  SOMA_NODE_WEIGHT: known(
    whole(0, 1_000, 100),
    'Share of shards this node takes, relative to the others; 0 takes none.',
  ),
  SOMA_LEASE_MS: known(
    whole(500, 60_000, 2_000),
    'A node that renews nothing for this long is taken over; one that died is noticed sooner.',
  ),
  SOMA_JOURNALS: secret(
    list(),
    'Journal spread over several Postgres servers by shard: 0-31=postgres://a/soma,32-63=postgres://b/soma.',
  ),
  SOMA_REQUIRED: known(
    list(),
    'Dependencies without which the start is refused, besides Postgres and Kafka: redis, opa, openfga, somabrain, model, embedding.',
  ),

  OPA_URL: known(
    web('http://opa.internal:8181'),
    'Open Policy Agent that decides on tool calls, besides the policy file.',
  ),
  POLICY_BASE_URL: known(web('http://opa.internal:8181'), 'Older name of OPA_URL.'),
  POLICY_DATA_PATH: known(text('/v1/data/soma/policy/allow'), 'Path of the decision there.'),
  POLICY_CACHE_TTL: known(whole(0, 3_600, 2), 'Seconds for which a decision of OPA or OpenFGA is used again.'),
  OPENFGA_API_URL: known(
    web('http://openfga.internal:8080'),
    'OpenFGA that says who may use which session, tool and memory.',
  ),
  OPENFGA_STORE_ID: known(text('soma'), 'Its store: the id, or the name that it was created with.'),
  SOMA_BASE_URL: known(web('http://localhost:9696'), 'SomaBrain memory service; probed at start.'),
  SOMA_API_KEY: secret(optionalText(), 'Key for it.'),
  SOMA_AUTH_HEADER: known(
    text('Authorization'),
    'Header that carries the key: as it is, or after `Bearer` in Authorization.',
  ),
  OTLP_ENDPOINT: known(web('http://collector.internal:4318'), 'Traces are sent there (OTLP over HTTP).'),
  SOMA_TRACE_RATIO: known(
    share(0.1),
    'Of the traces that begin here, the share that is sent; a client that sends a traceparent decides itself by its flag.',
  ),

  SOMA_CACHE_WM_LIMIT: known(
    whole(1, 10_000, 128),
    'Memories in the working memory (namespace wm) of a tenant; beyond it the least important, then the oldest leave.',
  ),
  SOMA_IDLE_SECONDS: known(whole(1, 86_400, 60), 'A session without work for this long leaves memory.'),
  SOMA_MAX_ACTIVE_SESSIONS: known(whole(1, 10_000_000, 10_000), 'Sessions in memory; the idlest leave beyond it.'),
  ...toolVariables,
  SOMA_DRAIN_SECONDS: known(
    whole(1, 600, 15),
    'How long a stop waits for steps in flight; the rest goes on after the next start.',
  ),

  SOMA_EMBEDDING_MODEL: known(
    text('local'),
    'What finds memories by meaning: local (English, in this process), none (by words alone), or a model of an endpoint.',
  ),
  SOMA_EMBEDDING_BASE_URL: known(
    web('https://api.openai.com/v1', 'that of the dialogue role'),
    'OpenAI-compatible endpoint of an embedding model that is named.',
  ),
  SOMA_EMBEDDING_API_KEY: secret(optionalText(), 'Key for it; without an own endpoint OPENAI_API_KEY does.'),
  SOMA_EMBEDDING_DIMENSIONS: known(whole(8, 8_192, 1_536), 'Dimensions of the vectors of a model that is named.'),
  SOMA_MEMORY_INDEX_THREADS: known(whole(1, 64, 1), 'Threads that hold the search indexes of memory shards.'),

  LOG_LEVEL: known(choice(['debug', 'info', 'warn', 'error', 'silent'], 'info'), 'Least level that is logged.'),
  SOMA_LOG_FORMAT: known(
    choice(['auto', 'json', 'pretty'], 'auto'),
    'auto: pretty on a terminal, JSON lines elsewhere.',
  ),
} as const

export type VariableName = keyof typeof variables
export type Values = { readonly [Name in VariableName]: z.output<(typeof variables)[Name]['schema']> }

export const variableNames = Object.keys(variables) as readonly VariableName[]

/** Families of names that carry a name of yours; read by config.ts, shown in the docs below the table. */
export const families = [
  { form: 'BUDGET_LIMIT_{TENANT}', meaning: 'Tokens per UTC day of one tenant, over BUDGET_LIMIT_TOKENS.' },
  { form: 'BUDGET_LIMIT_{TENANT}_{PERSONA}', meaning: 'The same for one persona of a tenant, over both.' },
  {
    form: 'SOMA_TEST_POSTGRES_DSN, SOMA_TEST_POSTGRES_DSN_2, SOMA_TEST_REDIS_URL, SOMA_TEST_KAFKA, SOMA_TEST_OPA_URL, SOMA_TEST_OPENFGA_URL, SOMA_TEST_PROMETHEUS, SOMA_TEST_STACK, SOMA_TEST_CHROMIUM, SOMA_TEST_PYTHON',
    meaning: 'What some specs need; without it they skip and say so, and in CI they fail.',
  },
  {
    form: 'SOMA_STACK_DATA, SOMA_STACK_CACHE, SOMA_STACK_PORTS',
    meaning: 'Data folder, cache and ports of `npm run stack`; node infra/stack.mjs --help.',
  },
] as const

/** Names of SomaAgent01 that have no effect here; warned about, so that nobody trusts a setting that does nothing. */
export const ofTheOldStack: ReadonlySet<string> = new Set([
  ...['SOMA_ENABLED', 'SOMA_TENANT_HEADER', 'SOMA_NAMESPACE'],
  ...['SOMA_MEMORY_NAMESPACE', 'SOMA_TIMEOUT_SECONDS', 'SOMA_MAX_RETRIES', 'SOMA_RETRY_BASE_MS', 'SOMA_VERIFY_SSL'],
  ...['SOMA_TLS_CA', 'SOMA_TLS_CERT', 'SOMA_TLS_KEY', 'SOMA_CACHE_INCLUDE_WM'],
])

/** The table of docs/CONFIGURATION.md. */
export function configurationTable(): string {
  const rows = variableNames.map((name) => {
    const { meaning, shownDefault, expects, secret } = variables[name]
    const fallback =
      shownDefault === unset ? '' : /^[\w./:,-]+$/.test(shownDefault) ? `\`${shownDefault}\`` : shownDefault
    return `| \`${name}\` | ${meaning} | ${expects} | ${fallback} | ${secret ? 'yes' : ''} |`
  })
  const more = families.map(({ form, meaning }) => `| \`${form}\` | ${meaning} | | | |`)
  return ['| variable | meaning | takes | default | secret |', '|---|---|---|---|---|', ...rows, ...more].join('\n')
}
