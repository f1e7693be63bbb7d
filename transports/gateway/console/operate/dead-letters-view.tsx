import { useState } from 'preact/hooks'
import { del, get, post } from '../api/call.ts'
import { useAnswer } from '../api/use-answer.ts'
import { Badge } from '../parts/badge.tsx'
import { Blank, Loading } from '../parts/blank.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { RelativeTime } from '../parts/relative-time.tsx'
import { ViewFrame } from '../parts/view-frame.tsx'
import { confirm } from '../shell/confirm.tsx'
import { useKeys } from '../shell/keys.ts'
import { replace } from '../shell/router.ts'
import { attempt } from '../shell/toasts.tsx'
import type { ViewProps } from '../views.ts'
import { BodyEditor } from './body-editor.tsx'
import './operate.css'

interface DeadLetter {
  readonly id: string
  readonly code: string
  readonly error_message: string
  readonly retry_count: number
  readonly timestamp: string
  readonly original_event: {
    readonly id: string
    readonly to: string
    readonly from: string
    readonly tenant: string
    readonly body: unknown
  }
}

interface LetterPage {
  readonly dead_letters: readonly DeadLetter[]
  readonly next_cursor: string | null
}

const EVERY_MS = 5_000
const PAGE = 200

const columns: readonly Column<DeadLetter>[] = [
  { name: 'Cause', width: '12rem', cell: ({ code }) => <Badge tone="bad">{code}</Badge> },
  { name: 'Why', width: 'minmax(8rem, 2fr)', cell: ({ error_message }) => error_message },
  { name: 'For', width: 'minmax(8rem, 1.4fr)', cell: ({ original_event: { to } }) => <code>{to}</code> },
  { name: 'Tries', width: '3rem', align: 'end', cell: ({ retry_count }) => retry_count },
  { name: 'When', width: '4.5rem', align: 'end', cell: ({ timestamp }) => <RelativeTime at={timestamp} /> },
]

/** What could not be handled, with its cause: read it, mend it, send it again, or forget it. */
export default function DeadLettersView({ args: [wanted] }: ViewProps) {
  const { answer, error, loading, at, refresh } = useAnswer(
    (signal) => get<LetterPage>(`/v1/admin/dead-letters?limit=${PAGE}`, signal),
    [],
    EVERY_MS,
  )
  const [chosen, setChosen] = useState(wanted)
  const letters = answer?.dead_letters ?? []
  const current = letters.findIndex(({ id }) => id === chosen)
  const letter = letters[current]
  useKeys('Dead letters', [{ keys: 'r', does: 'Look again', run: refresh }])
  return (
    <ViewFrame
      title="Dead letters"
      about={
        answer && (
          <span role="status">
            {letters.length}
            {answer.next_cursor ? '+' : ''} kept, none of them lost
          </span>
        )
      }
    >
      <ProblemNote error={error} at={at} retry={refresh} />
      {loading && <Loading />}
      {answer && letters.length === 0 && <Blank title="No dead letters">Every message was handled by its actor.</Blank>}
      {letters.length > 0 && (
        <div class="split">
          <DataTable
            label="Dead letters"
            columns={columns}
            rows={letters}
            keyOf={({ id }) => id}
            current={current}
            onMove={(index) => {
              const id = letters[index]?.id
              setChosen(id)
              if (id !== undefined) replace('dead-letters', [id])
            }}
          />
          <div class="side">
            {letter ? <LetterPane key={letter.id} letter={letter} done={refresh} /> : <Blank title="Choose a letter" />}
          </div>
        </div>
      )}
    </ViewFrame>
  )
}

function LetterPane({ letter, done }: { readonly letter: DeadLetter; done(): void }) {
  const { original_event: envelope } = letter
  const [{ edited, broken }, setBody] = useState<{ edited?: { body: unknown }; broken: boolean }>({ broken: false })
  const path = `/v1/admin/dead-letters/${encodeURIComponent(letter.id)}`
  const send = () => attempt(() => post(`${path}/replay`, edited ?? {}), `Sent to ${envelope.to}.`).then(done)
  const drop = async () => {
    const sure = await confirm({
      title: 'Forget this message?',
      text: `Nobody will ever handle it: ${letter.error_message}`,
      action: 'Forget it',
      danger: true,
    })
    if (sure) await attempt(() => del(path), 'Forgotten.').then(done)
  }
  return (
    <>
      <h2>{letter.code}</h2>
      <p>{letter.error_message}</p>
      <dl class="facts">
        <dt>For</dt>
        <dd>
          <code>{envelope.to}</code>
        </dd>
        <dt>From</dt>
        <dd>
          <code>{envelope.from}</code>
        </dd>
        <dt>Tenant</dt>
        <dd>{envelope.tenant || 'none'}</dd>
        <dt>Envelope</dt>
        <dd>
          <code>{envelope.id}</code>
        </dd>
      </dl>
      <BodyEditor label="Message" value={envelope.body} onChange={setBody} />
      <div class="row">
        <button type="button" class="primary" disabled={broken} onClick={() => void send()}>
          {edited ? 'Send as edited' : 'Send again'}
        </button>
        <button type="button" class="danger" onClick={() => void drop()}>
          Forget
        </button>
      </div>
    </>
  )
}
