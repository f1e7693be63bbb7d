import { useEffect, useRef, useState } from 'preact/hooks'
import type { JournalEntry, SessionDetail } from '../api/answers.ts'
import { get } from '../api/call.ts'
import { follow, type LinkState } from '../api/follow.ts'
import { NoAnswerError, type Problem } from '../api/problem.ts'
import { now } from '../browser.ts'
import { readJournal } from '../sessions/journal-pages.ts'
import { Conversation, type Item } from './conversation.ts'

const PAST = 1_000
const AGAIN_MS = 1_000

export interface Shown {
  readonly items: readonly Item[]
  readonly running: readonly string[]
  readonly persona: string
  readonly parent: string | undefined
  readonly detail: SessionDetail | undefined
  readonly link: LinkState | undefined
  readonly error: Error | undefined
  readonly notice: Problem | undefined
  /** There are events before the first one shown. */
  readonly earlier: boolean
  /** Until the past is there. */
  readonly loading: boolean
}

const nothing: Shown = {
  items: [],
  running: [],
  persona: '',
  parent: undefined,
  detail: undefined,
  link: undefined,
  error: undefined,
  notice: undefined,
  earlier: false,
  loading: false,
}

/**
 * One session's conversation: its newest 1,000 events by pages, then live from there.
 *   C1. Drawn at most once a frame, however many events and previews come.
 *   C2. Without an answer it is asked again until there is one; nothing that was shown is taken away.
 */
export function useConversation(sessionId: string | undefined) {
  const [shown, setShown] = useState<Shown>(nothing)
  const showEarlier = useRef<() => void>(() => {})

  useEffect(() => {
    if (sessionId === undefined) {
      setShown(nothing)
      return
    }
    const id = sessionId
    const abort = new AbortController()
    let conversation = new Conversation()
    let entries: JournalEntry[] = []
    let state: Shown = { ...nothing, loading: true }
    let stream: { close(): void } | undefined
    let frame = 0
    let again: ReturnType<typeof setTimeout> | undefined
    setShown(state)

    function show(change: Partial<Shown> = {}) {
      state = { ...state, ...change }
      frame ||= requestAnimationFrame(() => {
        frame = 0
        const { items, running, persona, parent } = conversation
        if (!abort.signal.aborted) setShown({ ...state, items, running, persona, parent })
      }) // C1
    }

    async function past(from: number, until: number) {
      const pages: JournalEntry[] = []
      await readJournal(id, from, until, (page) => pages.push(...page), abort.signal)
      entries = [...pages, ...entries]
      conversation = new Conversation()
      for (const entry of entries) conversation.entry(entry)
      show({ earlier: from > 0, loading: false })
    }

    async function open() {
      try {
        const detail = await get<SessionDetail>(`/v1/sessions/${encodeURIComponent(id)}`, abort.signal)
        const from = Math.max(0, detail.head - PAST)
        await past(from, detail.head)
        conversation.persona ||= detail.persona_id
        show({ detail, error: undefined })
        showEarlier.current = () => {
          const first = entries[0]?.id ?? 1
          past(Math.max(0, first - 1 - PAST), first - 1).catch((error) => show({ error }))
        }
        stream = follow(id, detail.head, listener)
      } catch (error) {
        if (abort.signal.aborted) return
        show({ error: error as Error, loading: false })
        if (error instanceof NoAnswerError) again = setTimeout(open, AGAIN_MS) // C2
      }
    }

    const listener = {
      event(payload: JournalEntry['payload'], seq: number) {
        const entry = { id: seq, occurred_at: new Date(now()).toISOString(), payload }
        entries.push(entry)
        conversation.entry(entry)
        show()
      },
      preview(event: JournalEntry['payload']) {
        conversation.preview(event)
        show()
      },
      state: (link: LinkState) => show(link === 'live' ? { link, notice: undefined, error: undefined } : { link }),
      problem: (notice: Problem) => {
        if (notice.code !== 'DRAINING' && notice.code !== 'SLOW_READER') show({ notice })
      },
    }

    void open()
    return () => {
      abort.abort()
      clearTimeout(again)
      cancelAnimationFrame(frame)
      stream?.close()
    }
  }, [sessionId])

  return { ...shown, showEarlier: () => showEarlier.current() }
}
