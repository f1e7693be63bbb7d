import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { Line } from './chart.tsx'

interface Drawing {
  readonly lines: readonly Line[]
  words(value: number): string
  readonly objective: number | undefined
  readonly height: number
}

/** uPlot with our colours; loaded with the first chart. */
export function draw(place: HTMLElement, data: uPlot.AlignedData, { lines, words, objective, height }: Drawing): uPlot {
  const style = getComputedStyle(place)
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim()
  const axis = { stroke: colour('ink-3'), grid: { stroke: colour('line'), width: 1 }, ticks: { show: false } }
  return new uPlot(
    {
      width: place.clientWidth,
      height,
      legend: { show: false },
      cursor: { y: false, points: { size: 6 } },
      padding: [8, 8, 0, 0],
      axes: [
        { ...axis, font: `11px ${style.fontFamily}` },
        { ...axis, size: 64, font: `11px ${style.fontFamily}`, values: (_plot, ticks) => ticks.map(words) },
      ],
      scales: {
        y: { range: (_plot, _low, high) => [0, Math.max(high ?? 0, objective ?? 0, Number.MIN_VALUE) * 1.1] },
      },
      series: [
        {},
        ...lines.map(({ name, colour: token }) => ({
          label: name,
          stroke: colour(token),
          width: 1.5,
          spanGaps: false,
        })),
      ],
      hooks: { draw: objective === undefined ? [] : [(plot) => drawObjective(plot, objective, colour('warn'))] },
    },
    data,
    place,
  )
}

function drawObjective({ ctx, bbox, valToPos }: uPlot, objective: number, colour: string): void {
  const y = valToPos(objective, 'y', true)
  ctx.save()
  ctx.strokeStyle = colour
  ctx.setLineDash([4, 4])
  ctx.beginPath()
  ctx.moveTo(bbox.left, y)
  ctx.lineTo(bbox.left + bbox.width, y)
  ctx.stroke()
  ctx.restore()
}
