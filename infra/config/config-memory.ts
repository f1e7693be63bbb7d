import type { Values } from './config-variables.ts'

export interface MemoryConfig {
  readonly embedding: EmbeddingConfig
  readonly indexThreads: number
}

export type EmbeddingConfig =
  | { readonly kind: 'none' }
  | { readonly kind: 'local' }
  | {
      readonly kind: 'endpoint'
      readonly model: string
      readonly baseUrl: string
      readonly apiKey: string | undefined
      readonly dimensions: number
    }

export function memoryOf(v: Values): MemoryConfig {
  return { embedding: embeddingOf(v), indexThreads: v.SOMA_MEMORY_INDEX_THREADS }
}

function embeddingOf(v: Values): EmbeddingConfig {
  const { SOMA_EMBEDDING_MODEL: model, SOMA_EMBEDDING_BASE_URL: own } = v
  if (model === 'none' || model === 'local') return { kind: model }
  return {
    kind: 'endpoint',
    model,
    baseUrl: own ?? v.OPENAI_BASE_URL ?? 'https://api.openai.com/v1',
    // A key goes only to the endpoint that it was given for.
    apiKey: v.SOMA_EMBEDDING_API_KEY ?? (own === undefined ? v.OPENAI_API_KEY : undefined),
    dimensions: v.SOMA_EMBEDDING_DIMENSIONS,
  }
}
