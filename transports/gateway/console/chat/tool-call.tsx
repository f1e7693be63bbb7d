import { useState } from 'preact/hooks'
import { Badge, type Tone } from '../parts/badge.tsx'
import { Icon } from '../parts/icon.tsx'
import { JsonView } from '../parts/json-view.tsx'
import { duration } from '../parts/relative-time.tsx'
import { href } from '../shell/router.ts'
import type { Decision, ToolItem } from './conversation.ts'

const tones: Readonly<Record<string, Tone>> = {
  running: 'live',
  success: 'good',
  denied: 'warn',
  cancelled: 'quiet',
  unknown: 'warn',
}

/** One line while nobody asks more; unfolded, everything that is known of the call. */
export function ToolCall({ item }: { readonly item: ToolItem }) {
  const [open, setOpen] = useState(false)
  const { name, status, seconds, args, output, code, truncated, decision, askedBy } = item
  const child = childOf(item)
  return (
    <details class="tool" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Icon name="tool" />
        <code class="tool-name">{name}</code>
        <span class="tool-gist">{gist(args)}</span>
        <Badge tone={tones[status] ?? 'bad'}>{status}</Badge>
        {seconds !== undefined && <span class="quiet">{duration(seconds * 1_000)}</span>}
        <Icon name="chevron" />
      </summary>
      {open && (
        <div class="tool-body">
          <h3>Arguments</h3>
          <JsonView value={args} label={`Arguments of ${name}`} />
          {decision && (
            <>
              <h3>Decision</h3>
              <p>
                {decisionWords(decision)}: {decision.reason}
              </p>
            </>
          )}
          {output !== undefined && (
            <>
              <h3>
                Output {code && <code>{code}</code>} {truncated && <span>(cut: the whole of it is kept)</span>}
              </h3>
              <JsonView value={output} label={`Output of ${name}`} />
            </>
          )}
          <dl class="facts">
            {seconds !== undefined && (
              <>
                <dt>Time</dt>
                <dd>{duration(seconds * 1_000)}</dd>
              </>
            )}
            {askedBy && (
              <>
                <dt>Cost</dt>
                <dd>
                  {askedBy.usage.prompt_tokens + askedBy.usage.completion_tokens} tokens,{' '}
                  {money(askedBy.usage.cost_usd)}{' '}
                  <span class="quiet">
                    for the step of {askedBy.model} that asked for{' '}
                    {askedBy.calls === 1 ? 'it' : `${askedBy.calls} calls`}
                  </span>
                </dd>
              </>
            )}
            <dt>Call</dt>
            <dd>
              <code>{item.callId}</code>
            </dd>
          </dl>
          {child && <a href={href('chat', [child])}>Open the session it began</a>}
        </div>
      )}
    </details>
  )
}

export function decisionWords({ allow, policy }: Decision): string {
  return `${allow ? 'allowed' : 'denied'} by ${policy}`
}

export function money(usd: number): string {
  if (usd === 0) return '$0'
  return usd < 0.01 ? `$${usd.toFixed(5)}` : `$${usd.toFixed(2)}`
}

function gist(args: unknown): string {
  const text = JSON.stringify(args) ?? ''
  return text === '{}' ? '' : text.slice(0, 200)
}

/** A delegated session says which it is in its result. */
function childOf({ name, output }: ToolItem): string | undefined {
  if (name !== 'delegate' || output === undefined) return undefined
  return /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i.exec(output)?.[0]
}
