import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { Session, SessionPage, SessionState } from '../api/answers.ts'
import { get } from '../api/call.ts'

const PAGE = 200
const AGAIN_MS = 15_000

export interface SessionPages {
  readonly sessions: readonly Session[]
  readonly error: Error | undefined
  readonly loading: boolean
  /** All that match are here. */
  readonly complete: boolean
  more(): void
  /** Looks at the newest page again; what is already here keeps its place otherwise. */
  refresh(): void
}

interface Loaded {
  readonly sessions: readonly Session[]
  readonly next: string | null
  readonly loading: boolean
  readonly error?: Error | undefined
}

const none: Loaded = { sessions: [], next: null, loading: true }

/**
 * The sessions that match, newest first, a page at a time as somebody scrolls.
 *   S1. An answer to an earlier question changes nothing.
 * `changes`: looked at again at once when it is another.
 *   S2. The newest page is looked at again every 15 s: what changed comes to the front, and nothing is shown twice.
 */
export function useSessionPages(search: string, state: SessionState | undefined, changes = ''): SessionPages {
  const [loaded, setLoaded] = useState<Loaded>(none)
  const question = useRef(0)
  const busy = useRef(false)

  const ask = useCallback(
    async (before: string | null) => {
      const mine = question.current
      const query = new URLSearchParams({ limit: String(PAGE) })
      if (search !== '') query.set('search', search)
      if (state !== undefined) query.set('state', state)
      if (before !== null) query.set('before', before)
      try {
        const page = await get<SessionPage>(`/v1/sessions?${query}`)
        if (mine === question.current) setLoaded((now) => (before === null ? renewed(now, page) : continued(now, page))) // S1
      } catch (error) {
        if (mine === question.current) setLoaded((now) => ({ ...now, loading: false, error: error as Error }))
      }
    },
    [search, state],
  )

  useEffect(() => {
    question.current++
    setLoaded((now) => ({ ...none, sessions: now.sessions }))
    const first = question.current
    void ask(null).then(() => {
      if (first === question.current) busy.current = false
    })
    const again = setInterval(() => document.hidden || void ask(null), AGAIN_MS) // S2
    return () => {
      question.current++
      clearInterval(again)
    }
  }, [ask])

  const first = useRef(changes)
  useEffect(() => {
    if (first.current !== changes) void ask(null)
    first.current = changes
  }, [changes, ask])

  const more = useCallback(() => {
    if (busy.current || loaded.next === null) return
    busy.current = true
    void ask(loaded.next).finally(() => {
      busy.current = false
    })
  }, [ask, loaded.next])

  const { sessions, loading, error, next } = loaded
  return { sessions, error, loading, complete: next === null && !loading, more, refresh: () => void ask(null) }
}

/** A first answer replaces all; later ones only what they hold, so that pages further down stay. */
function renewed(before: Loaded, { sessions, next_cursor }: SessionPage): Loaded {
  if (before.loading || before.next === null) return { sessions, next: next_cursor, loading: false }
  const here = new Set(sessions.map(({ session_id }) => session_id))
  const rest = before.sessions.filter(({ session_id }) => !here.has(session_id))
  return { sessions: [...sessions, ...rest], next: before.next, loading: false }
}

function continued(before: Loaded, { sessions, next_cursor }: SessionPage): Loaded {
  const here = new Set(before.sessions.map(({ session_id }) => session_id))
  const added = sessions.filter(({ session_id }) => !here.has(session_id))
  return { sessions: [...before.sessions, ...added], next: next_cursor, loading: false }
}
