import { useEffect, useRef } from 'preact/hooks'
import type { JournalEntry } from '../api/answers.ts'
import { shownTheme } from '../shell/theme.ts'
import { kindOf, kinds } from './event-words.ts'

interface StripProps {
  readonly entries: readonly JournalEntry[]
  readonly current: number
  onJump(index: number): void
}

/**
 * The whole journal on one line, each kind of event in a lane of its own: where the tools ran, where it was restarted, and
 * where one is. A click goes there; by keyboard it is a slider.
 */
export function Strip({ entries, current, onJump }: StripProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const theme = shownTheme.value
  // The colours are another with the theme.
  useEffect(() => {
    const element = canvas.current
    if (!element) return
    const paint = () => draw(element, entries, current)
    paint()
    const resized = new ResizeObserver(paint)
    resized.observe(element)
    return () => resized.disconnect()
  }, [entries, current, theme])
  return (
    <canvas
      ref={canvas}
      class="strip"
      role="slider"
      tabIndex={0}
      aria-label="Place in the journal"
      aria-valuemin={1}
      aria-valuemax={Math.max(1, entries.length)}
      aria-valuenow={current + 1}
      onPointerDown={(event) => {
        const { left, width } = event.currentTarget.getBoundingClientRect()
        onJump(Math.min(entries.length - 1, Math.floor(((event.clientX - left) / width) * entries.length)))
      }}
      onKeyDown={(event) => {
        const far = Math.max(1, Math.round(entries.length / 50))
        const step = { ArrowRight: far, ArrowLeft: -far }[event.key]
        if (step === undefined) return
        event.preventDefault()
        onJump(Math.max(0, Math.min(entries.length - 1, current + step)))
      }}
    />
  )
}

function draw(element: HTMLCanvasElement, entries: readonly JournalEntry[], current: number): void {
  const { clientWidth: width, clientHeight: height } = element
  const ratio = devicePixelRatio
  element.width = width * ratio
  element.height = height * ratio
  const pen = element.getContext('2d')
  if (!pen || entries.length === 0) return
  const style = getComputedStyle(element)
  pen.scale(ratio, ratio)
  const lane = height / kinds.length
  const mark = Math.max(1, Math.min(6, width / entries.length - 1))
  const colours = kinds.map((kind) => style.getPropertyValue(`--kind-${kind}`))
  // One mark for each pixel and lane is all that can be seen.
  const drawn = new Set<number>()
  for (const [index, { payload }] of entries.entries()) {
    const kind = kinds.indexOf(kindOf(payload))
    const x = Math.floor((index / entries.length) * width)
    const place = x * kinds.length + kind
    if (drawn.has(place)) continue
    drawn.add(place)
    pen.fillStyle = colours[kind] as string
    pen.fillRect(x, kind * lane + 1, mark, lane - 1)
  }
  if (current < 0) return
  pen.fillStyle = style.getPropertyValue('--ink')
  pen.fillRect(Math.floor(((current + 0.5) / entries.length) * width), 0, 2, height)
}
