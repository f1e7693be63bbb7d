import type { JournalEntry, JournalPage } from '../api/answers.ts'
import { get } from '../api/call.ts'

const PAGE = 500
const AT_ONCE = 4

/**
 * Reads events `after` < seq <= `until`, in order, and hands them over page by page. Seqs are contiguous, so pages are
 * asked for several at once: what takes the time is the way there and back.
 */
export async function readJournal(
  sessionId: string,
  after: number,
  until: number,
  take: (entries: readonly JournalEntry[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const starts: number[] = []
  for (let start = after; start < until; start += PAGE) starts.push(start)
  const asked: Promise<JournalPage>[] = []
  const ask = (at: number) => {
    const start = starts[at]
    if (start === undefined) return
    const query = new URLSearchParams({ after: String(start), limit: String(Math.min(PAGE, until - start)) })
    asked[at] = get<JournalPage>(`/v1/sessions/${encodeURIComponent(sessionId)}/events?${query}`, signal)
    // Its failure is told where it is awaited.
    asked[at].catch(() => {})
  }
  for (let at = 0; at < AT_ONCE; at++) ask(at)
  for (let at = 0; at < starts.length; at++) {
    const { events } = (await asked[at]) as JournalPage
    ask(at + AT_ONCE)
    take(events)
  }
}
