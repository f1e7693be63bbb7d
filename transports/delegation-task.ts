import { z } from 'zod'
import { address } from '../actors/kernel/address.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'
import { uuidOf } from '../actors/kernel/name-uuid.ts'
import type { SessionCommand } from '../actors/session/protocol.ts'
import { TASK } from '../actors/tool/protocol.ts'
import { tokenBudget } from './given-metadata.ts'

/**
 * A task from outside: by HTTP, or as JSON on `somastack.delegation`, in the shapes of the old stack. It is a call of the tool
 * `delegate` in a session of its own, so it has the same limits, the same life through crashes, and a journal.
 */
type RequestTool = Extract<SessionCommand, { kind: 'RequestTool' }>

export interface DelegationTask {
  readonly task_id?: string | null | undefined
  /** Text, or an object: its `task`, `context` and `persona` mean what they do for the tool; else the whole is the task. */
  readonly payload: string | Readonly<Record<string, unknown>>
  readonly callback_url?: string | null | undefined
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
  readonly trace_context?: Readonly<Record<string, string>> | undefined
}

/** Why nothing may be sent to a URL, as far as it tells by itself; a name is judged again by what it resolves to. */
export type UrlRefusal = (url: string) => string | undefined

/**
 * The shapes of a task over HTTP and on the topic. What could only fail when the task is begun, or when its end is told and
 * nobody is there to hear it, is refused here, with the field that is wrong.
 */
export function delegationTask(refusalOf: UrlRefusal) {
  const taskId = z.string().min(1).max(200)
  const callbackUrl = z
    .url({ protocol: /^https?$/ })
    .max(8_000)
    .check(({ value, issues }) => {
      const message = refusalOf(value)
      if (message !== undefined) issues.push({ code: 'custom', input: value, message })
    })
  const fields = {
    payload: z.union([z.string().min(1).max(TASK.maxTask), z.record(z.string(), z.unknown())]).check(isTask),
    callback_url: callbackUrl.nullish(),
    metadata: z.looseObject({ budget: tokenBudget.optional() }).optional(),
    trace_context: z.record(z.string(), z.string()).optional(),
  }
  return {
    overHttp: z.strictObject({ task_id: taskId.nullish(), ...fields }),
    onTopic: z.strictObject({ task_id: taskId, ...fields }),
  }
}

function isTask({ value, issues }: z.core.ParsePayload<DelegationTask['payload']>): void {
  if (typeof value === 'string') return
  const wrong = (field: string, message: string) =>
    issues.push({ code: 'custom', input: value[field], path: field === '' ? [] : [field], message })
  const { task, persona } = value
  const text = (it: unknown) => typeof it === 'string' && it !== ''
  if ('task' in value && !text(task))
    wrong('task', 'must be a text that is not empty; leave it out to hand in the whole object')
  if (persona != null && !(text(persona) && String(persona).length <= TASK.maxPersona)) {
    wrong('persona', `must be the id of a persona, of at most ${TASK.maxPersona} characters`)
  }
  const args = argsOf(value)
  const tooLong = (field: string, it: unknown, max: number) => {
    if (typeof it === 'string' && it.length > max) wrong(field, `has ${it.length} characters; at most ${max} are taken`)
  }
  tooLong('task' in value ? 'task' : '', args.task, TASK.maxTask)
  tooLong('context', args.context, TASK.maxContext)
}

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

export function taskCommand(taskId: string, { payload, callback_url, metadata = {} }: DelegationTask): RequestTool {
  return {
    kind: 'RequestTool',
    v: 1,
    requestId: REQUEST,
    tool: TOOL,
    args: argsOf(payload),
    metadata,
    born: { ...metadata, delegation_task: taskId },
    ...(callback_url != null && { callback: { url: callback_url, taskId } }),
  }
}

function argsOf(payload: DelegationTask['payload']): Record<string, unknown> {
  if (typeof payload === 'string') return { task: payload }
  const { task, context, persona } = payload
  if (typeof task !== 'string') return { task: JSON.stringify(payload) }
  const text = context == null || typeof context === 'string' ? context : JSON.stringify(context)
  return { task, ...(text != null && { context: text }), ...(typeof persona === 'string' && { persona }) }
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
