import { useEffect, useRef, useState } from 'preact/hooks'
import { del, get, post } from '../api/call.ts'
import { useAnswer } from '../api/use-answer.ts'
import { Badge } from '../parts/badge.tsx'
import { Blank, Loading } from '../parts/blank.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { JsonView } from '../parts/json-view.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { RelativeTime } from '../parts/relative-time.tsx'
import { ViewFrame } from '../parts/view-frame.tsx'
import { confirm } from '../shell/confirm.tsx'
import { useKeys } from '../shell/keys.ts'
import { href } from '../shell/router.ts'
import { attempt } from '../shell/toasts.tsx'
import {
  type Memory,
  type MemoryPage,
  type Mode,
  modes,
  type Namespaces,
  type Recall,
  type Recalled,
} from './memory-answers.ts'
import './memory.css'

const LISTED = 200
const FOUND = 50
const EVERY_MS = 5_000
const TYPING_MS = 200

const scoreColumn: Column<Memory | Recalled> = {
  name: 'Score',
  width: '4.5rem',
  cell: (memory) => ('score' in memory ? <Score of={memory} /> : ''),
}

const columns: readonly Column<Memory | Recalled>[] = [
  { name: 'What', width: 'minmax(12rem, 3fr)', cell: ({ text }) => text },
  { name: 'Key', width: 'minmax(6rem, 1fr)', cell: ({ namespace, key }) => <code>{`${namespace}/${key}`}</code> },
  { name: 'Tags', width: 'minmax(4rem, 0.8fr)', cell: ({ tags }) => tags.join(', ') },
  { name: 'Weight', width: '3.5rem', align: 'end', cell: ({ importance }) => importance.toFixed(2) },
  { name: 'Changed', width: '4.5rem', align: 'end', cell: ({ updated_at }) => <RelativeTime at={updated_at} /> },
]

/** What the agents of this tenant remember: searched as an agent searches it, read, forgotten. */
export default function MemoryView() {
  const [namespace, setNamespace] = useState('')
  const [typed, setTyped] = useState('')
  const [mode, setMode] = useState<Mode>('hybrid')
  const [chosen, setChosen] = useState<string>()
  const field = useRef<HTMLInputElement>(null)
  const query = useSettled(typed.trim())
  const spaces = useAnswer((signal) => get<Namespaces>('/v1/memory/namespaces', signal), [], EVERY_MS)
  const shown = useAnswer<MemoryPage | Recall>(
    (signal) =>
      query === ''
        ? get<MemoryPage>(
            `/v1/memory?${new URLSearchParams({ limit: String(LISTED), ...(namespace && { namespace }) })}`,
            signal,
          )
        : post<Recall>('/v1/memory/recall', { query, mode, top_k: FOUND, ...(namespace && { namespace }) }),
    [query, namespace, mode],
    query === '' ? EVERY_MS : undefined,
  )
  const memories: readonly (Memory | Recalled)[] = !shown.answer
    ? []
    : 'results' in shown.answer
      ? shown.answer.results
      : shown.answer.memories
  const current = memories.findIndex((memory) => nameOf(memory) === chosen)
  const memory = memories[current]
  const refresh = () => {
    shown.refresh()
    spaces.refresh()
  }
  useKeys('Memory', [
    { keys: '/', does: 'Recall', run: () => field.current?.focus() },
    { keys: 'r', does: 'Look again', run: refresh },
  ])
  return (
    <ViewFrame title="Memory" about={<span role="status">{aboutOf(shown.answer, spaces.answer)}</span>}>
      <div class="filters">
        <input
          ref={field}
          type="search"
          aria-label="Recall"
          placeholder="Ask as an agent would"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        {(Object.keys(modes) as Mode[]).map((one) => (
          <button key={one} type="button" class="chip" aria-pressed={mode === one} onClick={() => setMode(one)}>
            {modes[one]}
          </button>
        ))}
        <label class="row">
          Namespace{' '}
          <select value={namespace} onChange={(event) => setNamespace(event.currentTarget.value)}>
            <option value="">all</option>
            {(spaces.answer?.namespaces ?? []).map(({ namespace: name, memories: count }) => (
              <option key={name} value={name}>
                {name} ({count})
              </option>
            ))}
          </select>
        </label>
      </div>
      <ProblemNote error={shown.error} at={shown.at} retry={refresh} />
      {shown.answer &&
        'results' in shown.answer &&
        shown.answer.warnings?.map((warning) => (
          <p key={warning} class="note" data-tone="warn">
            {warning}
          </p>
        ))}
      {shown.loading && <Loading />}
      {shown.answer && memories.length === 0 && (
        <Blank title={query ? 'Nothing like that is remembered' : 'Nothing is remembered yet'}>
          {query ? 'Ask in other words, or by meaning.' : 'An agent remembers with the tool memory_remember.'}
        </Blank>
      )}
      {memories.length > 0 && (
        <div class="split">
          <DataTable
            label="Memories"
            columns={query === '' ? columns : [scoreColumn, ...columns]}
            rows={memories}
            keyOf={nameOf}
            current={current}
            onMove={(index) => setChosen(memories[index] && nameOf(memories[index]))}
          />
          <div class="side">
            {memory ? (
              <Details key={nameOf(memory)} memory={memory} forgotten={refresh} />
            ) : (
              <Blank title="Choose a memory" />
            )}
          </div>
        </div>
      )}
    </ViewFrame>
  )
}

function nameOf({ namespace, key }: Memory): string {
  return `${namespace}/${key}`
}

function aboutOf(shown: MemoryPage | Recall | undefined, spaces: Namespaces | undefined): string {
  if (shown && 'results' in shown) return `${shown.results.length} recalled in ${Math.round(shown.took_ms)} ms`
  const total = (spaces?.namespaces ?? []).reduce((sum, { memories }) => sum + memories, 0)
  if (!spaces) return ''
  const { length } = spaces.namespaces
  return `${total} memories in ${length === 1 ? 'one namespace' : `${length} namespaces`}`
}

function Score({ of: { score, lexical_score, vector_score } }: { readonly of: Recalled }) {
  const percent = (share: number) => Math.round(share * 100)
  return (
    <span class="score" title={`words ${percent(lexical_score)}, meaning ${percent(vector_score)}`}>
      <b>{percent(score)}</b>
      <i class="score-bar" style={{ inlineSize: `${percent(score) * 0.36}px` }} />
    </span>
  )
}

function Details({ memory, forgotten }: { readonly memory: Memory; forgotten(): void }) {
  const forget = async () => {
    const sure = await confirm({
      title: 'Forget this memory?',
      text: 'No session of this tenant will recall it again.',
      action: 'Forget it',
      danger: true,
    })
    const path = `/v1/memory/${encodeURIComponent(memory.namespace)}/${encodeURIComponent(memory.key)}`
    if (sure) await attempt(() => del(path), 'Forgotten.').then(forgotten)
  }
  return (
    <>
      <h2 class="cut">{memory.key}</h2>
      <p class="memory-text">{memory.text}</p>
      <dl class="facts">
        <dt>Where</dt>
        <dd>
          {memory.namespace}, universe {memory.universe},{' '}
          {memory.layer === 'wm' ? 'working memory' : 'long-term memory'}
        </dd>
        <dt>Tags</dt>
        <dd>{memory.tags.length === 0 ? 'none' : memory.tags.map((tag) => <Badge tone="quiet">{tag}</Badge>)}</dd>
        <dt>Session</dt>
        <dd>{memory.session_id ? <a href={href('journal', [memory.session_id])}>{memory.session_id}</a> : 'any'}</dd>
        <dt>Persona</dt>
        <dd>{memory.persona_id ?? 'any'}</dd>
        <dt>Since</dt>
        <dd>
          <RelativeTime at={memory.created_at} />
        </dd>
        <dt>Until</dt>
        <dd>{memory.expires_at ? new Date(memory.expires_at).toLocaleString() : 'forgotten by somebody'}</dd>
      </dl>
      {memory.value !== null && <JsonView value={memory.value} label="Value" />}
      <div class="row">
        <button type="button" class="danger" onClick={() => void forget()}>
          Forget
        </button>
      </div>
    </>
  )
}

/** What was typed, once the typing pauses. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), TYPING_MS)
    return () => clearTimeout(timer)
  }, [text])
  return settled
}
