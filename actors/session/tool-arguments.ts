import { jsonrepair } from 'jsonrepair'

export type ToolArguments =
  | { readonly ok: true; readonly value: Readonly<Record<string, unknown>> }
  /** Written for the model, which gets it as the result of its call. */
  | { readonly ok: false; readonly message: string }

/** Repair reads character by character; what is larger is damaged beyond a slip. */
const MAX_REPAIRED = 200_000

/**
 * Reads what a model wrote as arguments. Pure, so that deciding a step again gives the same calls.
 * Slips that change no meaning are mended (fences, comments, trailing commas, single quotes, True/None, an object
 * written as a string). Text that was cut off is not: half a file's content would otherwise be written as the whole.
 */
export function parseToolArguments(text: string): ToolArguments {
  const trimmed = text.trim()
  // Models leave the arguments of a tool without parameters empty.
  if (trimmed === '') return { ok: true, value: {} }
  const strict = parsed(trimmed)
  if (strict.ok) return asObject(strict.value)
  if (trimmed.length > MAX_REPAIRED) return refuse('they are not valid JSON, and too long to be mended')
  const bare = withoutFence(trimmed)
  if (!bare.startsWith('{')) return refuse('they are not a JSON object')
  if (isCutOff(bare)) return refuse('they break off before the end; write them again, shorter if need be')
  const mended = parsed(bare, jsonrepair)
  return mended.ok ? asObject(mended.value) : refuse('they are not valid JSON')
}

function parsed(text: string, mend: (text: string) => string = (same) => same): { ok: boolean; value?: unknown } {
  try {
    return { ok: true, value: JSON.parse(mend(text)) }
  } catch {
    // Nesting deep enough to exhaust the stack lands here as well.
    return { ok: false }
  }
}

function asObject(value: unknown): ToolArguments {
  if (typeof value === 'string' && value.trimStart().startsWith('{')) {
    const inner = parsed(value)
    if (inner.ok && typeof inner.value === 'object') return asObject(inner.value)
  }
  if (value === null) return { ok: true, value: {} }
  if (typeof value !== 'object' || Array.isArray(value)) return refuse('they are not a JSON object')
  return { ok: true, value: value as Readonly<Record<string, unknown>> }
}

function withoutFence(text: string): string {
  return /^```[a-z]*\s*([\s\S]*?)\s*```$/i.exec(text)?.[1] ?? text
}

/** Whether a string or a bracket is still open at the end. In doubt (an apostrophe outside quotes) it says yes: refusing is safe. */
function isCutOff(text: string): boolean {
  let depth = 0
  let quote = ''
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i)
    if (quote !== '') {
      if (character === '\\') i++
      else if (character === quote) quote = ''
    } else if (character === '"' || character === "'") quote = character
    else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
  }
  return depth !== 0 || quote !== ''
}

function refuse(why: string): ToolArguments {
  return {
    ok: false,
    message: `The arguments were not understood: ${why}. Write one JSON object that fits the tool's schema.`,
  }
}
