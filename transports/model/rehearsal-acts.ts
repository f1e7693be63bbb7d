/** What a rehearsal model can do in one answer, in order. */
export type RehearsalAct =
  /** One chunk a piece. */
  | { readonly kind: 'text'; readonly pieces: readonly string[]; readonly everyMs: number }
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
  return { kind: 'text', pieces: [text], everyMs: 0 }
}

/** The text in `count` pieces, or as many as it has characters. */
export function streamed(count: number, everyMs: number, text: string): RehearsalAct {
  // By code points: half of a surrogate pair is not text.
  const characters = [...text]
  const pieces = Math.max(1, Math.min(count, characters.length))
  const end = (piece: number) => Math.floor((piece * characters.length) / pieces)
  return {
    kind: 'text',
    pieces: Array.from({ length: pieces }, (_, i) => characters.slice(end(i), end(i + 1)).join('')),
    everyMs,
  }
}

export function spoken(everyMs: number, text: string): RehearsalAct {
  return { kind: 'text', pieces: text.split(/(?<=\s)(?=\S)/), everyMs }
}
