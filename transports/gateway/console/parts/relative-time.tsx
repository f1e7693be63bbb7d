import { signal } from '@preact/signals'
import { now } from '../browser.ts'

/** One timer for all relative times on the screen. */
const minute = signal(now())
setInterval(() => {
  if (!document.hidden) minute.value = now()
}, 15_000)

const steps: readonly (readonly [limitS: number, unitS: number, word: string])[] = [
  [60, 1, 's'],
  [3_600, 60, 'min'],
  [86_400, 3_600, 'h'],
  [86_400 * 30, 86_400, 'd'],
]

export function agoWords(at: number, from: number): string {
  const seconds = Math.max(0, Math.round((from - at) / 1_000))
  if (seconds < 5) return 'now'
  const found = steps.find(([limit]) => seconds < limit)
  return found ? `${Math.floor(seconds / found[1])} ${found[2]}` : new Date(at).toLocaleDateString()
}

/** `at`: ISO text or epoch milliseconds. The exact time is in the tooltip. */
export function RelativeTime({ at }: { readonly at: string | number }) {
  const time = new Date(at)
  return (
    <time class="relative" dateTime={time.toISOString()} title={time.toLocaleString()}>
      {agoWords(time.getTime(), Math.max(minute.value, now()))}
    </time>
  )
}

export function clockTime(at: string | number): string {
  const time = new Date(at)
  const two = (number: number, digits = 2) => String(number).padStart(digits, '0')
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${two(time.getMilliseconds(), 3)}`
}

/** 0.4 ms, 12 ms, 3.2 s, 4 min 10 s. */
export function duration(ms: number): string {
  if (ms < 1) return `${ms.toFixed(1)} ms`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`
}
