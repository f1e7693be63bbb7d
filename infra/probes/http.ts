import { request } from 'undici'
import { at, type Place, Trouble, wordsOf } from './probe.ts'
import { reach, socketTrouble } from './socket-trouble.ts'

/** Where a service of HTTP is, as its probes speak of it. */
export interface HttpPlace extends Place {
  readonly product: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

export function httpPlace(
  url: string,
  variable: string,
  product: string,
  headers: HttpPlace['headers'] = {},
): HttpPlace {
  const { host, port, protocol, pathname } = new URL(url)
  const address = `${port === '' ? `${host}:${protocol === 'https:' ? 443 : 80}` : host}${pathname === '/' ? '' : pathname}`
  return { address, variable, product, url: url.replace(/\/+$/, ''), headers }
}

export interface HttpAnswer {
  readonly status: number
  /** Undefined when it is not JSON. */
  readonly json: unknown
}

const LARGEST_ANSWER = 1 << 20

/** Whether anything is there at all, in words of its own. */
export function reachHttp(place: HttpPlace, signal: AbortSignal): Promise<void> {
  const { hostname, port, protocol } = new URL(place.url)
  const host = hostname.replace(/^\[|\]$/g, '')
  return reach(host, Number(port || (protocol === 'https:' ? 443 : 80)), place.product, place, signal)
}

export async function askHttp(
  place: HttpPlace,
  path: string,
  signal: AbortSignal,
  body?: unknown,
): Promise<HttpAnswer> {
  try {
    const answer = await request(`${place.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...place.headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      body: body === undefined ? null : JSON.stringify(body),
      signal,
    })
    const text = await limited(answer.body)
    return { status: answer.statusCode, json: parsed(text) }
  } catch (error) {
    if (error instanceof Trouble) throw error
    const trouble = socketTrouble(error, place.product, place)
    throw trouble ?? new Trouble('failed', `${at(place)}: ${wordsOf(error)}`, `Correct ${place.variable}.`, error)
  }
}

/** Rejects with what an answer other than 200 most likely means; `key`: what to correct when it refuses ours. */
export async function askHttpOk(
  place: HttpPlace,
  path: string,
  key: string,
  signal: AbortSignal,
  body?: unknown,
): Promise<unknown> {
  const answer = await askHttp(place, path, signal, body)
  if (answer.status !== 200) throw refusal(answer, path, key, place)
  return answer.json
}

/** An answer other than 200, as what it most likely means. */
export function refusal({ status }: HttpAnswer, path: string, key: string, place: HttpPlace): Trouble {
  const where = `${at(place)} answers ${status} to ${path}`
  if (status === 401 || status === 403) {
    return new Trouble('unauthorized', `${where}: it refuses our key`, `Correct ${key}.`)
  }
  if (status === 404) {
    const remedy = `Correct ${place.variable}: something else may listen there.`
    return new Trouble('misconfigured', `${where}: it does not seem to be ${place.product}`, remedy)
  }
  if (status === 503 || status === 429)
    return new Trouble('starting', where, `Wait, or see the log of ${place.product}.`)
  return new Trouble('failed', where, `See the log of ${place.product}, and ${place.variable}.`)
}

async function limited(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > LARGEST_ANSWER) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
