import type { FetchedPage } from './guarded-fetch.ts'
import { htmlText } from './html-text.ts'

/** Turns what was fetched into text that a model can read. Binary content is described, never dumped. */
export async function readable(page: FetchedPage, method: 'GET' | 'HEAD', signal: AbortSignal): Promise<string> {
  const type = page.headers.get('content-type') ?? ''
  const lines = [`HTTP ${page.status} ${page.statusText}`.trim(), `URL: ${page.url}`]
  if (type !== '') lines.push(`Content-Type: ${type}`)
  if (method === 'HEAD') {
    const shown = ['content-length', 'last-modified', 'etag'].filter((name) => page.headers.get(name) !== null)
    return [...lines, ...shown.map((name) => `${name}: ${page.headers.get(name)}`)].join('\n')
  }
  if (page.cut) lines.push(`Only the first ${page.body.length} bytes were read; the page is longer.`)
  return `${lines.join('\n')}\n\n${await bodyText(page, type, signal)}`
}

const TEXTY =
  /^(text\/|application\/(json|xml|javascript|ecmascript|yaml|x-yaml|toml|sql|graphql|x-www-form-urlencoded|x-ndjson|x-sh)\b|[^;]*\+(json|xml|yaml)\b)/i
const HTML = /^(text\/html|application\/xhtml\+xml)\b/i

async function bodyText(page: FetchedPage, type: string, signal: AbortSignal): Promise<string> {
  if (page.body.length === 0) return '(empty)'
  const isText = type === '' ? !page.body.subarray(0, 1_024).includes(0) : TEXTY.test(type)
  if (!isText) return `(binary content, ${page.body.length} bytes${page.cut ? ' or more' : ''}, not shown)`
  const text = decode(page.body, type)
  return HTML.test(type) ? htmlText(text, signal) : text
}

/** The charset of the header, else of the page's own <meta>, else UTF-8. An unknown one is read as UTF-8. */
function decode(body: Uint8Array, type: string): string {
  const charset = /charset\s*=\s*"?([^\s;"]+)/i
  const head = () => Buffer.from(body.subarray(0, 1_024)).toString('latin1')
  const label =
    charset.exec(type)?.[1] ??
    (HTML.test(type) ? /<meta[^>]+charset\s*=\s*["']?([^\s"'/>;]+)/i.exec(head())?.[1] : undefined)
  try {
    return new TextDecoder(label ?? 'utf-8').decode(body)
  } catch {
    return new TextDecoder().decode(body)
  }
}
