import { useState } from 'preact/hooks'
import { post } from '../api/call.ts'
import { confirm } from '../shell/confirm.tsx'
import { attempt } from '../shell/toasts.tsx'
import type { DrillRuns } from './drill-answers.ts'

interface DrillStartProps {
  readonly offered: DrillRuns['offered']
  /** Whose sessions the drill's would be. */
  readonly tenant: string | undefined
  readonly busy: boolean
  started(): void
}

const MOST = 1_000

/** Which drill, and how much of it. On a service that works for somebody it asks first. */
export function DrillStart({ offered, tenant, busy, started }: DrillStartProps) {
  const [name, setName] = useState(offered[0]?.name ?? '')
  const [sessions, setSessions] = useState(30)
  const [rate, setRate] = useState(20)
  const [repeat, setRepeat] = useState(1)
  const forDrills = tenant !== undefined && /^drill(-|$)/.test(tenant)
  const run = async () => {
    const sure =
      forDrills ||
      (await confirm({
        title: `Run ${name} on this service?`,
        text: `It works for the tenant ${tenant}, and the drill breaks processes that are running. Nothing accepted is lost by it, but people may wait.`,
        action: 'Break it',
        danger: true,
      }))
    if (!sure) return
    const order = { name, sessions, rate, repeat, duration_seconds: 20, in_production: !forDrills }
    await attempt(() => post('/v1/admin/drill-runs', order), `${name} has begun.`)
    started()
  }
  return (
    <form
      class="filters"
      aria-label="Run a drill"
      onSubmit={(event) => {
        event.preventDefault()
        void run()
      }}
    >
      <label class="row">
        Drill
        <select value={name} onChange={(event) => setName(event.currentTarget.value)}>
          {offered.map((drill) => (
            <option key={drill.name} value={drill.name}>
              {drill.name}
            </option>
          ))}
        </select>
      </label>
      <Count label="Sessions" value={sessions} set={setSessions} />
      <Count label="Turns a second" value={rate} set={setRate} />
      <Count label="Faults" value={repeat} set={setRepeat} />
      <button type="submit" class="primary" disabled={busy}>
        {busy ? 'One is running' : 'Run it'}
      </button>
      <span class="quiet">{offered.find((drill) => drill.name === name)?.what}</span>
    </form>
  )
}

function Count({ label, value, set }: { readonly label: string; readonly value: number; set(value: number): void }) {
  return (
    <label class="row">
      {label}
      <input
        type="number"
        class="narrow"
        min={1}
        max={MOST}
        required
        value={value}
        onInput={(event) => set(Math.min(MOST, Math.max(1, event.currentTarget.valueAsNumber || 1)))}
      />
    </label>
  )
}
