import { type Dispatcher, request } from 'undici'
import { Failure } from '../../actors/kernel/failure.ts'

/** Less than a tool call waits for policy, so that the failure says which service it was. */
export const CALL_LIMIT_MS = 1_500
const LARGEST_ANSWER = 1 << 20

export interface ServiceCall {
  readonly service: string
  readonly url: string
  readonly dispatcher: Dispatcher
  readonly signal: AbortSignal
  readonly body?: unknown
}

/** JSON asked of a policy service. Anything but an answer is POLICY_UNAVAILABLE, which is no denial (I10). */
export async function callService({ service, url, dispatcher, signal, body }: ServiceCall): Promise<unknown> {
  const limit = AbortSignal.timeout(CALL_LIMIT_MS)
  const unavailable = (why: string, cause?: unknown) =>
    new Failure('POLICY_UNAVAILABLE', `${service} at ${url} ${why}`, { cause })
  let status: number
  let text: string
  try {
    const answer = await request(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.any([signal, limit]),
      dispatcher,
    })
    status = answer.statusCode
    text = await answer.body.text()
  } catch (error) {
    signal.throwIfAborted()
    if (limit.aborted) throw unavailable(`did not answer within ${CALL_LIMIT_MS} ms`, error)
    throw unavailable(`does not answer (${(error as { code?: string }).code ?? String(error)})`, error)
  }
  if (status < 200 || status > 299) throw unavailable(`answered ${status}: ${text.slice(0, 200)}`)
  if (text.length > LARGEST_ANSWER) throw unavailable('answered with more than a decision')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw unavailable('answered with something that is not JSON', error)
  }
}
