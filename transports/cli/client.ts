import { setTimeout as sleep } from 'node:timers/promises'
import type { ActorNode } from '../../actors/kernel/actor.ts'
import type { NodeView, ShardView } from '../../actors/kernel/cluster.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import type { ConversationEvent } from '../outbound.ts'
import type {
  Accepted,
  DeadLetterSummary,
  JournalEntry,
  McpServerSummary,
  MemorySummary,
  ModelSummary,
  PersonaSummary,
  QuarantineSummary,
  RememberedSummary,
  SessionDetail,
  SessionSummary,
  TimerSummary,
  ToolSummary,
  UploadedFile,
} from './answers.ts'
import type { DrillSummary } from './drill-commands.ts'
import { followEvents } from './event-stream.ts'
import type { DryRunAnswer, PendingAnswer } from './inspection-answers.ts'
import { causeOf, problemIn, Unreachable } from './problem.ts'

export interface ClientOptions {
  readonly url: string
  readonly token: string | undefined
  /** A fresh Idempotency-Key. */
  readonly newKey: () => string
  /** Called once an outage, when the service did not answer and is tried again: nobody should wait in silence. */
  readonly onOutage?: (why: string) => void
}

/** A connection that broke is tried again this often; the Idempotency-Key makes a second try the same request. */
const TRIES = 4
const FIRST_PAUSE_MS = 100

/** The service as the commands see it: a handful of typed calls over HTTP, the same in one process and across a network. */
export class SomaClient {
  readonly #options: ClientOptions

  constructor(options: ClientOptions) {
    this.#options = options
  }

  get url(): string {
    return this.#options.url
  }

  say(message: string, where: { session?: string | undefined; persona?: string | undefined }): Promise<Accepted> {
    return this.#call('POST', '/v1/session/message', { message, session_id: where.session, persona_id: where.persona })
  }

  async upload(files: readonly { name: string; bytes: Blob }[], session?: string): Promise<UploadedFile[]> {
    const form = new FormData()
    if (session !== undefined) form.append('session_id', session)
    for (const { name, bytes } of files) form.append('files', bytes, name)
    const headers = { ...this.#headers(), 'idempotency-key': this.#options.newKey() }
    const response = await this.#fetch('/v1/uploads', { method: 'POST', headers, body: form })
    if (!response.ok) throw await problemIn(response, this.url)
    return (await response.json()) as UploadedFile[]
  }

  /** `stop`, `pause`, `reset`, `persona`, `intervene`, `inject`… */
  command(session: string, command: string, body: object = {}): Promise<Accepted> {
    return this.#call('POST', `/v1/sessions/${encodeURIComponent(session)}/${command}`, body)
  }

  pending(session: string): Promise<PendingAnswer> {
    return this.#call('GET', `/v1/sessions/${encodeURIComponent(session)}/pending`)
  }

  editPending(session: string, edit: object): Promise<Accepted> {
    return this.#call('PUT', `/v1/sessions/${encodeURIComponent(session)}/pending`, edit)
  }

  dryRun(session: string, asked: object): Promise<DryRunAnswer> {
    return this.#call('POST', `/v1/sessions/${encodeURIComponent(session)}/dry-run`, asked)
  }

  sessions(query: { limit: number; search?: string | undefined }): Promise<{ sessions: SessionSummary[] }> {
    const search = query.search === undefined ? '' : `&search=${encodeURIComponent(query.search)}`
    return this.#call('GET', `/v1/sessions?limit=${query.limit}${search}`)
  }

  session(session: string): Promise<SessionDetail> {
    return this.#call('GET', `/v1/sessions/${encodeURIComponent(session)}`)
  }

  timers(session: string): Promise<{ timers: TimerSummary[] }> {
    return this.#call('GET', `/v1/sessions/${encodeURIComponent(session)}/timers`)
  }

  cancelTimer(session: string, timer: string): Promise<Accepted> {
    return this.#call('DELETE', `/v1/sessions/${encodeURIComponent(session)}/timers/${encodeURIComponent(timer)}`)
  }

  /** The whole journal, page by page. */
  async *journal(session: string, after = 0): AsyncGenerator<JournalEntry> {
    let cursor: number | null = after
    while (cursor !== null) {
      const path = `/v1/sessions/${encodeURIComponent(session)}/events?limit=500&after=${cursor}`
      const page: { events: JournalEntry[]; next_cursor: number | null } = await this.#call('GET', path)
      yield* page.events
      cursor = page.next_cursor
    }
  }

  personas(): Promise<{ default: string; personas: PersonaSummary[] }> {
    return this.#call('GET', '/v1/personas')
  }

  tools(): Promise<{ tools: ToolSummary[] }> {
    return this.#call('GET', '/v1/tools')
  }

  models(): Promise<{ data: ModelSummary[] }> {
    return this.#call('GET', '/v1/models')
  }

  remember(memory: object): Promise<RememberedSummary> {
    return this.#call('POST', '/v1/memory/remember', memory)
  }

  recall(asked: object): Promise<{ results: (MemorySummary & { score: number })[]; warnings: string[] }> {
    return this.#call('POST', '/v1/memory/recall', asked)
  }

  forget(asked: object): Promise<{ forgotten: number; keys: string[] }> {
    return this.#call('POST', '/v1/memory/forget', asked)
  }

  memories(query: { limit: number; namespace?: string; search?: string }): Promise<{ memories: MemorySummary[] }> {
    const asked = Object.entries(query).filter(([, value]) => value !== undefined)
    return this.#call(
      'GET',
      `/v1/memory?${new URLSearchParams(asked.map(([name, value]): [string, string] => [name, String(value)]))}`,
    )
  }

  tree(): Promise<{ tree: ActorNode[] }> {
    return this.#call('GET', '/v1/admin/tree')
  }

  nodes(): Promise<{ nodes: (Omit<NodeView, 'startedAt'> & { readonly started_at: string })[] }> {
    return this.#call('GET', '/v1/admin/nodes')
  }

  shards(): Promise<{ shards: (Omit<ShardView, 'ownerName'> & { readonly owner_name: string | null })[] }> {
    return this.#call('GET', '/v1/admin/shards')
  }

  drain(node: string): Promise<{ status: string; node: string }> {
    return this.#call('POST', `/v1/admin/nodes/${encodeURIComponent(node)}/drain`, {})
  }

  deadLetters(limit: number): Promise<{ dead_letters: DeadLetterSummary[] }> {
    return this.#call('GET', `/v1/admin/dead-letters?limit=${limit}`)
  }

  deadLetter(id: string): Promise<DeadLetterSummary> {
    return this.#call('GET', `/v1/admin/dead-letters/${encodeURIComponent(id)}`)
  }

  replayDeadLetter(id: string, body?: unknown): Promise<{ status: string; event_id: string; address: string }> {
    const edited = body === undefined ? {} : { body }
    return this.#call('POST', `/v1/admin/dead-letters/${encodeURIComponent(id)}/replay`, edited)
  }

  dropDeadLetter(id: string): Promise<{ status: string }> {
    return this.#call('DELETE', `/v1/admin/dead-letters/${encodeURIComponent(id)}`)
  }

  quarantine(): Promise<{ quarantine: QuarantineSummary[] }> {
    return this.#call('GET', '/v1/admin/quarantine')
  }

  quarantined(address: string): Promise<QuarantineSummary & { messages: Envelope[] }> {
    return this.#call('GET', `/v1/admin/quarantine/${encodeURIComponent(address)}`)
  }

  resume(
    address: string,
    how: { action: 'retry' | 'drop' } | { action: 'edit'; body: unknown },
  ): Promise<{ status: string }> {
    return this.#call('POST', `/v1/admin/quarantine/${encodeURIComponent(address)}/resume`, how)
  }

  mcpServers(): Promise<{ servers: McpServerSummary[] }> {
    return this.#call('GET', '/v1/admin/mcp')
  }

  /** One JSON-RPC message for the service's MCP server, and its answer as it comes. */
  mcp(message: string, key: string, signal: AbortSignal): Promise<Response> {
    const accept = 'application/json, text/event-stream'
    const headers = { ...this.#headers(), accept, 'content-type': 'application/json', 'idempotency-key': key }
    return fetch(`${this.url}/mcp`, { method: 'POST', headers, body: message, signal })
  }

  drills(limit: number): Promise<{ drills: DrillSummary[] }> {
    return this.#call('GET', `/v1/admin/drills?limit=${limit}`)
  }

  drill(id: string): Promise<DrillSummary & { report: unknown }> {
    return this.#call('GET', `/v1/admin/drills/${encodeURIComponent(id)}`)
  }

  /** Journaled events after the cursor, and previews of those to come; reconnects by itself until `signal` aborts. */
  follow(session: string, after: number, signal: AbortSignal): AsyncGenerator<ConversationEvent> {
    const path = `/v1/session/${encodeURIComponent(session)}/events?previews=delta`
    const { onOutage = () => {} } = this.#options
    const headers = this.#headers()
    return followEvents({ url: `${this.url}${path}`, shownUrl: this.url, headers, after, signal, onOutage })
  }

  async #call<T>(method: string, path: string, body?: object): Promise<T> {
    const headers: Record<string, string> = this.#headers()
    if (method === 'POST' || method === 'PUT') headers['idempotency-key'] = this.#options.newKey()
    if (body) headers['content-type'] = 'application/json'
    const response = await this.#fetch(path, { method, headers, body: body ? JSON.stringify(body) : null })
    if (!response.ok) throw await problemIn(response, this.url)
    try {
      return (await response.json()) as T
    } catch (error) {
      throw new Unreachable(this.url, 'what answers there is not SomaAgent', error)
    }
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await fetch(`${this.url}${path}`, init)
      } catch (error) {
        // Refused is an answer of the machine: nobody is there, and waiting would only hide it.
        if (attempt === TRIES || causeOf(error) === 'ECONNREFUSED') {
          throw new Unreachable(this.url, causeOf(error), error)
        }
        if (attempt === 1) this.#options.onOutage?.(causeOf(error))
        await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1))
      }
    }
  }

  #headers(): Record<string, string> {
    return this.#options.token === undefined ? {} : { authorization: `Bearer ${this.#options.token}` }
  }
}
