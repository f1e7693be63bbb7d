import { Failure } from '../../actors/kernel/failure.ts'
import { callTokens, estimatePrompt, estimateTokens } from '../../actors/kernel/tokens.ts'
import type { ModelChunk, ModelRequest } from './client.ts'
import type { Endpoint } from './endpoint.ts'
import { errorInside } from './refusal.ts'
import { ThoughtFilter } from './thought-filter.ts'
import { ToolCallSorter } from './tool-call-sorter.ts'

type FinishReason = Extract<ModelChunk, { kind: 'finish' }>['reason']
type Fields = Readonly<Record<string, unknown>>

/**
 * Turns the JSON of one answer, streamed or whole, into chunks.
 *   A1. `end` gives usage once and finish once, in that order, and nothing comes after.
 *   A2. Reasoning never becomes text.
 *   A3. The answer's text and arguments have a limit (I9).
 * Usage: the last figures the server sent; without any (or all zero), the estimate of tokens.ts.
 */
export class AnswerReader {
  readonly #request: ModelRequest
  readonly #endpoint: Endpoint
  readonly #maxChars: number
  readonly #thoughts = new ThoughtFilter()
  readonly #calls = new ToolCallSorter()
  #chars = 0
  #tokens = 0
  #usage: { prompt: number; completion: number } | undefined
  #finish: FinishReason | undefined

  constructor(request: ModelRequest, endpoint: Endpoint, maxChars: number) {
    this.#request = request
    this.#endpoint = endpoint
    this.#maxChars = maxChars
  }

  /** Whether the server said why it stopped: an end without it is a cut. */
  get finished(): boolean {
    return this.#finish !== undefined
  }

  read(json: string): ModelChunk[] {
    const payload = this.#parse(json)
    if (payload.error) throw errorInside(this.#endpoint, payload.error, json)
    this.#readUsage(fields(payload.usage))
    const choice = Array.isArray(payload.choices) ? fields(payload.choices[0]) : undefined
    if (!choice) return []
    const chunks = this.#readMessage(fields(choice.delta) ?? fields(choice.message) ?? {})
    if (typeof choice.finish_reason === 'string') this.#finish = finishOf(choice.finish_reason)
    return chunks
  }

  end(): ModelChunk[] {
    const rest = this.#thoughts.end()
    const chunks: ModelChunk[] = rest === '' ? [] : [this.#text(rest)]
    const usage = this.#usage ?? { prompt: 0, completion: 0 }
    const known = usage.prompt > 0 || usage.completion > 0
    chunks.push({
      kind: 'usage',
      promptTokens: known ? usage.prompt : estimatePrompt(this.#request.messages, this.#request.tools),
      completionTokens: known ? usage.completion : Math.ceil(this.#tokens),
    })
    chunks.push({ kind: 'finish', reason: this.#reason() })
    return chunks
  }

  /** Ollama says `stop` after tool calls, and a client would then never run them. */
  #reason(): FinishReason {
    const said = this.#finish ?? 'stop'
    if (this.#calls.count > 0) return said === 'length' || said === 'content_filter' ? said : 'tool_calls'
    return said === 'tool_calls' ? 'stop' : said
  }

  #readMessage(message: Fields): ModelChunk[] {
    const chunks: ModelChunk[] = []
    const text = this.#thoughts.pass(textOf(message.content) + textOf(message.refusal))
    if (text !== '') chunks.push(this.#text(text))
    if (Array.isArray(message.tool_calls)) {
      for (const entry of message.tool_calls) {
        const call = fields(entry)
        const part = call && this.#calls.sort(call)
        if (!part) continue
        this.#grow(part.argumentsDelta.length)
        this.#tokens +=
          part.name === undefined ? part.argumentsDelta.length / 4 : callTokens(part.name, part.argumentsDelta)
        chunks.push(part)
      }
    }
    return chunks
  }

  #text(delta: string): ModelChunk {
    this.#grow(delta.length)
    // A streamed delta is a token or more, however short.
    this.#tokens += delta.length < 16 ? Math.max(1, delta.length / 4) : estimateTokens(delta)
    return { kind: 'text', delta }
  }

  #grow(chars: number): void {
    this.#chars += chars
    if (this.#chars > this.#maxChars) {
      throw new Failure('MODEL_GARBLED', `the answer is longer than ${this.#maxChars} characters`)
    }
  }

  #readUsage(usage: Fields | undefined): void {
    if (!usage) return
    this.#usage = { prompt: count(usage.prompt_tokens), completion: count(usage.completion_tokens) }
  }

  #parse(json: string): Fields {
    try {
      const payload = fields(JSON.parse(json))
      if (payload) return payload
    } catch {}
    throw new Failure('MODEL_GARBLED', `${this.#endpoint.shown} sent what is not JSON: ${this.#endpoint.clean(json)}`)
  }
}

function fields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
}

/** Text, or Mistral's list of parts. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map((part) => (fields(part)?.type === 'text' ? textOf(fields(part)?.text) : '')).join('')
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.round(value) : 0
}

function finishOf(reason: string): FinishReason {
  switch (reason) {
    case 'length':
    case 'max_tokens':
      return 'length'
    case 'content_filter':
      return 'content_filter'
    case 'tool_calls':
    case 'function_call':
      return 'tool_calls'
    default:
      return 'stop'
  }
}
