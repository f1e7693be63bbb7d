import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { Progress } from '@modelcontextprotocol/sdk/types.js'
import type { Clock } from '../../actors/kernel/clock.ts'
import { Failure, isFailure } from '../../actors/kernel/failure.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import {
  type CallAnswer,
  type CallHow,
  type ConnectionEvents,
  ConnectionLost,
  type McpConnection,
  type McpServer,
  type OpenConnection,
  type ServerTool,
} from '../../actors/mcp/protocol.ts'
import { answerOf } from './call-answer.ts'
import { type WatchedFetch, watchedFetch } from './http-way.ts'
import { tellLines } from './stderr-lines.ts'

export interface ConnectionMeans {
  readonly version: string
  readonly clock: Clock
  readonly log: Logger
  /** Fetch that reaches what this server may, and nothing else. */
  fetchFor(server: McpServer): WatchedFetch
}

/** One message of a server: an image of a few MB in base64 fits. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024
const MAX_PAGES = 50
/** The deadline is the caller's; the SDK's own, of a minute, would come before it. */
const NEVER_MS = 2_000_000_000
const NOT_CONNECTED = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT/
/** Codes of JSON-RPC that the SDK makes itself. */
const CLOSED = -32000
const METHOD_NOT_FOUND = -32601
const INVALID_PARAMS = -32602

/** Connections by the official SDK, loaded with the first server (0.3 s). */
export function mcpConnections(means: ConnectionMeans): OpenConnection {
  return async (server, events, signal) => {
    const [{ Client }, types] = await Promise.all([
      import('@modelcontextprotocol/sdk/client/index.js'),
      import('@modelcontextprotocol/sdk/types.js'),
    ])
    const safe = hiding(server.secrets)
    const once = onlyFirst(events, safe)
    const client = new Client({ name: 'SomaAgent', version: means.version })
    // While it opens, connect() itself rejects with the cause; only a broken answer it would wait out.
    let opened = false
    const broken = new AbortController()
    const way: ConnectionEvents = {
      ...once,
      closed: (why) => (opened ? once.closed(why) : broken.abort(new Failure('MCP_UNAVAILABLE', safe(why)))),
    }
    client.onclose = () => opened && once.closed('it ended or closed its connection')
    client.onerror = (error) => opened && once.suspected(error.message)
    client.setNotificationHandler(types.ToolListChangedNotificationSchema, () => events.toolsChanged())
    try {
      const transport = await transportOf(server, means, way, safe)
      const either = AbortSignal.any([signal, broken.signal])
      await client.connect(transport, { signal: either, timeout: server.startMs })
      opened = true
      if (client.transport === undefined) throw new Failure('MCP_UNAVAILABLE', 'it ended as soon as it was there')
    } catch (error) {
      once.over = true
      await client.close().catch(() => {})
      throw unopened(error, safe)
    }
    if (signal.aborted) {
      once.over = true
      await client.close()
      throw signal.reason
    }
    return new SdkConnection(client, types, once, safe)
  }
}

async function transportOf(
  server: McpServer,
  { fetchFor, clock, log }: ConnectionMeans,
  events: ConnectionEvents,
  safe: (text: string) => string,
): Promise<Transport> {
  const { way, name } = server
  if (way.kind === 'http') {
    const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js')
    const fetch = watchedFetch(fetchFor(server), way, events)
    return new StreamableHTTPClientTransport(new URL(way.url), { fetch }) as Transport
  }
  const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js')
  const { command, args, env, cwd } = way
  const transport = new StdioClientTransport({
    command,
    args: [...args],
    // The SDK adds PATH, HOME and four of their like, and nothing else of our environment.
    env: { ...env },
    stderr: 'pipe',
    maxBufferSize: MAX_MESSAGE_BYTES,
    cwd,
  })
  const { stderr } = transport
  if (stderr) {
    tellLines(stderr as import('node:stream').Readable, clock, (line) =>
      log.info({ server: name, line: safe(line) }, 'MCP server says'),
    )
  }
  return transport
}

interface Once extends ConnectionEvents {
  /** Closed by us: what is still told is no news. */
  over: boolean
}

function onlyFirst(events: ConnectionEvents, safe: (text: string) => string): Once {
  const once: Once = {
    over: false,
    closed(why) {
      if (once.over) return
      once.over = true
      events.closed(safe(why))
    },
    suspected(why) {
      if (!once.over) events.suspected(safe(why))
    },
    toolsChanged: () => events.toolsChanged(),
  }
  return once
}

class SdkConnection implements McpConnection {
  readonly peer: string
  readonly #client: Client
  readonly #types: typeof import('@modelcontextprotocol/sdk/types.js')
  readonly #events: Once
  readonly #safe: (text: string) => string

  constructor(
    client: Client,
    types: typeof import('@modelcontextprotocol/sdk/types.js'),
    events: Once,
    safe: (text: string) => string,
  ) {
    const { name = 'unnamed', version = '' } = client.getServerVersion() ?? {}
    this.peer = `${name} ${version}`.trim().slice(0, 200)
    this.#client = client
    this.#types = types
    this.#events = events
    this.#safe = safe
  }

  async tools(signal: AbortSignal): Promise<readonly ServerTool[]> {
    if (!this.#client.getServerCapabilities()?.tools) return []
    const tools: ServerTool[] = []
    let cursor: string | undefined
    for (let page = 0; page < MAX_PAGES; page++) {
      const params = cursor === undefined ? {} : { cursor }
      // Not client.listTools(): it compiles every output schema, which nobody here reads.
      const listed = await this.#client.request({ method: 'tools/list', params }, this.#types.ListToolsResultSchema, {
        signal,
        timeout: NEVER_MS,
      })
      for (const { name, description = '', inputSchema, annotations = {} } of listed.tools) {
        const readOnly = annotations.readOnlyHint === true
        const idempotent = annotations.idempotentHint === true && annotations.destructiveHint !== true
        tools.push({ name, description, inputSchema, readOnly, idempotent })
      }
      cursor = listed.nextCursor
      if (cursor === undefined) return tools
    }
    throw new Failure('MCP_UNAVAILABLE', `its list of tools has more than ${MAX_PAGES} pages`)
  }

  async call(tool: string, args: unknown, { callId, signal, timeoutMs, progress }: CallHow): Promise<CallAnswer> {
    try {
      const result = await this.#client.request(
        {
          method: 'tools/call',
          params: {
            name: tool,
            arguments: (args ?? {}) as Record<string, unknown>,
            _meta: { 'somaagent/call-id': callId },
          },
        },
        this.#types.CallToolResultSchema,
        {
          // The SDK sends notifications/cancelled when this aborts.
          signal,
          timeout: timeoutMs + 1_000,
          ...(progress && { onprogress: (told: Progress) => progress(shown(told)) }),
        },
      )
      const { text, isError } = answerOf(result)
      return { text: this.#safe(text), isError }
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw this.#unanswered(error)
    }
  }

  /** What an error says of the call: refused by the server, surely never taken, or lost on the way. */
  #unanswered(error: unknown): Error {
    if (isFailure(error)) return error
    const { code } = error as { code?: unknown }
    const why = this.#safe(reasonOf(error))
    // A server that was restarted knows our HTTP session no more: 404, or 400 by some.
    const forgotten = code === 404 || (code === 400 && /session/i.test(why))
    if (typeof code === 'number' && code >= 400 && !forgotten) return refusedBy(code, why)
    if (code === METHOD_NOT_FOUND || code === INVALID_PARAMS) return new Failure('TOOL_ARGUMENTS', why)
    if (typeof code === 'number' && code < 0 && code !== CLOSED) return new Failure('TOOL_FAILED', why)
    const blocked = failureIn(error)
    if (blocked) return blocked
    const surelyNotRun = forgotten || NOT_CONNECTED.test(causes(error))
    this.#events.closed(why)
    return new ConnectionLost(why, { surelyNotRun, cause: error })
  }

  async ping(timeoutMs: number): Promise<void> {
    try {
      await this.#client.ping({ timeout: timeoutMs })
    } catch (error) {
      // A server that knows no ping has answered.
      if ((error as { code?: unknown }).code === METHOD_NOT_FOUND) return
      throw new Failure('MCP_UNAVAILABLE', `it does not answer a ping: ${this.#safe(reasonOf(error))}`)
    }
  }

  async close(): Promise<void> {
    this.#events.over = true
    await this.#client.close()
  }
}

function refusedBy(status: number, why: string): Failure {
  if (status === 401 || status === 403) {
    return new Failure('TOOL_FAILED', `The MCP server refused our credentials (${status}): ${why}`)
  }
  const after = status >= 500 ? ' The call may or may not have taken effect.' : ''
  return new Failure('TOOL_FAILED', `The MCP server answered with the status ${status}: ${why}${after}`)
}

function shown({ progress, total, message }: Progress): { text?: string; fraction?: number } {
  const fraction = total !== undefined && total > 0 ? Math.min(1, progress / total) : undefined
  return { ...(message !== undefined && { text: message }), ...(fraction !== undefined && { fraction }) }
}

function unopened(error: unknown, safe: (text: string) => string): unknown {
  const failure = failureIn(error)
  if (isFailure(failure, 'BLOCKED_ADDRESS')) {
    return new Failure(
      'BLOCKED_ADDRESS',
      `${failure.detail} If it may be reached, name it in \`allow\` of this server.`,
    )
  }
  if (failure) return failure
  return new Failure('MCP_UNAVAILABLE', `it could not be started or reached: ${safe(reasonOf(error))}`, {
    cause: error,
  })
}

function failureIn(error: unknown): Failure | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (isFailure(cause)) return cause
  return undefined
}

function reasonOf(error: unknown): string {
  let deepest = error
  while (deepest instanceof Error && deepest.cause instanceof Error) deepest = deepest.cause
  const { message = String(deepest), code } = deepest as { message?: string; code?: string }
  return (message || code || 'no reason given').slice(0, 500)
}

function causes(error: unknown): string {
  let text = ''
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    text += ` ${cause.message} ${(cause as NodeJS.ErrnoException).code ?? ''}`
  }
  return text
}

/** Short ones are left: they would hide ordinary words. */
function hiding(secrets: readonly string[]): (text: string) => string {
  const long = secrets.filter((secret) => secret.length >= 4)
  return (text) => long.reduce((safe, secret) => safe.replaceAll(secret, '[redacted]'), text)
}
