/** What is in a request itself, in base64. */
export interface InlineData {
  /** What the client says that it is; undefined when it says nothing. */
  readonly declared: string | undefined
  readonly bytes: Uint8Array
}

/** More before the comma is nobody's media type. */
const HEAD_CHARS = 300

/** `data:image/png;base64,…`, or bare base64; a text says why it is neither. */
export function inlineData(text: string): InlineData | string {
  if (!/^data:/i.test(text)) return decoded(text, undefined)
  const comma = text.slice(0, HEAD_CHARS).indexOf(',')
  if (comma === -1) return 'it is a data: URL without a comma before its data.'
  const [type = '', ...parameters] = text
    .slice('data:'.length, comma)
    .split(';')
    .map((word) => word.trim().toLowerCase())
  if (parameters.at(-1) !== 'base64') return 'it is a data: URL that is not in base64: write data:<type>;base64,<data>.'
  return decoded(text.slice(comma + 1), type === '' ? undefined : type)
}

/** Node skips what is not base64; here that is an error, or half of a file would be taken for the whole. */
function decoded(base64: string, declared: string | undefined): InlineData | string {
  const unpadded = base64.length - (base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0)
  if (unpadded === 0) return 'it is empty.'
  const bytes = Buffer.from(base64, 'base64')
  // Each letter that is skipped makes it shorter, so nobody need look at every one of 30 MB.
  if (unpadded % 4 === 1 || bytes.length !== Math.floor((unpadded * 3) / 4)) {
    return 'its data is not base64: letters, digits, + and /, without spaces or line breaks.'
  }
  return { declared, bytes }
}
