import './journal.css'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { JournalEntry } from '../api/answers.ts'
import { Badge, StateBadge } from '../parts/badge.tsx'
import { Blank, Loading } from '../parts/blank.tsx'
import { Icon } from '../parts/icon.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { clockTime, duration } from '../parts/relative-time.tsx'
import { ViewFrame } from '../parts/view-frame.tsx'
import { VirtualList } from '../parts/virtual-list.tsx'
import { useKeys } from '../shell/keys.ts'
import { go, href, replace } from '../shell/router.ts'
import type { ViewProps } from '../views.ts'
import { EventDetail } from './event-detail.tsx'
import { type Kind, kindOf, kinds, summaryOf } from './event-words.ts'
import { Inspection } from './inspection.tsx'
import { StateTrail } from './state-after.ts'
import { Strip } from './strip.tsx'
import { useJournal } from './use-journal.ts'

const ROW = 28

export default function JournalView({ args: [sessionId], query }: ViewProps) {
  if (sessionId) return <SessionJournal key={sessionId} sessionId={sessionId} at={Number(query.at) || undefined} />
  return (
    <ViewFrame title="Journal">
      <Blank title="No session is chosen">
        Choose one in <a href={href('sessions')}>Sessions</a> and press <kbd>o</kbd>, or find it with <kbd>Ctrl K</kbd>.
      </Blank>
    </ViewFrame>
  )
}

/** What happened in one session, event by event, with the state that each left. */
function SessionJournal({ sessionId, at }: { readonly sessionId: string; readonly at: number | undefined }) {
  const { entries, detail, link, error, newest } = useJournal(sessionId)
  const [seq, setSeq] = useState(at)
  const [hidden, setHidden] = useState<ReadonlySet<Kind>>(new Set())
  const [text, setText] = useState('')
  const [inspecting, setInspecting] = useState(false)
  const body = useRef<HTMLDivElement>(null)
  const trail = useMemo(() => new StateTrail(), [])
  const rows = useMemo(() => shownOf(entries, hidden, text), [entries, hidden, text])
  // Until somebody moves, the newest event is the current one.
  const index = seq === undefined ? entries.length - 1 : Math.min(seq, entries.length) - 1
  const entry = entries[index]
  const current = entry ? rowAt(rows, entry.id) : -1
  const some = entries.length > 0

  useEffect(() => {
    if (some) body.current?.querySelector<HTMLElement>('[role="listbox"]')?.focus()
  }, [some])

  function move(to: number | undefined) {
    const chosen = to === undefined ? undefined : rows[Math.max(0, Math.min(rows.length - 1, to))]
    if (!chosen) return
    setSeq(chosen.id)
    replace('journal', [sessionId], { at: String(chosen.id) })
  }

  useKeys('Journal', [
    { keys: 'j', does: 'Next event', run: () => move(current + 1) },
    { keys: 'k', does: 'Previous event', run: () => move(current - 1) },
    { keys: 'G', does: 'Follow the newest event', command: true, run: () => setSeq(undefined) },
    {
      keys: '/',
      does: 'Filter events',
      run: () => body.current?.querySelector<HTMLElement>('[type="search"]')?.focus(),
    },
    { keys: 'x', does: 'Inspect: step, inject, dry run', command: true, run: () => setInspecting(!inspecting) },
    { keys: 'o', does: 'Open the chat', command: true, run: () => go('chat', [sessionId]) },
  ])

  function toggle(kind: Kind) {
    const fresh = new Set(hidden)
    if (!fresh.delete(kind)) fresh.add(kind)
    setHidden(fresh)
  }

  const arriving = detail !== undefined && entries.length < detail.head
  return (
    <ViewFrame
      title={
        <>
          Journal <span class="quiet">of {detail?.title ?? sessionId}</span>
        </>
      }
      about={
        <>
          {detail && <StateBadge state={trail.at(entries, entries.length - 1).state} />}
          <span id="journal-count" role="status">
            {arriving ? `${entries.length} of ${detail.head} events` : `${entries.length} events`}
          </span>
          {link === 'lost' && <Badge tone="bad">connection lost, resuming</Badge>}
        </>
      }
      actions={
        <>
          <button
            type="button"
            aria-pressed={seq === undefined}
            title="Follow the newest event (G)"
            onClick={() => setSeq(seq === undefined ? entry?.id : undefined)}
          >
            Follow
          </button>
          <button
            type="button"
            id="inspect"
            aria-pressed={inspecting}
            title="Step, inject, dry run (x)"
            onClick={() => setInspecting(!inspecting)}
          >
            <Icon name="step" /> Inspect
          </button>
          <a class="button" href={href('chat', [sessionId])}>
            <Icon name="chat" /> Chat
          </a>
        </>
      }
    >
      <div ref={body} class="journal">
        <div class="filters">
          <input
            type="search"
            aria-label="Filter events"
            placeholder="Filter by type or words"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
          {kinds.map((kind) => (
            <button
              key={kind}
              type="button"
              class="chip kind"
              data-kind={kind}
              aria-pressed={!hidden.has(kind)}
              onClick={() => toggle(kind)}
            >
              {kind}
            </button>
          ))}
          {rows.length !== entries.length && (
            <span class="quiet" role="status">
              {rows.length} shown
            </span>
          )}
        </div>
        <ProblemNote error={error} />
        {!some && !error && <Loading />}
        {some && <Strip entries={entries} current={index} onJump={(to) => setSeq(entries[to]?.id)} />}
        <div class="split">
          <div>
            {some && rows.length === 0 && <Blank title="No event passes the filter" />}
            <VirtualList
              label="Events"
              class="events"
              rows={rows}
              rowHeight={ROW}
              keyOf={({ id }) => String(id)}
              current={current}
              onMove={move}
              render={(row) => <EventRow row={row} before={entries[row.id - 2]} />}
            />
          </div>
          <div class="side">
            {inspecting && <Inspection sessionId={sessionId} newest={newest} at={seq} />}
            {entry && (
              <EventDetail entry={entry} before={trail.at(entries, index - 1)} after={trail.at(entries, index)} />
            )}
          </div>
        </div>
      </div>
    </ViewFrame>
  )
}

function EventRow({ row, before }: { readonly row: JournalEntry; readonly before: JournalEntry | undefined }) {
  const { id, occurred_at, payload } = row
  const waited = before ? Date.parse(occurred_at) - Date.parse(before.occurred_at) : 0
  return (
    <div class="event-row" data-kind={kindOf(payload)}>
      <span class="event-seq">{id}</span>
      <span class="event-time">{clockTime(occurred_at)}</span>
      <span class="event-wait">{waited >= 100 && `+${duration(waited)}`}</span>
      <span class="event-type">{payload.type}</span>
      <span class="event-gist">{summaryOf(payload).slice(0, 300)}</span>
    </div>
  )
}

function shownOf(entries: readonly JournalEntry[], hidden: ReadonlySet<Kind>, text: string): readonly JournalEntry[] {
  const wanted = text.trim().toLowerCase()
  if (hidden.size === 0 && wanted === '') return entries
  return entries.filter(
    ({ payload }) =>
      !hidden.has(kindOf(payload)) &&
      (wanted === '' || `${payload.type} ${summaryOf(payload)}`.toLowerCase().includes(wanted)),
  )
}

/** Where the event is among the rows shown, or the last one before it. */
function rowAt(rows: readonly JournalEntry[], seq: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((rows[middle] as JournalEntry).id <= seq) low = middle + 1
    else high = middle
  }
  return low - 1
}
