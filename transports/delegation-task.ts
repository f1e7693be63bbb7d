import { z } from 'zod'
import { address } from '../actors/kernel/address.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'
import { uuidOf } from '../actors/kernel/name-uuid.ts'
import type { SessionCommand } from '../actors/session/protocol.ts'

/**
 * A task from outside: by HTTP, or as JSON on `somastack.delegation`, in the shapes of the old stack. It is a call of the tool
 * `delegate` in a session of its own, so it has the same limits, the same life through crashes, and a journal.
 */
export const delegationTask = z.strictObject({
  task_id: z.string().min(1).max(200).optional(),
  /** Text, or an object: its `task`, `context` and `persona` mean what they do for the tool; else the whole is the task. */
  payload: z.union([z.string().min(1).max(20_000), z.record(z.string(), z.unknown())]),
  callback_url: z
    .url({ protocol: /^https?$/ })
    .max(8_000)
    .optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  trace_context: z.record(z.string(), z.string()).optional(),
})
export type DelegationTask = z.output<typeof delegationTask>

const REQUEST = 'task'
const TOOL = 'delegate'

/** The session that stands for the task: the same name of the same tenant is the same task. */
export function taskSession(tenant: string, taskId: string): string {
  return uuidOf('delegation-task', tenant, taskId)
}

export function taskCall(sessionId: string): string {
  return `${sessionId}/${REQUEST}`
}

/** Of the message that hands the task in: twice is once (I3). */
export function taskEnvelopeId(sessionId: string): string {
  return uuidOf('delegation-task-handed-in', sessionId)
}

export function taskCommand(taskId: string, { payload, callback_url, metadata = {} }: DelegationTask): SessionCommand {
  return {
    kind: 'RequestTool',
    v: 1,
    requestId: REQUEST,
    tool: TOOL,
    args: argsOf(payload),
    metadata,
    ...(callback_url !== undefined && { callback: { url: callback_url, taskId } }),
  }
}

function argsOf(payload: DelegationTask['payload']): Record<string, unknown> {
  if (typeof payload === 'string') return { task: payload }
  const { task, context, persona } = payload
  if (typeof task !== 'string') return { task: JSON.stringify(payload) }
  const text = context === undefined || typeof context === 'string' ? context : JSON.stringify(context)
  return { task, ...(text !== undefined && { context: text }), ...(typeof persona === 'string' && { persona }) }
}

/** What somebody else did of the task: the outcome, as a message to the call. Late or twice it changes nothing. */
export function taskSettlement(
  sessionId: string,
  tenant: string,
  done: { readonly status: string; readonly result: unknown },
  sentAt: number,
): Envelope {
  const callId = taskCall(sessionId)
  const output = typeof done.result === 'string' ? done.result : JSON.stringify(done.result ?? null)
  const status = statusOf(done.status)
  return {
    id: uuidOf('delegation-task-settled', sessionId, done.status, output),
    to: address('tool', callId),
    from: 'gateway',
    tenant,
    priority: 'normal',
    trace: {},
    sentAt,
    body: { kind: 'Settle', v: 1, callId, outcome: { status, output, finishedAt: sentAt } },
  }
}

function statusOf(word: string): 'success' | 'error' | 'cancelled' {
  if (/^(success|succeeded|complete|completed|done|ok)$/i.test(word)) return 'success'
  return /^cancel/i.test(word) ? 'cancelled' : 'error'
}
