import { useState } from 'preact/hooks'
import type { Readiness } from '../api/answers.ts'
import { get, getAnyway, post } from '../api/call.ts'
import { ProblemError } from '../api/problem.ts'
import { useAnswer } from '../api/use-answer.ts'
import { Badge, type Tone } from '../parts/badge.tsx'
import { Blank, Loading } from '../parts/blank.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { RelativeTime } from '../parts/relative-time.tsx'
import { ViewFrame } from '../parts/view-frame.tsx'
import { confirm } from '../shell/confirm.tsx'
import { useKeys } from '../shell/keys.ts'
import { attempt } from '../shell/toasts.tsx'
import { type ClusterNode, countsInWords, isNode, type Shard, sumOf } from './cluster-answers.ts'
import { ShardMap } from './shard-map.tsx'
import './operate.css'

const EVERY_MS = 2_000
const HEALTH_MS = 10_000

const tones: Readonly<Record<ClusterNode['state'], Tone>> = {
  ready: 'good',
  starting: 'live',
  'cut off': 'bad',
  draining: 'warn',
}

const columns: readonly Column<ClusterNode>[] = [
  { name: 'Process', width: 'minmax(7rem, 1fr)', cell: ({ name }) => <b>{name}</b> },
  { name: 'State', width: '6.5rem', cell: ({ state }) => <Badge tone={tones[state]}>{state}</Badge> },
  { name: 'Roles', width: 'minmax(6rem, 1.2fr)', cell: ({ roles }) => roles.join(', ') },
  { name: 'Shards', width: 'minmax(13rem, 1.8fr)', cell: ({ shards }) => countsInWords(shards) },
  { name: 'Waiting', width: '4.5rem', align: 'end', cell: ({ lag }) => sumOf(lag) },
  { name: 'Since', width: '4.5rem', align: 'end', cell: ({ started_at }) => <RelativeTime at={started_at} /> },
]

/** Who is in the cluster, who owns which shard, how far behind each is, and what all of it depends on. */
export default function ClusterView() {
  const nodes = useAnswer((signal) => get<{ nodes: readonly ClusterNode[] }>('/v1/admin/nodes', signal), [], EVERY_MS)
  const shards = useAnswer((signal) => get<{ shards: readonly Shard[] }>('/v1/admin/shards', signal), [], EVERY_MS)
  const health = useAnswer((signal) => getAnyway<Readiness>('/readyz', signal), [], HEALTH_MS)
  const [chosen, setChosen] = useState<string>()
  const alone = nodes.error instanceof ProblemError && nodes.error.problem.code === 'NODE_NOT_FOUND'
  const list = nodes.answer?.nodes ?? []
  const current = list.findIndex(({ id }) => id === chosen)
  const node = list[current]
  const refresh = () => {
    nodes.refresh()
    shards.refresh()
    health.refresh()
  }
  useKeys('Cluster', [{ keys: 'r', does: 'Look again', run: refresh }])
  return (
    <ViewFrame
      title="Cluster"
      about={
        <span role="status">
          {alone ? 'one process, with everything in it' : nodes.answer && aboutOf(list, shards.answer?.shards ?? [])}
        </span>
      }
      actions={
        !alone && (
          <button
            type="button"
            disabled={!node || !isNode(node) || node.state !== 'ready'}
            onClick={() => node && drain(node)}
          >
            Drain
          </button>
        )
      }
    >
      <Dependencies report={health.answer} />
      {alone ? (
        <Blank title="This is one process">
          With KAFKA_BOOTSTRAP_SERVERS and POSTGRES_DSN it becomes part of a cluster; <code>npx soma up</code> starts
          one here.
        </Blank>
      ) : (
        <>
          <ProblemNote error={nodes.error ?? shards.error} at={nodes.at} retry={refresh} />
          {nodes.loading && <Loading />}
          {nodes.answer && (
            <div class="split">
              <DataTable
                label="Processes"
                columns={columns}
                rows={list}
                keyOf={({ id }) => id}
                current={current}
                onMove={(index) => setChosen(list[index]?.id)}
              />
              <div class="side">
                {node && <Details node={node} />}
                <ShardMap shards={shards.answer?.shards ?? []} nodes={list} />
              </div>
            </div>
          )}
        </>
      )}
    </ViewFrame>
  )
}

function aboutOf(nodes: readonly ClusterNode[], shards: readonly Shard[]): string {
  const ready = nodes.filter(({ state }) => state === 'ready').length
  const nobody = shards.filter(({ owner }) => owner === null).length
  return `${ready} of ${nodes.length} ready${nobody > 0 ? `, ${nobody} shards have no owner` : ''}`
}

async function drain(node: ClusterNode): Promise<void> {
  const sure = await confirm({
    title: `Drain ${node.name}?`,
    text: 'It hands all its shards over and goes on without any until it is started again. No request fails by it.',
    action: 'Drain it',
  })
  if (sure)
    await attempt(() => post(`/v1/admin/nodes/${encodeURIComponent(node.id)}/drain`), `${node.name} owns nothing now.`)
}

function Details({ node }: { readonly node: ClusterNode }) {
  return (
    <div class="stack">
      <h2>{node.name}</h2>
      <dl class="facts">
        <dt>Address</dt>
        <dd>
          <code>{node.url}</code>
        </dd>
        <dt>Process</dt>
        <dd>{node.pid}</dd>
        <dt>Weight</dt>
        <dd>{isNode(node) ? node.weight : 'owns no shards'}</dd>
        {Object.entries(node.lag).map(([topic, lag]) => (
          <>
            <dt key={topic}>{topic}</dt>
            <dd>{lag} waiting</dd>
          </>
        ))}
      </dl>
    </div>
  )
}

function Dependencies({ report }: { readonly report: Readiness | undefined }) {
  if (!report) return null
  return (
    <ul class="dependencies" aria-label="What it depends on">
      {report.dependencies.map(({ name, ok, required, detail, remedy }) => (
        <li key={name}>
          <Badge tone={ok ? 'good' : required ? 'bad' : 'warn'}>{name}</Badge>
          <span class="quiet">{detail}</span>
          {!ok && remedy && <span>{remedy}</span>}
        </li>
      ))}
    </ul>
  )
}
