import { type Dispatcher, request } from 'undici'
import type { Clock } from '../../actors/kernel/clock.ts'
import { type EndpointConfig, endpointOf } from './endpoint.ts'
import { modelIds, modelsWithImages } from './model-list.ts'
import { readText } from './server-sent-events.ts'

export interface LocalServer {
  readonly name: string
  readonly baseUrl: string
}

/** The usual ports, in the order in which they are preferred. */
export const usualLocalServers: readonly LocalServer[] = [
  { name: 'Ollama', baseUrl: 'http://127.0.0.1:11434/v1' },
  { name: 'LM Studio', baseUrl: 'http://127.0.0.1:1234/v1' },
  { name: 'llama.cpp', baseUrl: 'http://127.0.0.1:8080/v1' },
]

/** All servers are asked at once, so this is also what looking for them may add to a start. */
export const DISCOVERY_LIMIT_MS = 300

export interface Found {
  readonly server: LocalServer
  readonly models: readonly string[]
  readonly first: string
  /** Those of them that take images. */
  readonly images: readonly string[]
}

/** The first local server, by preference, that lists a model. */
export async function discover(
  servers: readonly LocalServer[],
  clock: Clock,
  dispatcher: Dispatcher,
): Promise<Found | undefined> {
  const answers = await Promise.all(
    servers.map(async (server) => ({
      server,
      answer: await listModels(server, clock, dispatcher, DISCOVERY_LIMIT_MS),
    })),
  )
  for (const { server, answer } of answers) {
    const first = answer.ok ? answer.models[0] : undefined
    if (answer.ok && first !== undefined) return { server, models: answer.models, first, images: answer.images }
  }
  return undefined
}

export type ListAnswer =
  | { readonly ok: true; readonly models: readonly string[]; readonly images: readonly string[] }
  | { readonly ok: false; readonly detail: string }

const MAX_LIST_BYTES = 4_000_000

/** GET /models, never longer than the limit and never a throw: an absent server is an ordinary answer here. */
export async function listModels(
  config: EndpointConfig,
  clock: Clock,
  dispatcher: Dispatcher,
  limitMs: number,
): Promise<ListAnswer> {
  const endpoint = endpointOf(config)
  const over = new AbortController()
  const cancel = clock.after(limitMs, () => over.abort(new Error(`no answer within ${limitMs} ms`)))
  try {
    const answer = await request(endpoint.url('models'), { headers: endpoint.headers, signal: over.signal, dispatcher })
    const text = await readText(answer.body, MAX_LIST_BYTES, () => {})
    if (answer.statusCode !== 200) return { ok: false, detail: `${endpoint.shown} answered ${answer.statusCode}` }
    const models = modelIds(text)
    return models
      ? { ok: true, models, images: modelsWithImages(text) }
      : { ok: false, detail: `${endpoint.shown} does not speak the OpenAI protocol` }
  } catch (error) {
    const why = over.signal.aborted
      ? over.signal.reason.message
      : ((error as { code?: string }).code ?? 'no connection')
    return { ok: false, detail: `${endpoint.shown} cannot be reached (${why})` }
  } finally {
    cancel()
  }
}
