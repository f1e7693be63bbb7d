import { uniqueKey } from '../browser.ts'
import { NoAnswerError, type Problem, ProblemError, strangeAnswer } from './problem.ts'
import { askForToken, token } from './token.ts'

/**
 * The gateway as the page uses it. Each resolves with the answer's body; throws ProblemError, or NoAnswerError.
 *   A1. All tries of one request carry one idempotency key: a message whose answer was lost is not taken twice.
 *   A2. Without a token that is good enough the person is asked for one, and the request goes on.
 */

export function get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return call<Answer>(path, { method: 'GET', ...(signal && { signal }) })
}

export function post<Answer>(path: string, body: unknown = {}, key = uniqueKey()): Promise<Answer> {
  return call<Answer>(path, withBody('POST', body, key))
}

export function put<Answer>(path: string, body: unknown): Promise<Answer> {
  return call<Answer>(path, withBody('PUT', body, uniqueKey()))
}

export function del<Answer>(path: string): Promise<Answer> {
  return call<Answer>(path, { method: 'DELETE', headers: { 'idempotency-key': uniqueKey() } })
}

/** Fields and files; the browser writes the boundary. */
export function postForm<Answer>(path: string, form: FormData): Promise<Answer> {
  return call<Answer>(path, { method: 'POST', body: form, headers: { 'idempotency-key': uniqueKey() } })
}

/** Text as it is, for /metrics. */
export async function getText(path: string, signal?: AbortSignal): Promise<string> {
  return (await answerOf(path, { method: 'GET', ...(signal && { signal }) })).text()
}

/** The body whatever the status: 503 of /readyz is the answer with something to read. */
export async function getAnyway<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  const response = await reach(path, { ...(signal && { signal }) })
  return (await response.json()) as Answer
}

function withBody(method: string, body: unknown, key: string): RequestInit {
  return {
    method,
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
  }
}

async function call<Answer>(path: string, init: RequestInit): Promise<Answer> {
  const response = await answerOf(path, init)
  return (await response.json().catch(() => ({}))) as Answer
}

async function answerOf(path: string, init: RequestInit): Promise<Response> {
  const response = await reach(path, init)
  if (response.ok) return response
  if (response.status === 401 && (await askForToken())) return answerOf(path, init) // A2
  const problem = (await response.json().catch(() => undefined)) as Problem | undefined
  throw new ProblemError(problem?.code ? problem : strangeAnswer(response.status))
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  const bearer = token()
  const headers = { ...init.headers, ...(bearer && { authorization: `Bearer ${bearer}` }) }
  try {
    return await fetch(path, { ...init, headers })
  } catch (error) {
    // One who left the view is no failure.
    if ((error as Error).name === 'AbortError') throw error
    throw new NoAnswerError()
  }
}
