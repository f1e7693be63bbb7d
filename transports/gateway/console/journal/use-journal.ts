import { useEffect, useState } from 'preact/hooks'
import type { ConversationEvent, JournalEntry, SessionDetail } from '../api/answers.ts'
import { get } from '../api/call.ts'
import { follow, type LinkState } from '../api/follow.ts'
import { NoAnswerError, type Problem, ProblemError } from '../api/problem.ts'
import { now } from '../browser.ts'
import { readJournal } from '../sessions/journal-pages.ts'

export interface Journal {
  readonly entries: readonly JournalEntry[]
  readonly detail: SessionDetail | undefined
  readonly link: LinkState | undefined
  readonly error: Error | undefined
  /** The newest live event: what is held or paused may be another now. */
  readonly newest: ConversationEvent | undefined
}

const nothing: Journal = { entries: [], detail: undefined, link: undefined, error: undefined, newest: undefined }
const AGAIN_MS = 1_000

/** All of a session's journal, in order, shown as it comes; then live. Without an answer it is asked for again. */
export function useJournal(sessionId: string): Journal {
  const [journal, setJournal] = useState<Journal>(nothing)

  useEffect(() => {
    const abort = new AbortController()
    const entries: JournalEntry[] = []
    let state = nothing
    let frame = 0
    let stream: { close(): void } | undefined
    let again: ReturnType<typeof setTimeout> | undefined
    setJournal(nothing)

    function show(change: Partial<Journal>) {
      state = { ...state, ...change }
      frame ||= requestAnimationFrame(() => {
        frame = 0
        if (!abort.signal.aborted) setJournal({ ...state, entries: entries.slice() })
      })
    }

    async function open() {
      try {
        const detail = await get<SessionDetail>(`/v1/sessions/${encodeURIComponent(sessionId)}`, abort.signal)
        show({ detail, error: undefined })
        const take = (page: readonly JournalEntry[]) => {
          entries.push(...page)
          show({})
        }
        await readJournal(sessionId, entries.at(-1)?.id ?? 0, detail.head, take, abort.signal)
        stream = follow(sessionId, detail.head, {
          event(payload, seq) {
            entries.push({ id: seq, occurred_at: new Date(now()).toISOString(), payload })
            show({ newest: payload })
          },
          preview() {},
          state: (link) => show({ link, ...(link === 'live' && { error: undefined }) }),
          problem: (problem: Problem) => show({ error: new ProblemError(problem) }),
        })
      } catch (error) {
        if (abort.signal.aborted) return
        show({ error: error as Error })
        if (error instanceof NoAnswerError) again = setTimeout(open, AGAIN_MS)
      }
    }

    void open()
    return () => {
      abort.abort()
      clearTimeout(again)
      cancelAnimationFrame(frame)
      stream?.close()
    }
  }, [sessionId])

  return journal
}
