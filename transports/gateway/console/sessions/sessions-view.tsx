import { useEffect, useRef, useState } from 'preact/hooks'
import type { Session, SessionState } from '../api/answers.ts'
import { StateBadge } from '../parts/badge.tsx'
import { Blank, Loading } from '../parts/blank.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { Icon } from '../parts/icon.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { RelativeTime } from '../parts/relative-time.tsx'
import { ViewFrame } from '../parts/view-frame.tsx'
import { useKeys } from '../shell/keys.ts'
import { go } from '../shell/router.ts'
import type { ViewProps } from '../views.ts'
import { useSessionPages } from './session-pages.ts'

const states: readonly SessionState[] = ['idle', 'running', 'paused', 'quarantined']

const columns: readonly Column<Session>[] = [
  {
    name: 'Title',
    width: 'minmax(10rem, 3fr)',
    cell: ({ title, session_id }) => title ?? <span class="quiet">{session_id}</span>,
  },
  { name: 'State', width: '7.5rem', cell: ({ state }) => <StateBadge state={state} /> },
  { name: 'Persona', width: 'minmax(5rem, 1fr)', cell: ({ persona_id }) => persona_id },
  { name: 'Session', width: 'minmax(5rem, 8.5rem)', cell: ({ session_id }) => <code>{session_id}</code> },
  { name: 'Begun', width: '5rem', align: 'end', cell: ({ created_at }) => <RelativeTime at={created_at} /> },
  { name: 'Changed', width: '5rem', align: 'end', cell: ({ updated_at }) => <RelativeTime at={updated_at} /> },
]

/** All sessions of the tenant: which there are, how each is, and what changed last. */
export default function SessionsView({ query }: ViewProps) {
  const [search, setSearch] = useState(query.search ?? '')
  const [state, setState] = useState<SessionState | undefined>(states.find((one) => one === query.state))
  const { sessions, error, loading, complete, more, refresh } = useSessionPages(search.trim(), state)
  const [chosen, setChosen] = useState<string>()
  const field = useRef<HTMLInputElement>(null)
  const body = useRef<HTMLDivElement>(null)
  // Until somebody moves, the newest is the current one.
  const current = chosen === undefined ? 0 : sessions.findIndex(({ session_id }) => session_id === chosen)
  const session = sessions[current]
  const some = sessions.length > 0
  // once, when there is something to walk.
  useEffect(() => {
    if (some && document.activeElement === document.body)
      body.current?.querySelector<HTMLElement>('[role="grid"]')?.focus()
  }, [some])
  useKeys('Sessions', [
    { keys: '/', does: 'Search', run: () => field.current?.focus() },
    { keys: 'o', does: 'Open the journal', run: () => session && go('journal', [session.session_id]) },
    { keys: 'r', does: 'Look again', run: refresh },
  ])
  return (
    <ViewFrame
      title="Sessions"
      about={<span role="status">{loading ? 'looking…' : `${sessions.length}${complete ? '' : '+'} shown`}</span>}
      actions={
        <>
          <button type="button" disabled={!session} onClick={() => session && go('chat', [session.session_id])}>
            <Icon name="chat" /> Open
          </button>
          <button type="button" disabled={!session} onClick={() => session && go('journal', [session.session_id])}>
            <Icon name="journal" /> Journal
          </button>
          <button type="button" class="primary" onClick={() => go('chat')}>
            <Icon name="plus" /> New session
          </button>
        </>
      }
    >
      <div class="filters">
        <input
          ref={field}
          type="search"
          aria-label="Search sessions"
          placeholder="Search titles and ids"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
        {states.map((one) => (
          <button
            key={one}
            type="button"
            class="chip"
            aria-pressed={state === one}
            onClick={() => setState(state === one ? undefined : one)}
          >
            {one}
          </button>
        ))}
      </div>
      <ProblemNote error={error} retry={refresh} />
      {loading && sessions.length === 0 && <Loading />}
      {!loading && !error && sessions.length === 0 && (
        <Blank title={search || state ? 'No session matches' : 'No sessions yet'}>
          {search || state ? 'Search for less, or in another state.' : 'Write a message in Chat to begin one.'}
        </Blank>
      )}
      <div ref={body} class="split-none">
        <DataTable
          label="Sessions"
          columns={columns}
          rows={sessions}
          keyOf={({ session_id }) => session_id}
          current={current}
          onMove={(index) => setChosen(sessions[index]?.session_id)}
          onOpen={(index) => go('chat', [sessions[index]?.session_id ?? ''])}
          onNearEnd={more}
        />
      </div>
    </ViewFrame>
  )
}
