import { z } from 'zod'
import { Failure } from '../kernel/failure.ts'
import { Slots } from '../tool/slots.ts'
import type { Tool, ToolContext } from '../tool/tool.ts'
import type { Offer, OfferedTool } from './offered-tools.ts'
import { ConnectionLost, type McpConnection, type McpServer, type McpServerView, type ServerTool } from './protocol.ts'

/** A call that lost its server so often is given up. */
const MAX_ATTEMPTS = 3

/** Calls that may wait for one server, whatever its tools. */
const WAITING = { perTool: 1_000, perTenant: 200 }

/**
 * One server as calls and operators see it: it outlives connections, which come and go behind it (server-actor.ts).
 *   M1. A call that lost its server is made again only if that is harmless (the tool is idempotent, or it surely never
 *       reached the server), and at most MAX_ATTEMPTS times; else its outcome is UNKNOWN and says so.
 *   M2. While the server is down a new call fails at once with MCP_UNAVAILABLE and the cause; while it starts it waits,
 *       for as long as its own time limit allows.
 *   M3. At most `concurrency` calls run at once; the others wait their turn (L2 of slots.ts).
 */
export class ServerDoor {
  readonly server: McpServer
  /** Told when a call went unanswered: whoever supervises the connection looks whether it is still alive. */
  onSilence: (why: string) => void = () => {}
  readonly #slots: Slots
  readonly #waiting = new Set<() => void>()
  #state: McpServerView['state'] = 'starting'
  #connection: McpConnection | undefined
  #offer: Offer = { tools: [], leftOut: [] }
  #wasReady = false
  #starts = 0
  #trouble: string | undefined

  constructor(server: McpServer) {
    this.server = server
    this.#slots = new Slots(WAITING, () => performance.now())
  }

  /** As last listed: they stay while the server is down, so that a model hears why it cannot call them. */
  get tools(): readonly OfferedTool[] {
    return this.#offer.tools
  }

  starting(): void {
    this.#starts++
    // One that failed already stays `down` until it is up: calls then hear why instead of waiting for the next failure.
    if (this.#trouble === undefined) this.#state = 'starting'
  }

  ready(connection: McpConnection, offer: Offer): void {
    this.#state = 'ready'
    this.#wasReady = true
    this.#trouble = undefined
    this.#connection = connection
    this.#offer = offer
    this.#wake()
  }

  down(why: string): void {
    this.#state = 'down'
    this.#trouble = why
    this.#connection = undefined
    this.#wake()
  }

  /** The life that had this connection ends. */
  left(connection: McpConnection): void {
    if (this.#connection === connection) this.down('it is being stopped')
  }

  /**
   * For a call that was journaled before a restart of ours and comes back before its server is: a tool of this name,
   * whatever it is, that waits for the server and then is what the server says. Only until the first list.
   */
  promised(name: string): Tool | undefined {
    if (this.#wasReady) return undefined
    return {
      name,
      description: `A tool of the MCP server ${this.server.name}, which has not listed its tools yet.`,
      schema: z.record(z.string(), z.unknown()),
      idempotent: false,
      timeoutMs: this.server.timeoutMs,
      reaches: ['mcp'],
      maxOutput: this.server.maxOutput,
      run: async (args, context) => {
        await this.#connected(context.signal, false)
        const tool = this.tools.find((one) => one.name === name)
        if (!tool) throw new Failure('TOOL_NOT_FOUND', `The MCP server ${this.server.name} has no tool ${name}.`)
        const checked = tool.schema.safeParse(args)
        if (!checked.success) {
          const [first] = checked.error.issues
          throw new Failure('TOOL_ARGUMENTS', `${first?.path.map(String).join('.')}: ${first?.message}`)
        }
        return tool.run(checked.data, context)
      },
    }
  }

  async call(tool: ServerTool, idempotent: boolean, args: unknown, context: ToolContext): Promise<string> {
    const { signal, tenant, sessionId: session } = context
    const { name, concurrency: limit } = this.server
    const slot = await this.#slots.take({ tool: name, tenant, session, limit }, signal) // M3
    if (slot.kind === 'queue-full') {
      const detail = `${slot.waiting} calls wait for the MCP server ${name}.`
      throw new Failure('TOOL_QUEUE_FULL', detail, { retryAfter: slot.retryAfter })
    }
    const onAbort = () => {
      if (signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError')
        this.onSilence(`a call of ${tool.name} got no answer within ${this.server.timeoutMs} ms`)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await this.#answered(tool, idempotent, args, context)
    } finally {
      signal.removeEventListener('abort', onAbort)
      slot.release()
    }
  }

  async #answered(tool: ServerTool, idempotent: boolean, args: unknown, context: ToolContext): Promise<string> {
    const { callId, signal, progress } = context
    for (let attempt = 1; ; attempt++) {
      const connection = await this.#connected(signal, attempt > 1)
      try {
        const answer = await connection.call(tool.name, args, {
          callId,
          signal,
          timeoutMs: this.server.timeoutMs,
          progress,
        })
        if (answer.isError) throw new Failure('TOOL_FAILED', answer.text)
        return answer.text
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error
        if (!idempotent && !error.surelyNotRun) throw this.#unknown(error) // M1
        if (attempt === MAX_ATTEMPTS) throw this.#unavailable(`lost it ${attempt} times: ${error.message}`, error)
        // The door hears of the loss by way of the actor; until then this connection is the wrong one.
        if (this.#connection === connection) this.down(error.message)
      }
    }
  }

  /** M2. `patient`: a call that was on its way already waits for the restart. */
  async #connected(signal: AbortSignal, patient: boolean): Promise<McpConnection> {
    for (;;) {
      signal.throwIfAborted()
      if (this.#connection) return this.#connection
      if (this.#state === 'down' && !patient) throw this.#unavailable(this.#trouble ?? 'it is down')
      await this.#change(signal)
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(wake)
        reject(signal.reason)
      }
      const wake = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  #unavailable(why: string, cause?: unknown): Failure {
    const detail = `The MCP server ${this.server.name} is not running and is being restarted, so the tool did not run: ${why}`
    return new Failure('MCP_UNAVAILABLE', detail, { cause, retryAfter: 5 })
  }

  #unknown(cause: ConnectionLost): Failure {
    const detail =
      `The MCP server ${this.server.name} was lost while the call ran (${cause.message}). It may or may not have taken ` +
      'effect: check before you ask for it again, and tell the user if you cannot check.'
    return new Failure('TOOL_OUTCOME_UNKNOWN', detail, { cause })
  }

  view(): McpServerView {
    const { name, way } = this.server
    return {
      name,
      way: way.kind,
      target: way.kind === 'stdio' ? way.command : bare(way.url),
      state: this.#state,
      peer: this.#connection?.peer,
      restarts: Math.max(0, this.#starts - 1),
      running: this.#slots.running(name),
      trouble: this.#trouble,
      tools: this.tools.map((tool) => ({ name: tool.name, idempotent: tool.idempotent })),
      leftOut: this.#offer.leftOut,
    }
  }
}

function bare(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}
