/**
 * The words of MCP (Model Context Protocol) servers whose tools our agents use. A server is a process or a service of
 * somebody else: it may be missing, slow, wrong or gone at any moment, and none of that may harm a session.
 */

/** A server as its operator configured it (infra/mcp/mcp-file.ts). */
export interface McpServer {
  /** Part of its tools' names: `<name>__<tool>`. */
  readonly name: string
  readonly way: StdioWay | HttpWay
  /** Of one call. */
  readonly timeoutMs: number
  /** From the start to its list of tools. */
  readonly startMs: number
  /** Calls of it that run at once in this process. */
  readonly concurrency: number
  /** Output beyond this many characters is cut. */
  readonly maxOutput: number
  /** Whether the operator offers this tool (the server's own name) to agents. */
  offers(tool: string): boolean
  /** What the operator says of the tool; undefined: the server's own hints decide. */
  idempotent(tool: string): boolean | undefined
  /** Values that were filled in from variables: never shown. */
  readonly secrets: readonly string[]
}

export interface StdioWay {
  readonly kind: 'stdio'
  readonly command: string
  readonly args: readonly string[]
  /** Besides PATH, HOME and their like, all that the process gets. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
}

export interface HttpWay {
  readonly kind: 'http'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Internal hosts or networks that its operator lets it reach. */
  readonly allow: readonly string[]
}

/** A tool as the server lists it. */
export interface ServerTool {
  readonly name: string
  readonly description: string
  /** JSON Schema, as it came. */
  readonly inputSchema: Readonly<Record<string, unknown>>
  readonly readOnly: boolean
  readonly idempotent: boolean
  /** Why it cannot be used as it was listed; the rest of the list can. */
  readonly broken?: string
}

/** Opens a connection; rejects with a Failure (MCP_UNAVAILABLE, BLOCKED_ADDRESS) that says why it could not. */
export type OpenConnection = (
  server: McpServer,
  events: ConnectionEvents,
  signal: AbortSignal,
) => Promise<McpConnection>

/** What a connection tells of itself. */
export interface ConnectionEvents {
  /** It is over, by whatever cause but `close`. */
  closed(why: string): void
  /** Something went wrong that may mean that it is over. */
  suspected(why: string): void
  toolsChanged(): void
}

/** One connection to one server: a process of its own, or an HTTP session. */
export interface McpConnection {
  /** Name and version, as the server calls itself. */
  readonly peer: string
  tools(signal: AbortSignal): Promise<readonly ServerTool[]>
  /** Rejects with ConnectionLost when no answer can come any more; with a Failure when the server refused. */
  call(tool: string, args: unknown, how: CallHow): Promise<CallAnswer>
  ping(timeoutMs: number): Promise<void>
  close(): Promise<void>
}

export interface CallHow {
  /** The same for every attempt; the server is told it (`_meta`), so that it can recognise a repeated call. */
  readonly callId: string
  readonly signal: AbortSignal
  readonly timeoutMs: number
  readonly progress?: ((told: { readonly text?: string; readonly fraction?: number }) => void) | undefined
}

export interface CallAnswer {
  readonly text: string
  /** The tool says of itself that it failed. */
  readonly isError: boolean
}

export class ConnectionLost extends Error {
  /** The call surely did not reach the server, so it may be made again whatever it does. */
  readonly surelyNotRun: boolean

  constructor(why: string, options: { readonly surelyNotRun?: boolean; readonly cause?: unknown } = {}) {
    super(why, { cause: options.cause })
    this.name = 'ConnectionLost'
    this.surelyNotRun = options.surelyNotRun ?? false
  }
}

/** A server as operators see it. */
export interface McpServerView {
  readonly name: string
  readonly way: 'stdio' | 'http'
  /** The command or the address, without arguments, query and headers, which may hold secrets. */
  readonly target: string
  readonly state: 'starting' | 'ready' | 'down'
  readonly peer: string | undefined
  /** Since its supervisor first started it. */
  readonly restarts: number
  readonly running: number
  /** Why it is down, or what was wrong with it last. */
  readonly trouble: string | undefined
  readonly tools: readonly { readonly name: string; readonly idempotent: boolean }[]
  /** Tools that the server lists and that are not offered, each with the reason. */
  readonly leftOut: readonly { readonly name: string; readonly reason: string }[]
}

export interface McpServers {
  list(): readonly McpServerView[]
}
