import { createInterface } from 'node:readline'
import { createParser } from 'eventsource-parser'
import type { Clock } from '../../actors/kernel/clock.ts'
import { pause } from '../../actors/kernel/pause.ts'

export interface BridgeParts {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
  /** Posts one message to the service; `key` is its Idempotency-Key. */
  post(message: string, key: string, signal: AbortSignal): Promise<Response>
  newKey(): string
  /** For the person who looks at the log of the MCP client. */
  warn(text: string): void
  readonly clock: Clock
  /** How long a message is tried again while the service is away. Default: 60 s. */
  readonly patienceMs?: number
}

interface Message {
  readonly id?: string | number
  readonly method?: string
  readonly params?: { readonly requestId?: string | number }
}

const PATIENCE_MS = 60_000
const FIRST_PAUSE_MS = 100
const MAX_PAUSE_MS = 2_000
/** Requests under way at once, of one client. */
const MAX_OPEN = 256
const MAX_LINE = 8 * 1024 * 1024
const PARSE_ERROR = -32700
const INVALID_REQUEST = -32600
const SERVER_ERROR = -32000

/**
 * MCP by stdio for a client that starts programs (a desktop application), in front of the service that runs elsewhere: each
 * line is one POST to its /mcp, and what that answers are lines again. The service keeps nothing between two, so the bridge
 * can outlive it: a request whose answer is cut off (the gateway was killed) is sent again under its Idempotency-Key, and so
 * is done once. Resolves when the client closes its end.
 */
export async function bridgeStdio(parts: BridgeParts): Promise<void> {
  const { input } = parts
  const open = new Map<string | number, AbortController>()
  const end = new AbortController()
  const write = (message: object) => void parts.output.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const refuse = (id: Message['id'], code: number, message: string) =>
    write({ id: id ?? null, error: { code, message } })

  async function forward(line: string, message: Message): Promise<void> {
    const { id } = message
    const own = new AbortController()
    if (id !== undefined) open.set(id, own)
    const signal = AbortSignal.any([own.signal, end.signal])
    try {
      await deliver(parts, line, id, signal)
    } catch (error) {
      // Cancelled by the client: it expects no answer.
      if (signal.aborted) return
      const message = error instanceof Error ? error.message : 'failed'
      if (id === undefined) parts.warn(`a notification was lost: ${message}`)
      else
        write({ id, error: error instanceof Refused && error.answer ? error.answer : { code: SERVER_ERROR, message } })
    } finally {
      if (id !== undefined) open.delete(id)
    }
  }

  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  for await (const line of lines) {
    if (line.trim() === '') continue
    if (line.length > MAX_LINE) {
      refuse(undefined, INVALID_REQUEST, `A line has ${line.length} characters; ${MAX_LINE} is the most.`)
      continue
    }
    const message = messageIn(line)
    if (message === undefined) refuse(undefined, PARSE_ERROR, 'A line must be one JSON-RPC message, as a JSON object.')
    else if (message.method === 'notifications/cancelled') open.get(message.params?.requestId ?? '')?.abort()
    else if (open.size >= MAX_OPEN && message.id !== undefined)
      refuse(message.id, INVALID_REQUEST, `more than ${MAX_OPEN} requests are under way`)
    else void forward(line, message)
  }
  end.abort()
}

/** Tries until the message is answered, refused, or `patienceMs` is over. */
async function deliver(parts: BridgeParts, line: string, id: Message['id'], signal: AbortSignal): Promise<void> {
  const { clock, patienceMs = PATIENCE_MS } = parts
  const key = parts.newKey()
  let since: number | undefined
  for (let tries = 0; ; tries++) {
    let why: string
    try {
      const response = await parts.post(line, key, signal)
      if (response.ok) {
        if (await passedOn(parts, response, id)) return
        // It began to answer: the service was there, and the wait for its return begins now.
        since = clock.now()
        why = 'the answer broke off'
      } else {
        const answer = await refusal(response)
        why = answer?.message ?? `status ${response.status}`
        if (response.status < 500 && response.status !== 429) throw new Refused(why, answer)
      }
    } catch (error) {
      if (signal.aborted || error instanceof Refused) throw error
      why = reasonOf(error)
    }
    since ??= clock.now()
    if (tries === 0) parts.warn(`the service does not answer (${why}); trying again`)
    if (clock.now() - since >= patienceMs) throw new Error(`The SomaAgent service does not answer: ${why}`)
    await pause(clock, Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries), signal)
  }
}

/** Whether the answer to the request was in it; a notification needs none. */
async function passedOn({ output }: BridgeParts, response: Response, id: Message['id']): Promise<boolean> {
  let answered = id === undefined
  const write = (text: string) => {
    const message = messageIn(text)
    if (message === undefined) return
    if (message.id === id && message.method === undefined) answered = true
    output.write(`${JSON.stringify(message)}\n`)
  }
  const type = response.headers.get('content-type') ?? ''
  if (!type.startsWith('text/event-stream')) {
    const text = await response.text()
    if (text !== '') write(text)
    return answered
  }
  const parser = createParser({ onEvent: ({ data }) => data !== '' && write(data) })
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }))
  } catch {
    // Cut off; whether the answer came before, `answered` knows.
  }
  return answered
}

interface RpcError {
  readonly code: number
  readonly message: string
  readonly data?: { readonly code?: string; readonly remedy?: string }
}

/** The service will not take the message however often it is sent; its own words, where it gave some. */
class Refused extends Error {
  readonly answer: RpcError | undefined

  constructor(why: string, answer: RpcError | undefined) {
    super(why)
    this.answer = answer
  }
}

/** The error that the service answered with, its remedy in the sentence: that is what a client shows. */
async function refusal(response: Response): Promise<RpcError | undefined> {
  const { error } = (await response.json().catch(() => ({}))) as { error?: RpcError }
  if (typeof error?.message !== 'string') return undefined
  const { code, remedy } = error.data ?? {}
  return { ...error, message: [code && `${code}:`, error.message, remedy].filter(Boolean).join(' ') }
}

function messageIn(text: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Message) : undefined
  } catch {
    return undefined
  }
}

function reasonOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code !== undefined || cause.cause === undefined) return code ?? cause.message
  }
  return String(error)
}
