import { get } from '../api/call.ts'
import { useAnswer } from '../api/use-answer.ts'
import { Badge } from '../parts/badge.tsx'
import { Loading } from '../parts/blank.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { duration } from '../parts/relative-time.tsx'
import type { DrillReport, DrillSummary, Times } from './drill-answers.ts'

/** One report: the counts that must be 0 first, then how long it took, then what was asked for. */
export function DrillReportPane({ drill }: { readonly drill: DrillSummary }) {
  const { answer, error, loading, refresh } = useAnswer(
    (signal) => get<{ report: DrillReport }>(`/v1/admin/drills/${encodeURIComponent(drill.id)}`, signal),
    [drill.id],
  )
  return (
    <>
      <h2>
        {drill.name} <Badge tone={drill.passed ? 'good' : 'bad'}>{drill.passed ? 'passed' : 'failed'}</Badge>
      </h2>
      <ProblemNote error={error} retry={refresh} />
      {loading && <Loading />}
      {answer && <Report report={answer.report} />}
    </>
  )
}

function Report({ report }: { readonly report: DrillReport }) {
  const nothing: readonly (readonly [string, number])[] = [
    ['Lost', report.lost],
    ['Duplicated', report.duplicated],
    ['Out of order', report.outOfOrder],
    ['Failed requests', report.failedRequests],
    ['Tools done twice', report.toolsDoubled],
    ['Gaps in streams', report.streams.gaps],
  ]
  const { faults, recovery, latency, machine } = report
  return (
    <>
      <dl class="tallies">
        {nothing.map(([what, count]) => (
          <div key={what} data-tone={count === 0 ? 'good' : 'bad'}>
            <dt>{what}</dt>
            <dd>{count}</dd>
          </div>
        ))}
      </dl>
      <dl class="facts">
        <dt>Accepted, completed</dt>
        <dd>
          {report.accepted}, {report.completed}
        </dd>
        <dt>Faults</dt>
        <dd>
          {Object.entries(faults)
            .map(([what, times]) => `${what} ×${times}`)
            .join(', ') || 'none'}
        </dd>
        <dt>Recovery</dt>
        <dd>{inWords(recovery)}</dd>
        <dt>A turn before</dt>
        <dd>{inWords(latency.before)}</dd>
        <dt>A turn during</dt>
        <dd>{inWords(latency.during)}</dd>
        <dt>Outcomes unknown</dt>
        <dd>{report.toolsUnknown} tool calls</dd>
        <dt>Under</dt>
        <dd>
          {report.nodes} nodes, {report.gateways} gateways, {report.sessions} sessions, {report.rate} turns/s, load{' '}
          {machine.load} on {machine.cpus} CPUs
        </dd>
      </dl>
      <ul class="demands">
        {report.demands.map(({ what, met, found }) => (
          <li key={what}>
            <Badge tone={met ? 'good' : 'bad'}>{met ? 'met' : 'not met'}</Badge> {what}: {found}
          </li>
        ))}
        {Object.entries(report.wrong).map(([what, list]) => (
          <li key={what}>
            <Badge tone="bad">{what}</Badge> {list.join('; ')}
          </li>
        ))}
      </ul>
    </>
  )
}

function inWords({ count, p50, p99, max }: Times): string {
  return count === 0
    ? 'nobody had to wait'
    : `p50 ${duration(p50)}, p99 ${duration(p99)}, longest ${duration(max)} (${count})`
}
