import { Failure } from '../../actors/kernel/failure.ts'
import type { Endpoint } from './endpoint.ts'

/** A failure that another call may not meet. `waitMs` is what the server named. */
export class Setback extends Failure {
  readonly waitMs: number | undefined

  constructor(detail: string, waitMs?: number, cause?: unknown) {
    super('MODEL_UNAVAILABLE', detail, {
      cause,
      ...(waitMs !== undefined && { retryAfter: Math.ceil(waitMs / 1000) }),
    })
    this.waitMs = waitMs
  }
}

/** What a status that is not 200 means. */
export function refusal(endpoint: Endpoint, status: number, body: string, waitMs?: number): Failure {
  return judged(endpoint, isPassing(status), `answered ${status}`, body, waitMs)
}

/** An `error` inside a 200: how gateways in front of models report the refusal of the model behind them. */
export function errorInside(endpoint: Endpoint, error: unknown, body: string): Failure {
  const { code, status, type } = typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {}
  const known = [status, code].map(Number).find((number) => number >= 400 && number < 600)
  const lasts = /invalid|auth|permission|not_found|context_length/i.test(`${code} ${type}`)
  return judged(endpoint, known === undefined ? !lasts : isPassing(known), 'reported an error', body)
}

function judged(endpoint: Endpoint, isPassing: boolean, what: string, body: string, waitMs?: number): Failure {
  const words = endpoint.clean(messageIn(body))
  const detail = `${endpoint.shown} ${what}${words && `: ${words}`}`
  return isPassing && !isSpent(body) ? new Setback(detail, waitMs) : new Failure('MODEL_REJECTED', detail)
}

function isPassing(status: number): boolean {
  return status === 408 || status === 409 || status === 425 || status === 429 || (status >= 500 && status !== 501)
}

/** OpenAI says 429 for an empty account as well; no wait will fill it. */
function isSpent(body: string): boolean {
  return body.includes('insufficient_quota')
}

/** The readable part of an error body: `error.message`, `error`, `message` or `detail`, else all of it. */
export function messageIn(body: string): string {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return body
  }
  if (typeof value !== 'object' || value === null) return body
  const { error, message, detail } = value as Record<string, unknown>
  for (const candidate of [(error as { message?: unknown } | undefined)?.message, error, message, detail]) {
    if (typeof candidate === 'string' && candidate !== '') return candidate
    if (typeof candidate === 'object' && candidate !== null) return JSON.stringify(candidate)
  }
  return body
}
