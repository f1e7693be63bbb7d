import type { JournalEntry } from '../api/answers.ts'
import { money } from '../chat/tool-call.tsx'
import { StateBadge } from '../parts/badge.tsx'
import { JsonView } from '../parts/json-view.tsx'
import { clockTime } from '../parts/relative-time.tsx'
import type { StateAfter } from './state-after.ts'

interface EventDetailProps {
  readonly entry: JournalEntry
  readonly before: StateAfter
  readonly after: StateAfter
}

/** One event: the state it left, with what it changed marked, and all it holds. */
export function EventDetail({ entry, before, after }: EventDetailProps) {
  const { id, occurred_at, payload } = entry
  const rows = factsOf(after).map(([name, value], at) => {
    const [, was] = factsOf(before)[at] as Fact
    return { name, value, was }
  })
  return (
    <>
      <section aria-label="State after this event">
        <header class="row detail-head">
          <h2>
            {id} <code>{payload.type}</code>
          </h2>
          <StateBadge state={after.state} />
          <span class="quiet">{clockTime(occurred_at)}</span>
        </header>
        <dl class="facts state-facts">
          {rows.map(({ name, value, was }) => (
            <div key={name} data-changed={value !== was}>
              <dt>{name}</dt>
              <dd>
                {value !== was && was !== '' && <del>{was}</del>} {value || <span class="quiet">none</span>}
              </dd>
            </div>
          ))}
        </dl>
      </section>
      <section aria-label="The event as it is journaled">
        <h3>Event</h3>
        <JsonView value={payload} label="The event’s JSON" />
      </section>
    </>
  )
}

type Fact = readonly [name: string, value: string]

function factsOf(state: StateAfter): readonly Fact[] {
  return [
    ['State', state.state],
    ['Turn', state.turnId ?? ''],
    ['Step', state.step === 0 ? '' : `${state.step}${state.attempt > 1 ? `, attempt ${state.attempt}` : ''}`],
    ['Calls running', state.calls.join(', ')],
    ['Queued turns', String(state.queued.length)],
    ['Turns done', String(state.turnsDone)],
    ['Persona', state.persona],
    ['Step mode', state.stepMode ? (state.held ? `holds ${state.held}` : 'on') : 'off'],
    ['Used', `${state.tokens} tokens, ${money(state.costUsd)}`],
  ]
}
