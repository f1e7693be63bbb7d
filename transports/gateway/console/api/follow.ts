import type { ConversationEvent } from './answers.ts'
import type { Problem } from './problem.ts'
import { token } from './token.ts'

export type LinkState = 'connecting' | 'live' | 'lost'

export interface Listener {
  event(event: ConversationEvent, seq: number): void
  /** A piece of the answer in progress (type assistant.stream); may be lost, or come again from offset 0. */
  preview(event: ConversationEvent): void
  state(state: LinkState): void
  problem(problem: Problem): void
}

const RETRY_MS = [250, 500, 1_000, 2_000, 5_000]

/** Follows a session from a cursor and goes on there after every break, so that each event is heard once. */
export function follow(sessionId: string, after: number, listener: Listener): { close(): void } {
  let cursor = after
  let source: EventSource | undefined
  let tries = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let closed = false

  function connect() {
    listener.state('connecting')
    const query = new URLSearchParams({ after: String(cursor), previews: 'delta' })
    const bearer = token()
    if (bearer) query.set('access_token', bearer)
    source = new EventSource(`/v1/session/${encodeURIComponent(sessionId)}/events?${query}`)
    source.onopen = () => {
      tries = 0
      listener.state('live')
    }
    source.onmessage = ({ data, lastEventId }) => {
      const event = JSON.parse(data) as ConversationEvent
      if (event.type === 'assistant.stream') return listener.preview(event)
      const seq = Number(lastEventId)
      if (seq <= cursor) return
      cursor = seq
      listener.event(event, seq)
    }
    source.onerror = (error) => {
      const { data } = error as MessageEvent<string>
      if (data) listener.problem(JSON.parse(data) as Problem)
      // Not the browser's own retry: its URL would carry the first cursor, and it waits for seconds.
      source?.close()
      if (closed) return
      listener.state('lost')
      timer = setTimeout(connect, RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)])
    }
  }

  connect()
  return {
    close() {
      closed = true
      clearTimeout(timer)
      source?.close()
    },
  }
}
