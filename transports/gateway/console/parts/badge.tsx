import type { ComponentChildren } from 'preact'

export type Tone = 'good' | 'warn' | 'bad' | 'live' | 'quiet'

/** A state in one word, with a dot that says it again by shape and colour. */
export function Badge({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return (
    <span class="badge" data-tone={tone}>
      {children}
    </span>
  )
}

const tones: Readonly<Record<string, Tone>> = {
  idle: 'quiet',
  running: 'live',
  paused: 'warn',
  quarantined: 'bad',
  deleted: 'quiet',
}

export function StateBadge({ state }: { readonly state: string }) {
  return <Badge tone={tones[state] ?? 'quiet'}>{state}</Badge>
}
