import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { asFailure, isFailure } from '../../../actors/kernel/failure.ts'
import type { ConversationEvent } from '../../outbound.ts'
import { failureOfTurn } from '../openai/turn-outcome.ts'
import type { Ticket } from '../session-door.ts'
import { watchTurn } from '../turn-watch.ts'
import { answer, asRequest, type McpCall } from './tool-answer.ts'

export interface SentMessage {
  readonly message: string
  readonly session_id?: string | undefined
  readonly persona_id?: string | undefined
  readonly request_id?: string | undefined
  readonly wait_seconds: number
}

export interface Waiting {
  /** Aborts when the client cancels the call or is gone. */
  readonly signal: AbortSignal
  /** Steps of progress, counted from 1, each with a line of text. */
  progress(step: number, text: string): void
}

/** No more often: a client shows one line, and tokens come by the hundred. */
const PROGRESS_EVERY_MS = 500
const SHOWN = 200

/**
 * Sends a turn and waits for its answer. Whatever ends the wait (its limit, a client that cancels or hangs up, a gateway
 * that stops), the turn is the session's and goes on; the same request_id finds it again and never sends it twice (I3).
 */
export async function sendMessage(call: McpCall, sent: SentMessage, waiting: Waiting): Promise<CallToolResult> {
  const { context } = call
  const { message, session_id, persona_id, request_id, wait_seconds } = sent
  context.door.checkPersona(persona_id)
  const birth = persona_id === undefined ? {} : { personaId: persona_id }
  const request = asRequest(call, 'send_message', { message, session_id, persona_id }, request_id)
  const ticket = await context.door.ticket(request, session_id, birth)
  const wait = new AbortController()
  const limits = { ...context.limits, turnWaitMs: wait_seconds * 1_000 }
  const watch = watchTurn(
    { ...context, limits },
    { sessionId: ticket.sessionId, turnId: ticket.envelopeId, from: ticket.repeated ? 0 : 'live' },
    progressOf(call, waiting),
  )
  let remove = () => {}
  try {
    remove = context.streams.add(request.caller.tenant, { heartbeat() {}, cut: (failure) => wait.abort(failure) })
    await context.door.open(
      request,
      ticket,
      {
        kind: 'AcceptUserTurn',
        v: 1,
        turnId: ticket.envelopeId,
        text: message,
        attachments: [],
        metadata: {},
        ...birth,
      },
      birth,
    )
    return finalAnswer(ticket, await first(watch.final, AbortSignal.any([waiting.signal, wait.signal])))
  } catch (error) {
    const failure = asFailure(error)
    if (isFailure(failure, 'ASK_TIMEOUT') || isFailure(failure, 'DRAINING')) return stillRunning(ticket)
    throw error
  } finally {
    watch.close()
    remove()
  }
}

function finalAnswer({ sessionId, envelopeId }: Ticket, final: ConversationEvent): CallToolResult {
  const failure = failureOfTurn(final)
  if (failure) throw failure
  const { outcome } = final.metadata
  const data = { session_id: sessionId, turn_id: envelopeId, status: String(outcome), answer: final.message }
  const text = outcome === 'stopped' ? `${final.message}\n\n[The turn was stopped.]` : final.message
  return answer(`${text}\n\n[session_id: ${sessionId}]`, data)
}

function stillRunning({ sessionId, envelopeId }: Ticket): CallToolResult {
  const text =
    `The turn still runs and goes on by itself. Call send_message again with the same request_id to wait on, or ` +
    `read_session later. [session_id: ${sessionId}]`
  return answer(text, { session_id: sessionId, turn_id: envelopeId, status: 'running' })
}

function progressOf({ context }: McpCall, waiting: Waiting) {
  let step = 0
  let lastAt = Number.NEGATIVE_INFINITY
  const tell = (text: string) => waiting.progress(++step, text)
  return {
    preview({ text }: { readonly text: string }) {
      const now = context.clock.now()
      if (now - lastAt < PROGRESS_EVERY_MS) return
      lastAt = now
      tell(text.length > SHOWN ? `…${text.slice(-SHOWN)}` : text)
    },
    event({ type, metadata }: ConversationEvent) {
      if (type === 'tool.start') tell(`calls ${String(metadata.tool_name)}`)
      if (type === 'tool.result') tell(`${String(metadata.tool_name)}: ${String(metadata.status)}`)
    },
  }
}

function first<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason)
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}
