import { useState } from 'preact/hooks'
import { get, post } from '../api/call.ts'
import { useAnswer } from '../api/use-answer.ts'
import { Badge } from '../parts/badge.tsx'
import { Blank, Loading } from '../parts/blank.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { RelativeTime } from '../parts/relative-time.tsx'
import { ViewFrame } from '../parts/view-frame.tsx'
import { confirm } from '../shell/confirm.tsx'
import { useKeys } from '../shell/keys.ts'
import { href, replace } from '../shell/router.ts'
import { attempt } from '../shell/toasts.tsx'
import type { ViewProps } from '../views.ts'
import { BodyEditor } from './body-editor.tsx'
import './operate.css'

interface Quarantined {
  readonly address: string
  readonly tenant: string
  readonly code: string
  readonly detail: string
  readonly since: string
  readonly held: number
  readonly suspect?: { readonly id: string; readonly body: unknown } | null
}

type Opened = Quarantined & { readonly messages: readonly { readonly id: string }[] }

const EVERY_MS = 3_000

const columns: readonly Column<Quarantined>[] = [
  { name: 'Actor', width: 'minmax(10rem, 1.4fr)', cell: ({ address }) => <code>{address}</code> },
  { name: 'Cause', width: '11rem', cell: ({ code }) => <Badge tone="bad">{code}</Badge> },
  { name: 'Why', width: 'minmax(8rem, 2fr)', cell: ({ detail }) => detail },
  { name: 'Held', width: '3rem', align: 'end', cell: ({ held }) => held },
  { name: 'Since', width: '4.5rem', align: 'end', cell: ({ since }) => <RelativeTime at={since} /> },
]

/** Actors that failed beyond mending. What is sent to them is kept, durably and in order, until somebody lets them go on. */
export default function QuarantineView({ args: [wanted] }: ViewProps) {
  const { answer, error, loading, at, refresh } = useAnswer(
    (signal) => get<{ quarantine: readonly Quarantined[] }>('/v1/admin/quarantine', signal),
    [],
    EVERY_MS,
  )
  const [chosen, setChosen] = useState(wanted)
  const entries = answer?.quarantine ?? []
  const current = entries.findIndex(({ address }) => address === chosen)
  const entry = entries[current]
  useKeys('Quarantine', [{ keys: 'r', does: 'Look again', run: refresh }])
  return (
    <ViewFrame
      title="Quarantine"
      about={answer && <span role="status">{entries.length} actors wait for an operator</span>}
    >
      <ProblemNote error={error} at={at} retry={refresh} />
      {loading && <Loading />}
      {answer && entries.length === 0 && (
        <Blank title="No actor is quarantined">
          One that fails again and again would stand here, with its cause and the message at which it fails.
        </Blank>
      )}
      {entries.length > 0 && (
        <div class="split">
          <DataTable
            label="Quarantined actors"
            columns={columns}
            rows={entries}
            keyOf={({ address }) => address}
            current={current}
            onMove={(index) => {
              const address = entries[index]?.address
              setChosen(address)
              if (address !== undefined) replace('quarantine', [address])
            }}
          />
          <div class="side">
            {entry ? (
              <EntryPane key={entry.address} address={entry.address} done={refresh} />
            ) : (
              <Blank title="Choose an actor" />
            )}
          </div>
        </div>
      )}
    </ViewFrame>
  )
}

function EntryPane({ address, done }: { readonly address: string; done(): void }) {
  const path = `/v1/admin/quarantine/${encodeURIComponent(address)}`
  const { answer, error, loading, refresh } = useAnswer((signal) => get<Opened>(path, signal), [path])
  const [{ edited, broken }, setBody] = useState<{ edited?: { body: unknown }; broken: boolean }>({ broken: false })
  const resume = (body: unknown) => attempt(() => post(`${path}/resume`, body), `${address} goes on.`).then(done)
  const drop = async () => {
    const sure = await confirm({
      title: 'Go on without this message?',
      text: 'It becomes a dead letter, and the actor goes on with the next.',
      action: 'Go on without it',
    })
    if (sure) await resume({ action: 'drop' })
  }
  const session = address.startsWith('session:') ? address.slice('session:'.length) : undefined
  return (
    <>
      <h2 class="cut">{address}</h2>
      <ProblemNote error={error} retry={refresh} />
      {loading && <Loading />}
      {answer && (
        <>
          <p>
            <Badge tone="bad">{answer.code}</Badge> {answer.detail}
          </p>
          {session && <a href={href('journal', [session])}>Its journal</a>}
          <p class="quiet">{answer.messages.length} messages wait.</p>
          {answer.suspect ? (
            <BodyEditor label="The message at which it fails" value={answer.suspect.body} onChange={setBody} />
          ) : (
            <p class="quiet">No single message is to blame. Mend the cause, then let it try again.</p>
          )}
          <div class="row">
            <button
              type="button"
              class="primary"
              disabled={broken}
              onClick={() => void resume(edited ? { action: 'edit', body: edited.body } : { action: 'retry' })}
            >
              {edited ? 'Go on as edited' : 'Try again'}
            </button>
            {answer.suspect && (
              <button type="button" class="danger" onClick={() => void drop()}>
                Go on without it
              </button>
            )}
          </div>
        </>
      )}
    </>
  )
}
