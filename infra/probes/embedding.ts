import { endpointOf } from '../../transports/model/endpoint.ts'
import type { EmbeddingConfig } from '../config/config-memory.ts'
import { askHttp, type HttpAnswer, httpPlace, reachHttp, refusal } from './http.ts'
import { at, type Probe, Trouble } from './probe.ts'

type EndpointConfig = Extract<EmbeddingConfig, { kind: 'endpoint' }>

const PRODUCT = 'the embedding server'

/**
 * One word is embedded: a server that lists models may still not have this one, or make vectors of another length. That is
 * paid for by the call, so a probe that has seen it once only looks whether the server is there (/readyz asks for ever).
 */
export function embeddingProbe({ model, dimensions, ...config }: EndpointConfig, required: boolean): Probe {
  const endpoint = endpointOf(config)
  const { search } = new URL(endpoint.url('embeddings'))
  const variable = 'SOMA_EMBEDDING_BASE_URL, or OPENAI_BASE_URL without it'
  const place = httpPlace(endpoint.shown, variable, PRODUCT, endpoint.headers)
  const found = `${model}, ${dimensions} dimensions`
  let seen = false

  function misconfigured(what: string, remedy: string): Trouble {
    return new Trouble('misconfigured', `${at(place)} ${what}`, remedy)
  }

  /** Servers say 400 and 404 of a model that they do not have, and say so in words. */
  function refused(answer: HttpAnswer): Trouble {
    const words = wordsIn(answer.json)
    if ((answer.status !== 400 && answer.status !== 404) || words === undefined)
      return refusal(answer, '/embeddings', 'SOMA_EMBEDDING_API_KEY (or OPENAI_API_KEY)', place)
    const remedy = `Give the server ${model}, or correct SOMA_EMBEDDING_MODEL.`
    return misconfigured(`answers ${answer.status} for ${model}: ${endpoint.clean(words)}`, remedy)
  }

  return {
    name: 'embedding',
    required,
    place,
    async look(signal) {
      await reachHttp(place, signal)
      if (seen) return found
      const body = { model, input: ['word'], encoding_format: 'float' }
      const answer = await askHttp(place, `/embeddings${search}`, signal, body)
      if (answer.status !== 200) throw refused(answer)
      const length = lengthIn(answer.json)
      if (length === undefined)
        throw misconfigured('answers with something else than embeddings', `Correct ${variable}: see its path.`)
      if (length !== dimensions)
        throw misconfigured(
          `makes vectors of ${length} dimensions with ${model}, and ${dimensions} are expected`,
          `Set SOMA_EMBEDDING_DIMENSIONS=${length}, or correct SOMA_EMBEDDING_MODEL.`,
        )
      seen = true
      return found
    },
  }
}

/** Of the first vector. */
function lengthIn(json: unknown): number | undefined {
  const { data } = Object(json) as { data?: unknown }
  const { embedding } = Object(Array.isArray(data) ? data[0] : undefined) as { embedding?: unknown }
  return Array.isArray(embedding) ? embedding.length : undefined
}

/** `{error: {message}}` of OpenAI, `{error}` of Ollama. */
function wordsIn(json: unknown): string | undefined {
  const { error } = Object(json) as { error?: unknown }
  const { message = error } = Object(error) as { message?: unknown }
  return typeof message === 'string' ? message : undefined
}
