import type { Usage } from '../api/answers.ts'
import { money } from '../chat/tool-call.tsx'
import { Badge } from '../parts/badge.tsx'

interface Side {
  readonly source: string
  readonly ended: string
  readonly outcome: string | null
  readonly model_calls: number
  readonly usage: Usage
  readonly tool_calls: readonly { tool: string; args: unknown; status: string | null; from: string }[]
}

export interface DryRunAnswer {
  readonly at: number
  readonly baseline: Side
  readonly fork: Side
  readonly difference: {
    readonly changed: boolean
    readonly text: readonly { readonly op: '=' | '-' | '+'; readonly line: string }[]
    readonly tokens: number
    readonly cost_usd: number
  }
}

/** What a dry run would have changed: both sides, and the difference of the final words line by line. */
export function DryRunReport({ report: { at, baseline, fork, difference } }: { readonly report: DryRunAnswer }) {
  return (
    <div id="dry-result" class="stack" role="region" aria-label="Dry run">
      <p>
        <Badge tone={difference.changed ? 'warn' : 'good'}>
          {difference.changed ? 'The outcome differs' : 'The outcome is the same'}
        </Badge>
      </p>
      <p class="quiet">
        Forked after event {at}: nothing was touched, no tool ran. {signed(difference.tokens)} tokens,{' '}
        {difference.cost_usd < 0 ? '-' : '+'}
        {money(Math.abs(difference.cost_usd))}.
      </p>
      <pre class="difference">
        {difference.text.map(({ op, line }, index) => (
          <div key={`${index}${op}`} data-op={op}>
            {op === '=' ? ' ' : op} {line}
          </div>
        ))}
      </pre>
      <SideOf name="Without" side={baseline} />
      <SideOf name="With" side={fork} />
    </div>
  )
}

function SideOf({ name, side }: { readonly name: string; readonly side: Side }) {
  const { source, ended, outcome, model_calls, usage, tool_calls } = side
  return (
    <div>
      <h3>
        {name} ({source})
      </h3>
      <p>
        {outcome ?? ended}, {model_calls} model calls, {usage.prompt_tokens + usage.completion_tokens} tokens
      </p>
      <ul>
        {tool_calls.map(({ tool, args, status, from }, index) => (
          <li key={`${index}${tool}`}>
            <code>
              {tool} {JSON.stringify(args)}
            </code>{' '}
            {status ?? 'not run'} ({from})
          </li>
        ))}
      </ul>
    </div>
  )
}

function signed(number: number): string {
  return number < 0 ? String(number) : `+${number}`
}
