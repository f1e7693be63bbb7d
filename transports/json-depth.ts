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

/** Whether JSON.stringify can write it: no bigint, which msgpack has, and no deeper than that. */
export function isWritable(value: unknown, maxDepth: number): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'bigint'
  return maxDepth > 0 && Object.values(value).every((it) => isWritable(it, maxDepth - 1))
}

/** From quote to quote: a string may be a file of 30 MB in base64, which letter by letter takes 30 times as long. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let escapes = 0
    while (text.charCodeAt(at - 1 - escapes) === BACKSLASH) escapes++
    if (escapes % 2 === 0) return at
  }
  return text.length
}
