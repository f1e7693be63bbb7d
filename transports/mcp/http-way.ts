import type { ConnectionEvents, HttpWay } from '../../actors/mcp/protocol.ts'

/** Fetch as this transport needs it; infra gives one that reaches only what it may (infra/mcp/guarded-fetch.ts). */
export type WatchedFetch = (url: string | URL, init?: RequestInit) => Promise<Response>

/** Of one answer: a stream of events for a call that talks a lot, or a page of tools. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024

/**
 * A stream that breaks while an answer is awaited: the SDK would wait for the time limit of the call, or try to take up a
 * stream again at a server that is gone. Here the connection is over, which its supervisor mends, and the call knows at
 * once. A stream that only listens for notices (GET) is the SDK's to reopen; we look whether the server still lives.
 */
export function watchedFetch(fetch: WatchedFetch, way: HttpWay, events: ConnectionEvents): WatchedFetch {
  return async (url, init) => {
    const response = await fetch(url, { ...init, headers: withHeaders(init?.headers, way.headers) })
    if (!response.body) return response
    const broke = (why: string) => (init?.method === 'POST' ? events.closed(why) : events.suspected(why))
    return new Response(watched(response.body, init?.signal ?? undefined, broke), response)
  }
}

function withHeaders(own: RequestInit['headers'], configured: HttpWay['headers']): Headers {
  const headers = new Headers(own)
  for (const [name, value] of Object.entries(configured)) headers.set(name, value)
  return headers
}

function watched(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
  broke: (why: string) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let size = 0
  let unwanted = false
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { value, done } = await reader.read()
        if (unwanted) return
        if (done) return controller.close()
        size += value.length
        if (size > MAX_ANSWER_BYTES) throw new Error(`it answered with more than ${MAX_ANSWER_BYTES} bytes`)
        controller.enqueue(value)
      } catch (error) {
        if (unwanted) return
        controller.error(error)
        void reader.cancel().catch(() => {})
        if (!signal?.aborted) broke(`its answer broke off: ${error instanceof Error ? error.message : String(error)}`)
      }
    },
    cancel(reason) {
      unwanted = true
      return reader.cancel(reason)
    },
  })
}
