import { Failure } from '../../actors/kernel/failure.ts'

/** Where an OpenAI-compatible server is. */
export interface EndpointConfig {
  readonly baseUrl: string
  readonly apiKey?: string | undefined
}

export interface Endpoint {
  /** Without credentials and query: what logs and errors may show. */
  readonly shown: string
  url(path: 'chat/completions' | 'models' | 'embeddings'): string
  readonly headers: Readonly<Record<string, string>>
  /** A server's own words, fit to show: without the key (servers quote it), without control characters, cut. */
  clean(text: string): string
}

const MAX_SHOWN = 500
const CONTROL_CHARACTERS = /[\p{Cc}\p{Zl}\p{Zp}]+/gu
/** Servers quote keys half masked (`sk-ab***yz`), so the literal key alone would not be enough. */
const KEY_LIKE = /\b(?:(?:sk|pk|gsk|key)[-_][\w*-]{4,}|bearer\s+\S+)/gi

export function endpointOf(config: EndpointConfig): Endpoint {
  const url = parse(config.baseUrl)
  const key = config.apiKey?.trim()
  const secrets = [key, url.password, url.username].filter((secret): secret is string => !!secret && secret.length > 3)
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'text/event-stream, application/json',
  }
  if (key) headers.authorization = `Bearer ${key}`
  else if (url.username)
    headers.authorization = `Basic ${btoa(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`)}`

  // A bare host is the commonest slip, and no known server has its routes at the root.
  const path = url.pathname.replace(/\/+$/, '').replace(/\/(?:chat\/completions|embeddings)$/, '') || '/v1'
  return {
    shown: `${url.origin}${path}`,
    url: (route) => `${url.origin}${path}/${route}${url.search}`,
    headers,
    clean(text) {
      let clean = text
      for (const secret of secrets) clean = clean.replaceAll(secret, '[key]')
      clean = clean.replace(KEY_LIKE, '[key]').replace(CONTROL_CHARACTERS, ' ').trim()
      return clean.length > MAX_SHOWN ? `${clean.slice(0, MAX_SHOWN)}…` : clean
    },
  }
}

function parse(baseUrl: string): URL {
  // The value is not repeated: it may hold a password.
  const problem = new Failure(
    'CONFIG_INVALID',
    'the model base URL (OPENAI_BASE_URL, SOMA_EMBEDDING_BASE_URL) is not an http or https URL',
  )
  if (!URL.canParse(baseUrl)) throw problem
  const url = new URL(baseUrl)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw problem
  return url
}
