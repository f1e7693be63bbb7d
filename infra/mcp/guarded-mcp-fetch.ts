import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { Agent, fetch as undiciFetch } from 'undici'
import { checkedLookup, checkedUrl } from '../../actors/tool/catalogue/http/guarded-fetch.ts'
import { reachable } from '../../actors/tool/catalogue/http/reachable.ts'
import type { WatchedFetch } from '../../transports/mcp/http-way.ts'

/**
 * Fetch for a streamable HTTP server, behind the guard of http_fetch: every request is checked, redirects too (the SDK
 * follows them by this very function, and only within the origin), and the address that was checked is the one that is
 * connected to. What `allow` names may be internal. No proxy or credential of ours goes along.
 */
export function guardedMcpFetch(
  allow: readonly string[],
  own: () => readonly string[],
  lookup: LookupFunction = systemLookup as LookupFunction,
): { fetch: WatchedFetch; close(): Promise<void> } {
  const guard = reachable(allow, own)
  // Streams stay open between events for as long as a server likes; calls have limits of their own.
  const dispatcher = new Agent({ bodyTimeout: 0, headersTimeout: 0, connect: { lookup: checkedLookup(lookup, guard) } })
  return {
    async fetch(address, init) {
      const url = checkedUrl(String(address), undefined, guard)
      const own = { ...(init as object), redirect: 'manual', dispatcher } as Parameters<typeof undiciFetch>[1]
      return (await undiciFetch(url, own)) as unknown as Response
    },
    close: () => dispatcher.destroy(),
  }
}
