/** What the gateway tells of memories (transports/gateway/routes/memory.ts). */
export interface Memory {
  readonly key: string
  readonly namespace: string
  readonly text: string
  readonly value: unknown
  readonly tags: readonly string[]
  readonly universe: string
  readonly session_id: string | null
  readonly persona_id: string | null
  readonly importance: number
  readonly layer: string
  readonly created_at: string
  readonly updated_at: string
  readonly expires_at: string | null
}

/** One that was found: scores in [0, 1]. */
export interface Recalled extends Memory {
  readonly score: number
  readonly lexical_score: number
  readonly vector_score: number
}

export interface Recall {
  readonly results: readonly Recalled[]
  readonly took_ms: number
  readonly warnings?: readonly string[]
}

export interface MemoryPage {
  readonly memories: readonly Memory[]
  readonly next_cursor: string | null
}

export interface Namespaces {
  readonly namespaces: readonly { readonly namespace: string; readonly memories: number }[]
}

export const modes = { hybrid: 'words and meaning', lexical: 'words', vector: 'meaning' } as const
export type Mode = keyof typeof modes
