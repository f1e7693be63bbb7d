/** What a rehearsal model can do in one answer, in order. */
export type RehearsalAct =
  | { readonly kind: 'text'; readonly text: string; readonly chunks: number; readonly everyMs: number }
  | { readonly kind: 'calls'; readonly calls: readonly RehearsalCall[] }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'hang' }
  /** Without `times` it never passes. */
  | { readonly kind: 'fail'; readonly status: number; readonly times?: number }
  | { readonly kind: 'garble' }

export interface RehearsalCall {
  readonly name: string
  readonly arguments: string
}

/** One answer. */
export type RehearsalStep = readonly RehearsalAct[]

export function say(text: string): RehearsalAct {
  return { kind: 'text', text, chunks: 1, everyMs: 0 }
}
