import { useEffect, useState } from 'preact/hooks'
import type { ConversationEvent } from '../api/answers.ts'
import { get, post, put } from '../api/call.ts'
import { useAnswer } from '../api/use-answer.ts'
import { Badge } from '../parts/badge.tsx'
import { Icon } from '../parts/icon.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { type DryRunAnswer, DryRunReport } from './dry-run-report.tsx'
import { Pending, type PendingStep } from './pending.tsx'

interface Held {
  readonly step_mode: boolean
  readonly paused: boolean
  readonly pending: PendingStep | null
}

interface InspectionProps {
  readonly sessionId: string
  /** The newest live event: after it, something else may be held. */
  readonly newest: ConversationEvent | undefined
  /** The event one stands at; a dry run may fork there. */
  readonly at: number | undefined
}

const roles = ['system', 'user', 'tool', 'control'] as const
const commands = ['stop', 'pause', 'resume', 'nudge', 'reset'] as const
const touches = /^(step\.|session\.(step_mode|reset|paused|resumed)|assistant\.final)/

/** Debugging one session: take it step by step, put messages in, and try what would happen. For the scope admin. */
export function Inspection({ sessionId, newest, at }: InspectionProps) {
  const path = (what: string) => `/v1/sessions/${encodeURIComponent(sessionId)}/${what}`
  const {
    answer: held,
    error: unread,
    refresh,
  } = useAnswer((signal) => get<Held>(path('pending'), signal), [sessionId])
  const [why, setWhy] = useState('')
  const [role, setRole] = useState<(typeof roles)[number]>('system')
  const [text, setText] = useState('')
  const [callId, setCallId] = useState('')
  const [command, setCommand] = useState<string>('stop')
  const [follows, setFollows] = useState('')
  const [fromHere, setFromHere] = useState(false)
  const [error, setError] = useState<Error>()
  const [running, setRunning] = useState(false)
  const [report, setReport] = useState<DryRunAnswer>()

  useEffect(() => {
    if (newest && touches.test(newest.type)) refresh()
  }, [newest, refresh])

  async function attempt(work: () => Promise<unknown>) {
    setError(undefined)
    await work().catch(setError)
  }

  function reason(): string {
    if (why.trim() !== '') return why.trim()
    document.getElementById('inspect-why')?.focus()
    throw new Error('Say why: the journal keeps it.')
  }

  function message() {
    if (role === 'control') return { role, command }
    if (text.trim() === '') throw new Error('The text is empty.')
    return role === 'tool' ? { role, content: text, call_id: callId } : { role, content: text }
  }

  async function dryRun() {
    const injects = text.trim() !== '' || role === 'control'
    setReport(undefined)
    setRunning(true)
    try {
      setReport(
        await post<DryRunAnswer>(path('dry-run'), {
          ...(injects && { inject: { ...message(), why: why.trim() || 'dry run' } }),
          ...(follows.trim() !== '' && { message: follows.trim() }),
          ...(fromHere && at !== undefined && { at }),
        }),
      )
    } finally {
      setRunning(false)
    }
  }

  const { step_mode = false, paused = false, pending = null } = held ?? {}
  return (
    <section class="inspection stack" aria-label="Inspection">
      <label class="stack">
        Why (kept in the journal)
        <input
          id="inspect-why"
          maxLength={1_000}
          placeholder="ticket 4711"
          value={why}
          onInput={(event) => setWhy(event.currentTarget.value)}
        />
      </label>
      <div class="row wrap">
        <button
          type="button"
          id="step-mode"
          aria-pressed={step_mode}
          onClick={() => attempt(async () => post(path('step-mode'), { on: !step_mode, why: reason() }))}
        >
          Step mode
        </button>
        <button
          type="button"
          id="step-next"
          class="primary"
          disabled={!pending || paused}
          onClick={() => attempt(() => post(path('step'), { hold: pending?.hold }))}
        >
          <Icon name="step" /> Next step
        </button>
        <span id="step-status" role="status">
          {paused && <Badge tone="warn">paused</Badge>}{' '}
          {pending && (
            <Badge tone="warn">
              held {pending.before === 'model' ? 'before the model call' : 'before a tool call'}
            </Badge>
          )}
        </span>
      </div>
      <ProblemNote error={error ?? unread} />
      {pending && (
        <Pending
          key={pending.hold}
          pending={pending}
          onSave={(edit) => attempt(async () => put(path('pending'), { hold: pending.hold, why: reason(), ...edit }))}
        />
      )}
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault()
          void attempt(async () => {
            await post(path('inject'), { ...message(), why: reason() })
            setText('')
          })
        }}
      >
        <h3>Put in</h3>
        <div class="row">
          <select
            id="inject-role"
            aria-label="Role of the injected message"
            value={role}
            onChange={(event) => setRole(event.currentTarget.value as (typeof roles)[number])}
          >
            {roles.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
          {role === 'tool' && (
            <input
              class="grow"
              aria-label="Tool call"
              placeholder="id of the tool call"
              value={callId}
              onInput={(event) => setCallId(event.currentTarget.value)}
            />
          )}
          {role === 'control' && (
            <select
              id="inject-command"
              aria-label="Command"
              value={command}
              onChange={(event) => setCommand(event.currentTarget.value)}
            >
              {commands.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          )}
        </div>
        {role !== 'control' && (
          <textarea
            id="inject-text"
            rows={2}
            aria-label="Injected text"
            placeholder="The text to put in"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        )}
        <input
          id="dry-message"
          aria-label="Message that follows in the dry run"
          placeholder="For a dry run: what the user says next (may be empty)"
          value={follows}
          onInput={(event) => setFollows(event.currentTarget.value)}
        />
        <div class="row wrap">
          <button type="submit" id="inject">
            Inject
          </button>
          <button type="button" id="dry-run" disabled={running} onClick={() => attempt(dryRun)}>
            {running ? 'Running in a fork…' : 'Dry run'}
          </button>
          {at !== undefined && (
            <label class="row">
              <input
                type="checkbox"
                checked={fromHere}
                onChange={(event) => setFromHere(event.currentTarget.checked)}
              />
              fork after event {at}
            </label>
          )}
        </div>
      </form>
      {report && <DryRunReport report={report} />}
    </section>
  )
}
