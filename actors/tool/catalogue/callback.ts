import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import { Failure, isFailure } from '../../kernel/failure.ts'
import { pause } from '../../kernel/pause.ts'
import { CALLBACK, CALLBACK_SUFFIX } from '../../session/tool-requests.ts'
import { defineTool, type Tool } from '../tool.ts'
import { type GuardedFetchOptions, guardedFetch } from './http/guarded-fetch.ts'

const MAX_BYTES = 10_000
const TRIES = 6
const FIRST_PAUSE_MS = 500
const TRY_MS = 10_000

const schema = z.object({
  url: z.url({ protocol: /^https?$/ }).max(8_000),
  task_id: z.string(),
  status: z.string(),
  result: z.string(),
  code: z.string().optional(),
})

export interface CallbackParts extends Pick<GuardedFetchOptions, 'reachable' | 'lookup'> {
  readonly clock: Clock
}

/**
 * Tells whoever handed in a task what became of it: POST {task_id, status, result, code?} as JSON. Tried again, farther apart
 * each time, while the other end is away or busy; the Idempotency-Key is the same each time, as is the call's id after a crash.
 */
export function callback({ clock, ...guard }: CallbackParts): Tool<typeof schema, string> {
  return defineTool({
    name: CALLBACK,
    description: 'Tells the callback_url of a delegated task what became of it.',
    internal: true,
    schema,
    idempotent: true,
    timeoutMs: 120_000,
    reaches: ['public-network'],
    breaker: 'none',
    maxOutput: 1_000,
    async run({ url, ...told }, { callId, signal, traceparent }) {
      // A model may write any name; only a session itself makes such an id.
      if (!callId.endsWith(CALLBACK_SUFFIX))
        throw new Failure('TOOL_NOT_FOUND', `There is no tool named "${CALLBACK}".`)
      const headers = { 'content-type': 'application/json', 'idempotency-key': callId }
      const post = { body: JSON.stringify(told), headers }
      for (let tries = 1; ; tries++) {
        const answer = await attempt(url, signal, { ...guard, maxBytes: MAX_BYTES, traceparent, post })
        if (answer.told) return `${url} answered ${answer.why}.`
        const detail = `${url} was not told: ${answer.why}`
        if (!answer.again || tries === TRIES) throw new Failure('TOOL_FAILED', `${detail} (tries: ${tries}).`)
        await pause(clock, FIRST_PAUSE_MS * 2 ** (tries - 1), signal)
      }
    },
  })
}

interface Answer {
  readonly told: boolean
  readonly again: boolean
  readonly why: string
}

async function attempt(url: string, signal: AbortSignal, options: GuardedFetchOptions): Promise<Answer> {
  try {
    const page = await guardedFetch(url, 'POST', AbortSignal.any([signal, AbortSignal.timeout(TRY_MS)]), options)
    const again = page.status >= 500 || page.status === 429 || page.status === 408
    return { told: page.status < 300, again, why: `${page.status} ${page.statusText}`.trim() }
  } catch (error) {
    signal.throwIfAborted()
    // What the guard refuses it refuses for ever.
    if (isFailure(error, 'BLOCKED_ADDRESS') || isFailure(error, 'TOOL_ARGUMENTS')) throw error
    return { told: false, again: true, why: error instanceof Error ? error.message : String(error) }
  }
}
