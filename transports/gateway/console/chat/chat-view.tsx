import './chat.css'
import './messages.css'
import './code.css'
import { useEffect, useState } from 'preact/hooks'
import { get, post } from '../api/call.ts'
import { useAnswer } from '../api/use-answer.ts'
import { Badge, type Tone } from '../parts/badge.tsx'
import { Blank, Loading } from '../parts/blank.tsx'
import { Icon } from '../parts/icon.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { ViewFrame } from '../parts/view-frame.tsx'
import { useKeys } from '../shell/keys.ts'
import { go, href, replace } from '../shell/router.ts'
import { attempt } from '../shell/toasts.tsx'
import type { ViewProps } from '../views.ts'
import { Composer } from './composer.tsx'
import type { Item } from './conversation.ts'
import { Message } from './messages.tsx'
import { PersonaChoice } from './persona-choice.tsx'
import { usePinnedEnd } from './pinned-end.ts'
import { SessionColumn } from './session-column.tsx'
import { money } from './tool-call.tsx'
import { useConversation } from './use-conversation.ts'

const links: Readonly<Record<string, { tone: Tone; words: string }>> = {
  connecting: { tone: 'quiet', words: 'connecting' },
  live: { tone: 'good', words: 'live' },
  lost: { tone: 'bad', words: 'connection lost, resuming' },
}

/** What the agent says and does now; what one says to it. */
export default function ChatView({ args: [sessionId] }: ViewProps) {
  const shown = useConversation(sessionId)
  const { items, running, persona, parent, detail, link, error, notice, earlier, loading } = shown
  const { box, toEnd } = usePinnedEnd(items)
  const [wanted, setWanted] = useState<string>()
  const [unsent, setUnsent] = useState<Error>()
  // another session has its own.
  useEffect(() => {
    setUnsent(undefined)
    toEnd()
  }, [sessionId])
  useEffect(() => {
    if (link === 'live') setUnsent(undefined)
  }, [link])
  const stop = () => attempt(() => post(`/v1/sessions/${sessionId}/stop`, {}))
  useKeys('Chat', [
    { keys: 'Alt+j', does: 'Open the journal of this session', command: true, always: true, run: toJournal },
    { does: 'Pause this session', command: true, run: () => command('pause') },
    { does: 'Let this session go on', command: true, run: () => command('resume') },
  ])

  function toJournal() {
    return sessionId ? go('journal', [sessionId]) : false
  }

  function command(action: 'pause' | 'resume') {
    if (sessionId) void attempt(() => post('/v1/session/action', { session_id: sessionId, action }))
  }

  const { tone, words } = links[link ?? ''] ?? {}
  const title = detail?.title || firstWords(items) || sessionId || 'New session'
  return (
    <ViewFrame
      title={<span id="title">{title}</span>}
      about={
        <span id="link" role="status">
          {tone && <Badge tone={tone}>{words}</Badge>}
        </span>
      }
      actions={
        <>
          {detail && detail.usage.cost_usd > 0 && <span class="quiet">{money(detail.usage.cost_usd)}</span>}
          {parent && <a href={href('chat', [parent])}>Parent session</a>}
          <PersonaChoice sessionId={sessionId} current={persona} wanted={wanted} onWanted={setWanted} />
          <button type="button" disabled={!sessionId} title="Open the journal (Alt+J)" onClick={toJournal}>
            <Icon name="journal" /> Journal
          </button>
        </>
      }
    >
      <div class="chat">
        <SessionColumn sessionId={sessionId} changes={`${detail?.session_id} ${running.length}`} />
        <div class="talk">
          <Rehearsal />
          <ProblemNote error={unsent ?? error} />
          {notice && (
            <div class="note" data-tone="warn" role="alert">
              <p>
                <strong>{notice.title}</strong> <code>{notice.code}</code> {notice.detail} {notice.remedy}
              </p>
            </div>
          )}
          {/* what scrolls must be reached by keyboard. */}
          <div ref={box} id="conversation" class="conversation" role="log" aria-label="Conversation" tabIndex={0}>
            <div class="conversation-items">
              {earlier && (
                <button type="button" class="ghost" onClick={shown.showEarlier}>
                  Show earlier
                </button>
              )}
              {loading && <Loading />}
              {!loading && items.length === 0 && !error && (
                <Blank title="Ask something to begin">
                  A message begins a session. What happens in it is journaled, and survives whatever dies.
                </Blank>
              )}
              {items.map((item) => (
                <Message key={item.key} item={item} sessionId={sessionId ?? ''} />
              ))}
            </div>
          </div>
          <Composer
            sessionId={sessionId}
            personaId={sessionId ? undefined : wanted}
            busy={running.length > 0}
            onStop={stop}
            onError={setUnsent}
            onSent={({ session_id }) => {
              setUnsent(undefined)
              toEnd()
              if (sessionId === undefined) replace('chat', [session_id])
            }}
          />
        </div>
      </div>
    </ViewFrame>
  )
}

/** Until the service has named the session. */
function firstWords(items: readonly Item[]): string | undefined {
  const said = items.find((item) => item.kind === 'user')
  return said?.kind === 'user' ? said.text.slice(0, 80) : undefined
}

interface Models {
  readonly data: readonly { readonly id: string; readonly role?: string }[]
}

/** Whoever talks to a script is told so. */
function Rehearsal() {
  const { answer } = useAnswer((signal) => get<Models>('/v1/models', signal), [])
  const { id } = answer?.data.find(({ role }) => role === 'dialogue') ?? {}
  if (!id?.startsWith('rehearsal/')) return null
  return (
    <p id="rehearsal" class="rehearsal">
      The built-in model <code>{id}</code> answers from a script. Set <code>OPENAI_BASE_URL</code> and{' '}
      <code>SOMA_MODEL</code>, or start a local model, for real answers.
    </p>
  )
}
