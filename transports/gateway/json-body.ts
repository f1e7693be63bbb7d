import { Failure } from '../../actors/kernel/failure.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * A body as JSON. Depth is checked on the text: what is nested ten thousand deep parses, and then overflows the stack
 * of whatever walks it (validation, msgpack, JSON.stringify).
 */
export function parseJson(text: string, maxDepth: number): unknown {
  if (text.trim() === '') return undefined
  checkDepth(text, maxDepth)
  try {
    return JSON.parse(text, dropPrototypeKeys(text))
  } catch (error) {
    throw new Failure('MALFORMED_JSON', (error as Error).message, { cause: error })
  }
}

function checkDepth(text: string, maxDepth: number): void {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = endOfString(text, at)
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > maxDepth) throw new Failure('INVALID_REQUEST', `The body is nested deeper than ${maxDepth}.`)
    } else if (code === 0x5d || code === 0x7d) {
      depth--
    }
  }
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === BACKSLASH) at++
    else if (code === QUOTE) return at
  }
  return text.length
}

/** A reviver slows parsing threefold, so it is given only to a text that may name what it removes. */
function dropPrototypeKeys(text: string): ((key: string, value: unknown) => unknown) | undefined {
  if (!/__proto__|\\u005f/i.test(text)) return undefined
  return (key, value) => (key === '__proto__' ? undefined : value)
}
