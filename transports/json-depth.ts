const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * What is nested ten thousand deep parses, and then overflows the stack of whatever walks it (validation, msgpack,
 * JSON.stringify). So JSON of others is looked at before it is parsed.
 */
export function isNestedDeeper(json: string, maxDepth: number): boolean {
  let depth = 0
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if (code === QUOTE) {
      at = endOfString(json, at)
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > maxDepth) return true
    } else if (code === 0x5d || code === 0x7d) {
      depth--
    }
  }
  return false
}

/** The same of a value that is there already. */
export function isDeeper(value: unknown, maxDepth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return maxDepth === 0 || Object.values(value).some((it) => isDeeper(it, maxDepth - 1))
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === BACKSLASH) at++
    else if (code === QUOTE) return at
  }
  return text.length
}
