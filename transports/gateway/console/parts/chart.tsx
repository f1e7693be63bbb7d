import { useEffect, useRef } from 'preact/hooks'
import type uPlot from 'uplot'
import { shownTheme } from '../shell/theme.ts'

export interface Line {
  readonly name: string
  /** A colour token without its dashes: `accent`, `good`, `kind-tool`. */
  readonly colour: string
  /** One for each time; null: not measured. */
  readonly values: readonly (number | null)[]
}

interface ChartProps {
  readonly title: string
  /** Epoch seconds, rising. */
  readonly times: readonly number[]
  readonly lines: readonly Line[]
  /** How a value is written: `12 ms`. */
  words(value: number): string
  /** What is promised: drawn as a dashed line. */
  readonly objective?: number
  /** Pixels. */
  readonly height?: number
}

/** Lines over time. Its newest values stand beside the title as text, which is what a screen reader gets of it. */
export function Chart({ title, times, lines, words, objective, height = 140 }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const data = [times, ...lines.map(({ values }) => values)] as unknown as uPlot.AlignedData
  const newestData = useRef(data)
  newestData.current = data
  const theme = shownTheme.value
  const names = lines.map(({ name, colour }) => `${name}=${colour}`).join()

  // a chart is made anew for other lines or colours; data is set.
  useEffect(() => {
    const element = place.current
    if (!element) return
    let gone = false
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }))
    void import('./chart-plot.ts').then(({ draw }) => {
      if (gone) return
      plot.current = draw(element, newestData.current, { lines, words, objective, height })
      resized.observe(element)
    })
    return () => {
      gone = true
      resized.disconnect()
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [names, theme, height, objective])
  useEffect(() => plot.current?.setData(newestData.current))

  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        {lines.map(({ name, colour, values }) => {
          const newest = values.findLast((value) => value !== null)
          return (
            <span key={name} class="chart-newest">
              <i class="swatch" style={{ background: `var(--${colour})` }} /> {name}{' '}
              <b>{newest === undefined || newest === null ? 'none yet' : words(newest)}</b>
            </span>
          )
        })}
        {objective !== undefined && <span class="chart-newest quiet">objective {words(objective)}</span>}
      </figcaption>
      <div ref={place} class="chart-plot" aria-hidden="true" style={{ minHeight: `${height}px` }} />
    </figure>
  )
}
