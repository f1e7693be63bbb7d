/** A model as a session sees it: one streaming call. Implementations: openai-compatible.ts, rehearsal.ts. */
export interface ModelClient {
  /**
   * Streams one answer. Backs off on 429, 5xx and connection failures before the first chunk, within `deadline`.
   * Throws Failure MODEL_UNAVAILABLE, MODEL_REJECTED, MODEL_GARBLED, or the signal's reason when aborted.
   */
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelChunk>
}

export interface ModelRequest {
  readonly model: string
  readonly messages: readonly ModelMessage[]
  readonly tools: readonly ModelTool[]
  readonly temperature?: number
  readonly maxTokens?: number
  /** Epoch milliseconds. */
  readonly deadline: number
  /** W3C traceparent of this call, told to the endpoint. */
  readonly traceparent?: string | undefined
}

export type ModelMessage =
  | { readonly role: 'system'; readonly content: string }
  | {
      readonly role: 'user'
      readonly content: string
      /** Names of attachments, not yet looked up: clients read `content` and `images` alone. */
      readonly attachments?: readonly string[]
      readonly images?: readonly ModelImage[]
    }
  | { readonly role: 'assistant'; readonly content: string; readonly toolCalls?: readonly ModelToolCall[] }
  | { readonly role: 'tool'; readonly toolCallId: string; readonly content: string }

export interface ModelImage {
  readonly mime: string
  readonly base64: string
}

export interface ModelToolCall {
  readonly id: string
  readonly name: string
  /** As the model wrote it: may not be JSON at all. */
  readonly arguments: string
}

export interface ModelTool {
  readonly name: string
  readonly description: string
  /** JSON Schema of the arguments. */
  readonly parameters: Readonly<Record<string, unknown>>
}

export type ModelChunk =
  | { readonly kind: 'text'; readonly delta: string }
  /** Complete once the stream ends; parts of one call share `index`. */
  | {
      readonly kind: 'tool-call'
      readonly index: number
      readonly id?: string
      readonly name?: string
      readonly argumentsDelta: string
    }
  | { readonly kind: 'usage'; readonly promptTokens: number; readonly completionTokens: number }
  | { readonly kind: 'finish'; readonly reason: 'stop' | 'tool_calls' | 'length' | 'content_filter' }

/** A model that a role resolved to. */
export interface ModelChoice {
  readonly client: ModelClient
  readonly model: string
  /** Micro-dollars per million tokens; 0 when unknown. */
  readonly promptPrice: number
  readonly completionPrice: number
  /** Tokens the model takes; history beyond it fails with HISTORY_TOO_LONG. */
  readonly contextTokens: number
  /** Whether it takes images. */
  readonly images?: boolean
}

export type ModelRole = 'dialogue' | 'escalation'

export interface Models {
  /** A role's model, or one named (`rehearsal/echo`). Undefined: MODEL_NOT_FOUND. */
  choose(role: ModelRole, name?: string): ModelChoice | undefined
  /** For GET /v1/models, `soma doctor` and the ready line: what was found, and where it was looked for. */
  list(): readonly { readonly id: string; readonly role?: ModelRole; readonly source: string }[]
}
