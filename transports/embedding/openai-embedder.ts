import { type Dispatcher, request as send } from 'undici'
import { z } from 'zod'
import type { Clock, Ids } from '../../actors/kernel/clock.ts'
import { Failure, isFailure } from '../../actors/kernel/failure.ts'
import { pause } from '../../actors/kernel/pause.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import type { Embedder } from '../../actors/memory/index/memory-index.ts'
import { type BackoffRule, namedWait, waitBefore } from '../model/backoff.ts'
import { CallWatch } from '../model/call-watch.ts'
import { type EndpointConfig, endpointOf } from '../model/endpoint.ts'
import { refusal, Setback } from '../model/refusal.ts'
import { readText } from '../model/server-sent-events.ts'
import { unitVector } from './unit-vector.ts'

export interface OpenAiEmbedderConfig extends EndpointConfig {
  readonly model: string
  /** Of what the model answers; a different length is refused. */
  readonly dimensions: number
}

export interface EmbedderMeans {
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Logger
  readonly dispatcher: Dispatcher
}

export interface EmbedLimits {
  /** Of one call of `embed`, all its batches and waits. */
  readonly deadlineMs: number
  /** Silence of the server. */
  readonly idleMs: number
  readonly batch: number
  /** Of one text; what is beyond is not embedded. A third of the tokens that the usual models take. */
  readonly textChars: number
  readonly answerBytes: number
  readonly backoff: BackoffRule
}

export const embedLimits: EmbedLimits = {
  deadlineMs: 30_000,
  idleMs: 20_000,
  batch: 64,
  textChars: 8_000,
  answerBytes: 16_000_000,
  backoff: { attempts: 4, firstMs: 250, maxMs: 5_000 },
}

const Answer = z.object({
  data: z.array(z.object({ index: z.int().min(0), embedding: z.array(z.number()).min(1) })),
})

/**
 * Embeddings of an OpenAI-compatible endpoint.
 *   E1. Answers belong to texts by their `index`, not by their place; one missing, doubled or of another length is an error.
 *   E2. 429, 5xx and broken connections are tried again within the deadline; nothing else is, and no call outlives it.
 *   E3. Every failure is EMBEDDING_UNAVAILABLE but the caller's own abort. No key is in it.
 */
export class OpenAiEmbedder implements Embedder {
  readonly model: string
  readonly dimensions: number
  readonly #endpoint
  readonly #means: EmbedderMeans
  readonly #limits: EmbedLimits

  constructor(config: OpenAiEmbedderConfig, means: EmbedderMeans, limits: Partial<EmbedLimits> = {}) {
    this.model = config.model
    this.dimensions = config.dimensions
    this.#endpoint = endpointOf(config)
    this.#means = means
    this.#limits = { ...embedLimits, ...limits }
  }

  async embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    const deadline = this.#means.clock.now() + this.#limits.deadlineMs
    const vectors: Float32Array[] = []
    for (let from = 0; from < texts.length; from += this.#limits.batch)
      vectors.push(...(await this.#batch(texts.slice(from, from + this.#limits.batch), deadline, signal)))
    return vectors
  }

  async #batch(texts: readonly string[], deadline: number, signal: AbortSignal): Promise<Float32Array[]> {
    const { clock, ids, log } = this.#means
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted()
      const watch = new CallWatch(clock, signal, deadline, this.#limits.idleMs)
      let failure: Failure
      try {
        return await this.#attempt(texts, watch)
      } catch (error) {
        signal.throwIfAborted()
        failure = this.#failureOf(watch.signal.aborted ? watch.signal.reason : error)
      } finally {
        watch.close()
      }
      // E2
      if (!(failure instanceof Setback) || attempt >= this.#limits.backoff.attempts) throw unavailable(failure)
      const waitMs = waitBefore(this.#limits.backoff, attempt, ids.random(), failure.waitMs)
      if (clock.now() + waitMs >= deadline) throw unavailable(failure)
      log.warn({ endpoint: this.#endpoint.shown, attempt, why: failure.detail }, 'embedding call backs off')
      await pause(clock, waitMs, signal)
    }
  }

  async #attempt(texts: readonly string[], watch: CallWatch): Promise<Float32Array[]> {
    // An empty input is refused by OpenAI; its vector would say nothing either way.
    const input = texts.map((text) => text.slice(0, this.#limits.textChars).trim() || ' .')
    const answer = await send(this.#endpoint.url('embeddings'), {
      method: 'POST',
      headers: this.#endpoint.headers,
      body: JSON.stringify({ model: this.model, input, encoding_format: 'float' }),
      signal: watch.signal,
      dispatcher: this.#means.dispatcher,
      // The watch measures silence by the injected clock.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    const text = await readText(answer.body, this.#limits.answerBytes, () => watch.alive())
    if (answer.statusCode !== 200)
      throw refusal(this.#endpoint, answer.statusCode, text, namedWait(answer.headers, this.#means.clock.now()))
    return this.#vectorsIn(text, texts.length)
  }

  /** E1. */
  #vectorsIn(text: string, count: number): Float32Array[] {
    let json: unknown
    try {
      json = JSON.parse(text)
    } catch {
      throw this.#garbled('no JSON; is the path of the base URL right?')
    }
    const { data: answer, error } = Answer.safeParse(json)
    if (error) throw this.#garbled('something else than embeddings')
    const vectors = new Map<number, Float32Array>()
    for (const { index, embedding } of answer.data) {
      if (embedding.length !== this.dimensions)
        throw this.#garbled(
          `${embedding.length} dimensions instead of ${this.dimensions}; set SOMA_EMBEDDING_DIMENSIONS to what ${this.model} has`,
        )
      const vector = unitVector(embedding)
      if (vector === undefined) throw this.#garbled('a vector without a direction')
      vectors.set(index, vector)
    }
    const inOrder = Array.from({ length: count }, (_, index) => vectors.get(index))
    if (answer.data.length !== count || inOrder.includes(undefined))
      throw this.#garbled(`${answer.data.length} embeddings for ${count} texts`)
    return inOrder as Float32Array[]
  }

  #failureOf(error: unknown): Failure {
    if (isFailure(error)) return error
    const { code = 'no code', name } = error as { code?: string; name?: string }
    if (code === 'no code' && name !== 'HTTPParserError') throw error
    const detail = `${this.#endpoint.shown} cannot be reached or broke off (${code})`
    // Neither a key that is no header nor a certificate mends itself.
    if (/INVALID_ARG|CERT|SELF_SIGNED|UNABLE_TO_VERIFY|TLS|SSL/.test(code))
      return new Failure('EMBEDDING_UNAVAILABLE', detail)
    return new Setback(detail)
  }

  #garbled(what: string): Failure {
    return new Failure('EMBEDDING_UNAVAILABLE', `${this.#endpoint.shown} answered with ${what}`)
  }
}

/** E3. */
function unavailable(failure: Failure): Failure {
  if (failure.code === 'EMBEDDING_UNAVAILABLE') return failure
  const { retryAfter } = failure
  return new Failure('EMBEDDING_UNAVAILABLE', failure.detail, {
    cause: failure,
    ...(retryAfter !== undefined && { retryAfter }),
  })
}
