import { LRUCache } from 'lru-cache'
import { type Dispatcher, request as send } from 'undici'
import type { Clock, Ids } from '../../actors/kernel/clock.ts'
import { Failure, isFailure } from '../../actors/kernel/failure.ts'
import { pause } from '../../actors/kernel/pause.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import { type BackoffRule, modelBackoff, namedWait, waitBefore } from './backoff.ts'
import { CallWatch } from './call-watch.ts'
import { AnswerReader } from './chat-answer.ts'
import { adapted, chatBody, commonDialect, type Dialect } from './chat-request.ts'
import type { ModelChunk, ModelClient, ModelRequest } from './client.ts'
import type { Endpoint } from './endpoint.ts'
import { FIRST_MODEL, firstModel } from './model-list.ts'
import { refusal, Setback } from './refusal.ts'
import { type ByteLimits, eventData, readText } from './server-sent-events.ts'

export interface CallLimits extends ByteLimits {
  /** Silence, also before the first byte: a local server loads the model first. */
  readonly idleMs: number
  /** Text and arguments of one answer. */
  readonly maxAnswerChars: number
  readonly backoff: BackoffRule
}

export const defaultLimits: CallLimits = {
  idleMs: 120_000,
  maxAnswerChars: 1_000_000,
  maxEventChars: 4_000_000,
  maxBytes: 64_000_000,
  backoff: modelBackoff,
}

export interface ClientMeans {
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Logger
  readonly dispatcher: Dispatcher
}

const MAX_REFUSAL_BYTES = 64_000
const LINGER_MS = 250

/**
 * Streaming chat completions at an OpenAI-compatible endpoint.
 *   C1. What was handed out is never taken back: only a call that failed before its first chunk is made again.
 *   C2. An answer ends with usage once and finish once, or with a throw.
 *   C3. However a call ends (answer, failure, abort, a reader that leaves), its socket is free or closed at once.
 *   C4. Everything is bounded: attempts, the deadline, silence, one event, the whole answer (I9).
 *   C5. The key goes into the request's header and nowhere else.
 */
export class OpenAiCompatible implements ModelClient {
  readonly #endpoint: Endpoint
  readonly #means: ClientMeans
  readonly #limits: CallLimits
  /** By model: one endpoint may serve several kinds. Names come from clients, so their number is bounded. */
  readonly #dialects = new LRUCache<string, Dialect>({ max: 100 })

  constructor(endpoint: Endpoint, means: ClientMeans, limits: Partial<CallLimits> = {}) {
    this.#endpoint = endpoint
    this.#means = means
    this.#limits = { ...defaultLimits, ...limits }
  }

  async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelChunk, void, void> {
    const { clock } = this.#means
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted()
      if (clock.now() >= request.deadline) throw new Failure('MODEL_UNAVAILABLE', 'the deadline is over')
      const watch = new CallWatch(clock, signal, request.deadline, this.#limits.idleMs)
      let handedOut = false
      let complete = false
      try {
        for await (const chunk of this.#attempt(request, watch)) {
          handedOut = true
          complete ||= chunk.kind === 'finish'
          yield chunk
        }
        return
      } catch (error) {
        // C2: what goes wrong after the finish is between the sockets.
        if (complete) return
        signal.throwIfAborted()
        const failure = this.#failureOf(watch.signal.aborted ? watch.signal.reason : error)
        // Before the wait, not after it: the wait is not silence of the server.
        watch.close()
        if (handedOut || !(failure instanceof Setback)) throw failure
        await this.#backOff(failure, attempt, request.deadline, signal)
      } finally {
        watch.close()
      }
    }
  }

  async *#attempt(request: ModelRequest, watch: CallWatch): AsyncGenerator<ModelChunk, void, void> {
    const model = request.model === FIRST_MODEL ? await this.#firstModel(watch) : request.model
    const answer = await this.#post(request, model, watch)
    const reader = new AnswerReader(request, this.#endpoint, this.#limits.maxAnswerChars)
    const onBytes = () => watch.alive()
    const type = String(answer.headers['content-type'] ?? '')
    if (type.includes('json') && !type.includes('ndjson')) {
      // A server that does not stream.
      yield* reader.read(await readText(answer.body, this.#limits.maxBytes, onBytes))
      if (!reader.finished) throw this.#garbled('an answer without choices')
      yield* reader.end()
      return
    }
    if (type.includes('html')) throw this.#garbled('a web page; is the path of the base URL right?')

    let isDone = false
    let isEmpty = true
    for await (const data of eventData(answer.body, this.#limits, onBytes)) {
      isEmpty = false
      if (isDone) continue
      if (data.trim() === '[DONE]') {
        isDone = true
        yield* reader.end()
        watch.linger(LINGER_MS)
      } else {
        yield* reader.read(data)
      }
    }
    if (isDone) return
    if (isEmpty) throw this.#garbled('no events')
    // Not every server says [DONE], but every one says why it stopped.
    if (!reader.finished) throw new Setback(`the stream of ${this.#endpoint.shown} ended in the middle of the answer`)
    yield* reader.end()
  }

  /** Sends the request until the endpoint takes its dialect; each refusal changes one thing for good, so it ends. */
  async #post(request: ModelRequest, model: string, watch: CallWatch): Promise<Dispatcher.ResponseData> {
    for (;;) {
      const dialect = this.#dialects.get(model) ?? commonDialect
      const body = chatBody(request, model, dialect)
      const answer = await this.#send('POST', 'chat/completions', watch, body, request.traceparent)
      if (answer.statusCode === 200) return answer
      const words = await readText(answer.body, MAX_REFUSAL_BYTES, () => watch.alive()).catch(() => '')
      const next = adapted(dialect, answer.statusCode, words)
      if (!next) {
        throw refusal(this.#endpoint, answer.statusCode, words, namedWait(answer.headers, this.#means.clock.now()))
      }
      this.#means.log.debug({ endpoint: this.#endpoint.shown, model, dialect: next }, 'the endpoint speaks a dialect')
      this.#dialects.set(model, next)
    }
  }

  async #firstModel(watch: CallWatch): Promise<string> {
    const answer = await this.#send('GET', 'models', watch)
    const text = await readText(answer.body, this.#limits.maxEventChars, () => watch.alive())
    if (answer.statusCode !== 200) throw refusal(this.#endpoint, answer.statusCode, text)
    const model = firstModel(text)
    if (model === undefined)
      throw new Failure('MODEL_REJECTED', `${this.#endpoint.shown} lists no model; set SOMA_MODEL`)
    return model
  }

  #send(
    method: 'GET' | 'POST',
    route: 'chat/completions' | 'models',
    watch: CallWatch,
    body?: string,
    traceparent?: string,
  ) {
    return send(this.#endpoint.url(route), {
      method,
      headers: traceparent === undefined ? this.#endpoint.headers : { ...this.#endpoint.headers, traceparent },
      ...(body !== undefined && { body }),
      signal: watch.signal,
      dispatcher: this.#means.dispatcher,
      // The watch measures silence by the injected clock.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
  }

  async #backOff(setback: Setback, attempt: number, deadline: number, signal: AbortSignal): Promise<void> {
    const { clock, ids, log } = this.#means
    if (attempt >= this.#limits.backoff.attempts) throw setback
    const waitMs = waitBefore(this.#limits.backoff, attempt, ids.random(), setback.waitMs)
    // Waiting past the deadline would only make the failure late.
    if (clock.now() + waitMs >= deadline) throw setback
    log.warn(
      { endpoint: this.#endpoint.shown, attempt, waitMs: Math.round(waitMs), why: setback.detail },
      'model call backs off',
    )
    await pause(clock, waitMs, signal)
  }

  /** C5: the errors of the HTTP library become ours here, by their code alone. */
  #failureOf(error: unknown): Failure {
    if (isFailure(error)) return error
    const { code = 'no code', name } = error as { code?: string; name?: string }
    // What has no code is a defect of ours, but for one: an answer that is not HTTP.
    if (code === 'no code' && name !== 'HTTPParserError') throw error
    if (code === 'UND_ERR_INVALID_ARG')
      return new Failure('MODEL_REJECTED', 'the request cannot be sent; see the key and the base URL')
    const detail = `${this.#endpoint.shown} cannot be reached or broke off (${code})`
    // A certificate does not mend itself.
    if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|TLS|SSL/.test(code)) return new Failure('MODEL_UNAVAILABLE', detail)
    return new Setback(detail)
  }

  #garbled(what: string): Failure {
    return new Failure('MODEL_GARBLED', `${this.#endpoint.shown} answered with ${what}`)
  }
}
