/** Every dependency as data: the probes, SOMA_REQUIRED and the table of docs/RUNBOOK.md are made from it. */
interface Dependency {
  readonly variables: string
  readonly required: string
  /** What is lost while it is away. */
  readonly without: string
  readonly looksAt: string
  /** First thing to do. */
  readonly remedy: string
}

export const dependencyTable = {
  postgres: {
    variables: 'POSTGRES_DSN, SOMA_JOURNALS',
    required: 'always, when set',
    without: 'Nothing can be journaled, so nothing is accepted.',
    looksAt: 'version 13 or newer, user, database, TLS, not a read-only replica',
    remedy: 'Start Postgres, or correct POSTGRES_DSN.',
  },
  kafka: {
    variables: 'KAFKA_BOOTSTRAP_SERVERS, KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_*',
    required: 'always, when set',
    without: 'Messages cannot be accepted or handed to their sessions.',
    looksAt:
      'one bootstrap address at least, version 0.11 or newer, TLS, SASL user, and that the addresses which brokers advertise can be reached',
    remedy: 'Start the brokers, or correct KAFKA_BOOTSTRAP_SERVERS.',
  },
  redis: {
    variables: 'REDIS_URL',
    required: 'when SOMA_REQUIRED names it',
    without: 'Recovery reads more of the journal: slower, and otherwise the same.',
    looksAt: 'version 6 or newer, user, database number, TLS',
    remedy: 'Start Redis, or correct REDIS_URL.',
  },
  opa: {
    variables: 'OPA_URL (or POLICY_BASE_URL), POLICY_DATA_PATH',
    required: 'when SOMA_REQUIRED names it',
    without: 'No tool runs: every call ends in POLICY_UNAVAILABLE. Sessions talk on.',
    looksAt: 'its health, and that there is a decision at POLICY_DATA_PATH',
    remedy: 'Start OPA, or correct OPA_URL; without the variable the policy file decides alone.',
  },
  openfga: {
    variables: 'OPENFGA_API_URL, OPENFGA_STORE_ID',
    required: 'when SOMA_REQUIRED names it',
    without: 'No tool runs: every call ends in POLICY_UNAVAILABLE. Sessions talk on.',
    looksAt: 'its health, the store, and that its newest model has our types',
    remedy: 'Start OpenFGA, or correct OPENFGA_API_URL; without the variable it is not asked.',
  },
  somabrain: {
    variables: 'SOMA_BASE_URL, SOMA_API_KEY, SOMA_AUTH_HEADER',
    required: 'when SOMA_REQUIRED names it',
    without: 'Memory kept in SomaBrain cannot be reached.',
    looksAt: 'its /health, with the key',
    remedy: 'Start SomaBrain, or correct SOMA_BASE_URL and SOMA_API_KEY.',
  },
  model: {
    variables: 'OPENAI_BASE_URL, SOMA_MODEL, SOMA_ESCALATION_*',
    required: 'when SOMA_REQUIRED names it',
    without: 'Turns end in MODEL_UNAVAILABLE until it is back.',
    looksAt: 'that the endpoint lists models',
    remedy: 'Start the model server, or correct OPENAI_BASE_URL and OPENAI_API_KEY.',
  },
  embedding: {
    variables: 'SOMA_EMBEDDING_MODEL (other than local and none), SOMA_EMBEDDING_BASE_URL, SOMA_EMBEDDING_API_KEY',
    required: 'when SOMA_REQUIRED names it',
    without: 'Memories are found by their words alone; vectors are made when it is back.',
    looksAt: 'that it embeds a word with the model, in SOMA_EMBEDDING_DIMENSIONS; then only that it is there',
    remedy: 'Start the embedding server, or correct SOMA_EMBEDDING_BASE_URL; SOMA_EMBEDDING_MODEL=local needs none.',
  },
} as const satisfies Readonly<Record<string, Dependency>>

export type DependencyName = keyof typeof dependencyTable

/** Those that SOMA_REQUIRED may name; the others cannot be done without anyway, and may be named too. */
export const dependencyNames = Object.keys(dependencyTable) as readonly DependencyName[]

/** The table of docs/RUNBOOK.md. */
export function dependencyRows(): string {
  const rows = Object.entries(dependencyTable).map(
    ([name, { variables, required, looksAt, without, remedy }]) =>
      `| ${name} | ${code(variables)} | ${required} | ${looksAt} | ${without} | ${code(remedy)} |`,
  )
  const head = ['dependency', 'variables', 'required', 'what is looked at', 'while it is away', 'what to do']
  return [`| ${head.join(' | ')} |`, `|${'---|'.repeat(head.length)}`, ...rows].join('\n')
}

const code = (words: string) => words.replaceAll(/[A-Z]+_[A-Z_*]+/g, (name) => `\`${name}\``)
