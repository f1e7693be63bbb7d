import { useState } from 'preact/hooks'
import { StateBadge } from '../parts/badge.tsx'
import { Icon } from '../parts/icon.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { RelativeTime } from '../parts/relative-time.tsx'
import { VirtualList } from '../parts/virtual-list.tsx'
import { useSessionPages } from '../sessions/session-pages.ts'
import { go } from '../shell/router.ts'

/** The sessions beside the conversation, to go from one to another. */
export function SessionColumn({
  sessionId,
  changes,
}: {
  readonly sessionId: string | undefined
  readonly changes: string
}) {
  const [search, setSearch] = useState('')
  const { sessions, error, loading, more, refresh } = useSessionPages(search.trim(), undefined, changes)
  const current = sessions.findIndex(({ session_id }) => session_id === sessionId)
  const [walked, setWalked] = useState<number>()
  return (
    <aside class="session-column" aria-label="Sessions">
      <div class="row session-column-bar">
        <input
          type="search"
          id="search"
          class="grow"
          aria-label="Find a session"
          placeholder="Find a session"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
        <button
          type="button"
          class="icon"
          id="new"
          aria-label="New session"
          title="New session (Alt+N)"
          onClick={() => go('chat')}
        >
          <Icon name="plus" />
        </button>
      </div>
      <ProblemNote error={error} retry={refresh} />
      {!loading && !error && sessions.length === 0 && (
        <p class="quiet session-none">{search ? 'None is called that.' : 'None yet.'}</p>
      )}
      <VirtualList
        label="Sessions, newest first"
        class="session-list"
        rows={sessions}
        rowHeight={46}
        keyOf={({ session_id }) => session_id}
        current={walked ?? current}
        onMove={setWalked}
        onOpen={(index) => {
          setWalked(undefined)
          const chosen = sessions[index]
          if (chosen) go('chat', [chosen.session_id])
        }}
        onNearEnd={more}
        render={({ session_id, title, state, updated_at }) => (
          <div class="session-row" data-id={session_id}>
            <span class="cut">{title || session_id.slice(0, 8)}</span>
            <span class="row">
              <RelativeTime at={updated_at} /> {state !== 'idle' && <StateBadge state={state} />}
            </span>
          </div>
        )}
      />
    </aside>
  )
}
