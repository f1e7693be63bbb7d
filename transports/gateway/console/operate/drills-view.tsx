import { useState } from 'preact/hooks'
import { get, post } from '../api/call.ts'
import { useAnswer } from '../api/use-answer.ts'
import { Badge, type Tone } from '../parts/badge.tsx'
import { Blank, Loading } from '../parts/blank.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { duration, RelativeTime } from '../parts/relative-time.tsx'
import { ViewFrame } from '../parts/view-frame.tsx'
import { confirm } from '../shell/confirm.tsx'
import { useKeys } from '../shell/keys.ts'
import { replace } from '../shell/router.ts'
import { attempt } from '../shell/toasts.tsx'
import type { ViewProps } from '../views.ts'
import type { DrillRun, DrillRuns, DrillSummary, KeptDrills } from './drill-answers.ts'
import { DrillReportPane } from './drill-report.tsx'
import { DrillStart } from './drill-start.tsx'
import './operate.css'

const RUNS_MS = 1_000
const KEPT_MS = 5_000
const LINES = 60

const tones: Readonly<Record<DrillRun['state'], Tone>> = {
  running: 'live',
  passed: 'good',
  failed: 'bad',
  stopped: 'quiet',
}

const columns: readonly Column<DrillSummary>[] = [
  { name: 'Drill', width: 'minmax(8rem, 1fr)', cell: ({ name }) => <b>{name}</b> },
  {
    name: 'Verdict',
    width: '6rem',
    cell: ({ passed }) => <Badge tone={passed ? 'good' : 'bad'}>{passed ? 'passed' : 'failed'}</Badge>,
  },
  { name: 'When', width: '5rem', align: 'end', cell: ({ started_at }) => <RelativeTime at={started_at} /> },
  {
    name: 'Took',
    width: '5.5rem',
    align: 'end',
    cell: ({ started_at, finished_at }) => duration(Date.parse(finished_at) - Date.parse(started_at)),
  },
]

/** Break something on purpose, under load; watch it; read whether anything was lost or done twice. */
export default function DrillsView({ args: [wanted] }: ViewProps) {
  const runs = useAnswer((signal) => get<DrillRuns>('/v1/admin/drill-runs', signal), [], RUNS_MS)
  const kept = useAnswer((signal) => get<KeptDrills>('/v1/admin/drills?limit=200', signal), [], KEPT_MS)
  const [chosen, setChosen] = useState(wanted)
  const drills = kept.answer?.drills ?? []
  const current = drills.findIndex(({ id }) => id === chosen)
  const drill = drills[current]
  const latest = runs.answer?.runs[0]
  const choose = (id: string | undefined) => {
    setChosen(id)
    if (id !== undefined) replace('drills', [id])
  }
  const refresh = () => {
    runs.refresh()
    kept.refresh()
  }
  useKeys('Drills', [{ keys: 'r', does: 'Look again', run: refresh }])
  return (
    <ViewFrame
      title="Drills"
      about={latest && <Badge tone={tones[latest.state]}>{`${latest.name} ${latest.state}`}</Badge>}
      actions={
        latest?.state === 'running' && (
          <button type="button" onClick={() => void stop(latest).then(refresh)}>
            Stop it
          </button>
        )
      }
    >
      <ProblemNote error={runs.error ?? kept.error} at={kept.at} retry={refresh} />
      {runs.answer && runs.answer.offered.length > 0 && (
        <DrillStart
          offered={runs.answer.offered}
          tenant={kept.answer?.tenant}
          busy={latest?.state === 'running'}
          started={refresh}
        />
      )}
      {runs.answer?.offered.length === 0 && (
        <p class="note">
          Drills need a cluster, and this is one process. On a machine with the servers of `npm run stack`, `npx soma
          drill all` rehearses on a cluster of its own.
        </p>
      )}
      {latest && (
        <pre class="run-lines" role="log" tabIndex={0} aria-label={`What ${latest.name} says`}>
          {latest.lines.slice(-LINES).join('\n') || 'starting…'}
        </pre>
      )}
      {kept.loading && <Loading />}
      {kept.answer && drills.length === 0 && (
        <Blank title="No drill has been run yet">Its report will stand here.</Blank>
      )}
      {drills.length > 0 && (
        <div class="split">
          <DataTable
            label="Reports of drills"
            columns={columns}
            rows={drills}
            keyOf={({ id }) => id}
            current={current}
            onMove={(index) => choose(drills[index]?.id)}
          />
          <div class="side">
            {drill ? <DrillReportPane key={drill.id} drill={drill} /> : <Blank title="Choose a report" />}
          </div>
        </div>
      )}
    </ViewFrame>
  )
}

async function stop({ id, name }: DrillRun): Promise<void> {
  const sure = await confirm({
    title: `Stop ${name}?`,
    text: 'Its load ends and what it broke is mended; there will be no verdict.',
    action: 'Stop it',
  })
  if (sure) await attempt(() => post(`/v1/admin/drill-runs/${encodeURIComponent(id)}/stop`), 'It is stopping.')
}
