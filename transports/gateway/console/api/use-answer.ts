import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { now } from '../browser.ts'

export interface AnswerState<Answer> {
  /** The last good answer; kept while later ones fail. */
  readonly answer: Answer | undefined
  /** Of the last try; undefined when it went well. */
  readonly error: Error | undefined
  /** Before the first answer. */
  readonly loading: boolean
  /** When `answer` came; epoch milliseconds. */
  readonly at: number | undefined
  refresh(): void
}

/**
 * What a view shows of one question to the gateway. `load` is asked when `deps` change and every `everyMs` while the tab
 * is seen. A failed try leaves the last answer in place: the view says that it is stale (parts/problem-note.tsx).
 */
export function useAnswer<Answer>(
  load: (signal: AbortSignal) => Promise<Answer>,
  deps: readonly unknown[],
  everyMs?: number,
): AnswerState<Answer> {
  const [state, setState] = useState<Omit<AnswerState<Answer>, 'refresh'>>(unasked)
  const loader = useRef(load)
  loader.current = load
  const ask = useRef<() => void>(() => {})

  // the caller's deps are the deps.
  useEffect(() => {
    const abort = new AbortController()
    let asked = 0
    setState(unasked)
    ask.current = () => {
      const mine = ++asked
      loader.current(abort.signal).then(
        (answer) => {
          if (!abort.signal.aborted && mine === asked) setState({ answer, error: undefined, loading: false, at: now() })
        },
        (error: Error) => {
          // An earlier question may be answered later.
          if (abort.signal.aborted || mine !== asked) return
          setState((before) => ({ ...before, error, loading: false }))
        },
      )
    }
    ask.current()
    const again = everyMs === undefined ? undefined : setInterval(() => document.hidden || ask.current(), everyMs)
    const seen = () => document.hidden || everyMs === undefined || ask.current()
    document.addEventListener('visibilitychange', seen)
    return () => {
      abort.abort()
      clearInterval(again)
      document.removeEventListener('visibilitychange', seen)
    }
  }, [...deps, everyMs])

  return { ...state, refresh: useCallback(() => ask.current(), []) }
}

function unasked() {
  return { answer: undefined, error: undefined, loading: true, at: undefined }
}
