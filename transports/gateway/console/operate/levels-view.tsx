import { get } from '../api/call.ts'
import { useAnswer } from '../api/use-answer.ts'
import { Blank, Loading } from '../parts/blank.tsx'
import { Chart, type Line } from '../parts/chart.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { duration } from '../parts/relative-time.tsx'
import { ViewFrame } from '../parts/view-frame.tsx'
import { useKeys } from '../shell/keys.ts'
import { href } from '../shell/router.ts'
import './operate.css'

/** One moment of the last hour, over all processes (transports/gateway/routes/slo.ts). */
interface Point {
  readonly at: string
  readonly processes: number
  readonly answered: number
  readonly accept_availability: number | null
  readonly turn_success: number | null
  readonly accept_seconds: number | null
  readonly turn_seconds: number | null
  readonly append_seconds: number | null
  readonly takeover_seconds: number | null
  readonly accepted_per_second: number
  readonly turns_per_second: number
  readonly tools_per_second: number
  readonly mailbox_lag: number
  readonly dead_letters: number
  readonly quarantined: number
  readonly messages: Readonly<Record<string, number>>
  readonly memory_bytes: number
  readonly loop_delay_seconds: number
}

interface Levels {
  readonly every_ms: number
  readonly objectives: Readonly<Record<string, number>>
  readonly points: readonly Point[]
}

const EVERY_MS = 5_000
const MB = 2 ** 20
const colours = ['accent', 'kind-tool', 'kind-assistant', 'kind-operator', 'good', 'kind-system'] as const

const seconds = (value: number) => duration(value * 1_000)
const percent = (value: number) => `${(value * 100).toFixed(value === 1 ? 0 : 2)} %`
const perSecond = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} /s`
const count = (value: number) => String(Math.round(value))
const megabytes = (value: number) => `${Math.round(value / MB)} MB`

/** Whether the service keeps what it promises (docs/SLO.md), as it was in the last hour. */
export default function LevelsView() {
  const { answer, error, loading, at, refresh } = useAnswer(
    (signal) => get<Levels>('/v1/admin/slo', signal),
    [],
    EVERY_MS,
  )
  useKeys('Levels', [{ keys: 'r', does: 'Look again', run: refresh }])
  const points = answer?.points ?? []
  const last = points.at(-1)
  return (
    <ViewFrame
      title="Service levels"
      about={
        points.length >= 2 &&
        last && (
          <span role="status">
            {last.answered} of {last.processes} {last.processes === 1 ? 'process' : 'processes'} answer, the last{' '}
            {minutesOf(points)} min
          </span>
        )
      }
    >
      <ProblemNote error={error} at={at} retry={refresh} />
      {loading && <Loading />}
      {answer && points.length < 2 && <Blank title="Measuring">The first figures come within ten seconds.</Blank>}
      {answer && points.length >= 2 && (
        <div class="levels">
          <Tallies points={points} objectives={answer.objectives} />
          <Charts points={points} objectives={answer.objectives} />
        </div>
      )}
    </ViewFrame>
  )
}

interface Parts {
  readonly points: readonly Point[]
  readonly objectives: Readonly<Record<string, number>>
}

function Tallies({ points, objectives }: Parts) {
  const last = points.at(-1) as Point
  const accepted = newest(points, (point) => point.accept_availability)
  const succeeded = newest(points, (point) => point.turn_success)
  const lag = objectives.mailbox_lag ?? Number.POSITIVE_INFINITY
  return (
    <dl class="tallies">
      <Tally
        what="Accepted"
        value={accepted === null ? '–' : percent(accepted)}
        bad={isBelow(accepted, objectives.accept_availability)}
      />
      <Tally
        what="Turns that succeed"
        value={succeeded === null ? '–' : percent(succeeded)}
        bad={isBelow(succeeded, objectives.turn_success)}
      />
      <Tally what="Waiting" value={count(last.mailbox_lag)} bad={last.mailbox_lag > lag} />
      <Tally what="Dead letters" value={count(last.dead_letters)} bad={last.dead_letters > 0} to="dead-letters" />
      <Tally what="Quarantined" value={count(last.quarantined)} bad={last.quarantined > 0} to="quarantine" />
    </dl>
  )
}

function Tally({
  what,
  value,
  bad,
  to,
}: {
  readonly what: string
  readonly value: string
  readonly bad: boolean
  readonly to?: string
}) {
  return (
    <div data-tone={bad ? 'bad' : 'good'}>
      <dt>{to ? <a href={href(to)}>{what}</a> : what}</dt>
      <dd>{value}</dd>
    </div>
  )
}

function Charts({ points, objectives }: Parts) {
  const times = points.map(({ at }) => Date.parse(at) / 1_000)
  const line = (name: string, pick: (point: Point) => number | null, colour: string = colours[0]): Line => ({
    name,
    colour,
    values: points.map(pick),
  })
  const limit = (name: string) => (objectives[name] === undefined ? {} : { objective: objectives[name] })
  const types = [...new Set(points.flatMap(({ messages }) => Object.keys(messages)))].sort()
  const shared = { times }
  return (
    <div class="charts">
      <Chart
        {...shared}
        title="To accept a message"
        words={seconds}
        lines={[line('p95', (p) => p.accept_seconds)]}
        {...limit('accept_seconds')}
      />
      <Chart
        {...shared}
        title="A turn"
        words={seconds}
        lines={[line('p95', (p) => p.turn_seconds)]}
        {...limit('turn_seconds')}
      />
      <Chart
        {...shared}
        title="A durable append"
        words={seconds}
        lines={[line('p95', (p) => p.append_seconds)]}
        {...limit('append_seconds')}
      />
      <Chart
        {...shared}
        title="Takeover of a dead node"
        words={seconds}
        lines={[line('p95', (p) => p.takeover_seconds)]}
        {...limit('takeover_seconds')}
      />
      <Chart
        {...shared}
        title="Work"
        words={perSecond}
        lines={[
          line('accepted', (p) => p.accepted_per_second, colours[0]),
          line('turns', (p) => p.turns_per_second, colours[2]),
          line('tool calls', (p) => p.tools_per_second, colours[1]),
        ]}
      />
      <Chart
        {...shared}
        title="Messages by type of actor"
        words={perSecond}
        lines={types.map((type, at) => line(type, (p) => p.messages[type] ?? 0, colours[at % colours.length]))}
      />
      <Chart
        {...shared}
        title="Waiting in the mailbox"
        words={count}
        lines={[line('envelopes', (p) => p.mailbox_lag)]}
      />
      <Chart
        {...shared}
        title="Delay of the slowest event loop"
        words={seconds}
        lines={[line('p99', (p) => p.loop_delay_seconds)]}
      />
      <Chart
        {...shared}
        title="Memory of all processes"
        words={megabytes}
        lines={[line('resident', (p) => p.memory_bytes)]}
      />
    </div>
  )
}

/** A moment in which nobody asked says nothing. */
function newest(points: readonly Point[], pick: (point: Point) => number | null): number | null {
  return points.map(pick).findLast((value) => value !== null) ?? null
}

function isBelow(value: number | null, objective: number | undefined): boolean {
  return value !== null && objective !== undefined && value < objective
}

function minutesOf(points: readonly Point[]): number {
  const [first, last] = [points[0], points.at(-1)]
  return first && last ? Math.max(1, Math.round((Date.parse(last.at) - Date.parse(first.at)) / 60_000)) : 0
}
