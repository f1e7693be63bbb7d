import { useMemo, useRef, useState } from 'preact/hooks'
import { get } from '../api/call.ts'
import { useAnswer } from '../api/use-answer.ts'
import { Badge, type Tone } from '../parts/badge.tsx'
import { Blank, Loading } from '../parts/blank.tsx'
import { Icon } from '../parts/icon.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { ViewFrame } from '../parts/view-frame.tsx'
import { VirtualList } from '../parts/virtual-list.tsx'
import { useKeys } from '../shell/keys.ts'
import { href } from '../shell/router.ts'
import { nameOf, type TreeNode, type TreeRow, totalsOf, treeRows } from './tree-rows.ts'
import './operate.css'

const EVERY_MS = 2_000

const tones: Readonly<Record<TreeNode['state'], Tone>> = {
  running: 'good',
  starting: 'live',
  'backing-off': 'warn',
  stopping: 'quiet',
}

/** Who supervises whom, on every node: how full each mailbox is, and who had to be started again. */
export default function TreeView() {
  const tree = useAnswer((signal) => get<{ tree: readonly TreeNode[] }>('/v1/admin/tree', signal), [], EVERY_MS)
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set())
  const [search, setSearch] = useState('')
  const [chosen, setChosen] = useState<string>()
  const field = useRef<HTMLInputElement>(null)
  const nodes = tree.answer?.tree ?? []
  const rows = useMemo(() => treeRows(nodes, closed, search), [tree.answer, closed, search])
  const totals = useMemo(() => totalsOf(nodes), [tree.answer])
  const current = rows.findIndex(({ key }) => key === chosen)
  const row = rows[current]
  const turn = (open: boolean) => {
    if (!row || row.below === 0 || row.open === open) return false
    const next = new Set(closed)
    if (open) next.delete(row.key)
    else next.add(row.key)
    setClosed(next)
    return true
  }
  useKeys('Supervision', [
    { keys: '/', does: 'Search', run: () => field.current?.focus() },
    { keys: 'ArrowRight', does: 'Open the branch', run: () => turn(true) },
    { keys: 'ArrowLeft', does: 'Close the branch', run: () => turn(false) },
    { keys: 'r', does: 'Look again', run: tree.refresh },
  ])
  return (
    <ViewFrame
      title="Supervision"
      about={
        tree.answer && (
          <span role="status">
            {totals.actors} actors in {totals.processes === 1 ? 'one process' : `${totals.processes} processes`},{' '}
            {totals.waiting} messages waiting, {totals.restarts} restarts
          </span>
        )
      }
      actions={
        <button type="button" disabled={!row || row.below === 0} onClick={() => turn(!row?.open)}>
          {row?.open === false ? 'Open branch' : 'Close branch'}
        </button>
      }
    >
      <div class="filters">
        <input
          ref={field}
          type="search"
          aria-label="Search actors"
          placeholder="Search by type, state or address"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      </div>
      <ProblemNote error={tree.error} at={tree.at} retry={tree.refresh} />
      {tree.loading && <Loading />}
      {tree.answer && rows.length === 0 && (
        <Blank title={search ? 'No actor matches' : 'No actor is in memory'}>
          {search ? 'Search for less.' : 'An actor comes into memory with its next message.'}
        </Blank>
      )}
      {rows.length > 0 && (
        <div class="split">
          <VirtualList
            label="Supervision tree"
            rows={rows}
            rowHeight={28}
            keyOf={({ key }: TreeRow) => key}
            current={current}
            onMove={(index: number) => setChosen(rows[index]?.key)}
            render={(one: TreeRow) => <Branch row={one} />}
          />
          <div class="side">{row ? <Details node={row.node} /> : <Blank title="Choose an actor" />}</div>
        </div>
      )}
    </ViewFrame>
  )
}

function Branch({ row: { node, depth, below, open } }: { readonly row: TreeRow }) {
  return (
    <span class="branch" style={{ paddingInlineStart: `${depth * 18}px` }}>
      <span class="twist" data-open={open} aria-hidden="true">
        {below > 0 && <Icon name="chevron" />}
      </span>
      <Badge tone={tones[node.state]}>{node.type}</Badge>
      <code>{nameOf(node)}</code>
      {node.state !== 'running' && <span class="quiet">{node.state}</span>}
      {!open && <span class="quiet">{below} below</span>}
      <span class="branch-counts">
        {node.mailbox > 0 && <span class="count">{node.mailbox} waiting</span>}
        {node.restarts > 0 && (
          <span class="count" data-tone="warn">
            {node.restarts} restarts
          </span>
        )}
      </span>
    </span>
  )
}

function Details({ node }: { readonly node: TreeNode }) {
  const session = node.address?.startsWith('session:') ? node.address.slice('session:'.length) : undefined
  return (
    <>
      <h2>{nameOf(node)}</h2>
      <dl class="facts">
        <dt>Type</dt>
        <dd>{node.type}</dd>
        <dt>State</dt>
        <dd>
          <Badge tone={tones[node.state]}>{node.state}</Badge>
        </dd>
        <dt>Mailbox</dt>
        <dd>{node.mailbox} waiting</dd>
        <dt>Restarts</dt>
        <dd>{node.restarts}</dd>
        <dt>Children</dt>
        <dd>{node.children.length}</dd>
        <dt>Path</dt>
        <dd>
          <code>{node.path}</code>
        </dd>
        {node.address && (
          <>
            <dt>Address</dt>
            <dd>
              <code>{node.address}</code>
            </dd>
          </>
        )}
      </dl>
      {session && (
        <p class="row">
          <a href={href('journal', [session])}>Journal</a>
          <a href={href('chat', [session])}>Chat</a>
        </p>
      )}
    </>
  )
}
