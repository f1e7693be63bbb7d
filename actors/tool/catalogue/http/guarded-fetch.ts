import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { Agent, fetch, type Response } from 'undici'
import { Failure, isFailure } from '../../../kernel/failure.ts'
import type { Reachable } from './reachable.ts'

/**
 * One request to a place that a model chose.
 *   G3. The address that was checked is the one that is connected to: the check sits inside the connection's own
 *       lookup, so a name that answers differently the second time (DNS rebinding) has no second time.
 *   G4. Every redirect is a new request: followed by hand, checked like the first, at most MAX_REDIRECTS.
 *   G5. At most `maxBytes` of the decompressed body are read, whatever its header promises.
 * No proxy, cookie or credential of ours goes along, and no connection outlives its call.
 */
export interface FetchedPage {
  readonly url: string
  readonly status: number
  readonly statusText: string
  readonly headers: { get(name: string): string | null }
  readonly body: Uint8Array
  /** The body is longer than what was read. */
  readonly cut: boolean
}

export interface GuardedFetchOptions {
  readonly reachable: Reachable
  /** Who resolves names: dns.lookup by default. */
  readonly lookup?: LookupFunction | undefined
  readonly maxBytes: number
  /** W3C traceparent to send along: ids of ours, and nothing else. */
  readonly traceparent?: string | undefined
  /** Of a POST, which follows no redirect. */
  readonly post?: { readonly body: string; readonly headers: Readonly<Record<string, string>> }
}

export const MAX_REDIRECTS = 5
const HEADERS = {
  'user-agent': 'SomaAgent/1 (http_fetch)',
  accept: 'text/html, text/*;q=0.9, application/json;q=0.9, */*;q=0.5',
}

export async function guardedFetch(
  address: string,
  method: 'GET' | 'HEAD' | 'POST',
  signal: AbortSignal,
  options: GuardedFetchOptions,
): Promise<FetchedPage> {
  const { reachable, lookup = systemLookup as LookupFunction, maxBytes, traceparent, post } = options
  const headers = { ...HEADERS, ...(traceparent !== undefined && { traceparent }), ...post?.headers }
  const body = post?.body ?? null
  const dispatcher = new Agent({ connect: { lookup: checkedLookup(lookup, reachable) } })
  try {
    let url = checkedUrl(address, undefined, reachable)
    for (let redirects = 0; ; redirects++) {
      const response = await fetch(url, { method, signal, dispatcher, redirect: 'manual', headers, body })
      const location = response.headers.get('location')
      if (response.status < 300 || response.status > 399 || location === null) {
        return { ...describe(url, response), ...(await readBody(response, maxBytes)) }
      }
      if (post) throw new Failure('TOOL_FAILED', `${address} answers a POST with a redirect, which is not followed.`)
      if (redirects === MAX_REDIRECTS) {
        throw new Failure('TOOL_FAILED', `${address} was redirected more than ${MAX_REDIRECTS} times.`)
      }
      await response.body?.cancel()
      url = checkedUrl(location, url, reachable) // G4
    }
  } catch (error) {
    throw told(error, signal)
  } finally {
    void dispatcher.destroy().catch(() => {})
  }
}

export function checkedUrl(text: string, base: URL | undefined, reachable: Reachable): URL {
  if (!URL.canParse(text, base?.href)) throw new Failure('TOOL_ARGUMENTS', `"${text.slice(0, 200)}" is not a URL.`)
  const url = new URL(text, base?.href)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new Failure('BLOCKED_ADDRESS', `Only http and https URLs can be fetched, not ${url.protocol}`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new Failure('BLOCKED_ADDRESS', 'A URL with a user name or password in it is not fetched.')
  }
  reachable.checkHost(url.hostname)
  return url
}

/** For a URL that is to be kept and fetched later: what is wrong with it as it stands. Its name is not looked up. */
export function urlRefusal(text: string, reachable: Reachable): string | undefined {
  try {
    checkedUrl(text, undefined, reachable)
    return undefined
  } catch (error) {
    if (isFailure(error)) return error.detail
    throw error
  }
}

/** G3: one bad answer among good ones refuses the name, because that mixture is what rebinding looks like. */
export function checkedLookup(lookup: LookupFunction, reachable: Reachable): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found, family) => {
      if (error) return callback(error, '', 0)
      const addresses = Array.isArray(found) ? found : [{ address: found, family: family ?? 4 }]
      try {
        for (const { address } of addresses) reachable.checkAddress(hostname, address)
      } catch (refusal) {
        return callback(refusal as Failure, '', 0)
      }
      if (options.all) return callback(null, addresses)
      const [first] = addresses
      return first ? callback(null, first.address, first.family) : callback(new Error('no address'), '', 0)
    })
  }
}

function describe(url: URL, response: Response): Pick<FetchedPage, 'url' | 'status' | 'statusText' | 'headers'> {
  const { status, statusText, headers } = response
  return { url: url.href, status, statusText, headers }
}

async function readBody(response: Response, maxBytes: number): Promise<Pick<FetchedPage, 'body' | 'cut'>> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    const bytes = chunk as Uint8Array
    chunks.push(bytes.subarray(0, maxBytes - size))
    size += bytes.length
    if (size > maxBytes) break // G5: leaving the loop cancels the rest
  }
  return { body: Buffer.concat(chunks), cut: size > maxBytes }
}

/** undici wraps what went wrong, our own refusal included, in `fetch failed`. */
function told(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (isFailure(cause)) return cause
    if (cause.cause === undefined) {
      const code = (cause as NodeJS.ErrnoException).code
      const detail = cause.message || code || cause.name
      return new Failure('TOOL_FAILED', `The page could not be fetched: ${detail}`, { cause: error })
    }
  }
  return error
}
