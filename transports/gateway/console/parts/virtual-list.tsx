import type { ComponentChildren } from 'preact'
import { useEffect, useId } from 'preact/hooks'
import { moved, useWindow } from './window.ts'

interface VirtualListProps<Row> {
  readonly label: string
  readonly rows: readonly Row[]
  /** Pixels; every row has it. */
  readonly rowHeight: number
  keyOf(row: Row): string
  render(row: Row, index: number): ComponentChildren
  /** Index of the current row; -1: none. */
  readonly current: number
  /** By key or click. */
  onMove(index: number): void
  /** Enter, or a click: the row is wanted, not only looked at. */
  onOpen?(index: number): void
  /** The end of the rows comes near: time for the next page. */
  onNearEnd?(): void
  readonly class?: string
}

/** A list of any length, walked with j/k, arrows, Page keys, Home and End. Rows hold words, nothing to click. */
export function VirtualList<Row>(props: VirtualListProps<Row>) {
  const { label, rows, rowHeight, keyOf, render, current, onMove, onOpen, onNearEnd, class: name = '' } = props
  const { box, from, to, height, page, reveal } = useWindow(rows.length, rowHeight)
  const id = useId()
  // revealed when another is current, not when rows come.
  useEffect(() => reveal(current), [current])
  useEffect(() => {
    if (rows.length > 0 && to >= rows.length - 20) onNearEnd?.()
  }, [to, rows.length, onNearEnd])

  return (
    <div
      ref={box}
      class={`virtual ${name}`}
      role="listbox"
      tabIndex={0}
      aria-label={label}
      aria-activedescendant={current >= from && current < to ? `${id}-${current}` : undefined}
      onKeyDown={(event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return
        const next = moved(event.key, current, rows.length, page)
        if (next !== undefined && rows.length > 0) onMove(next)
        else if (event.key === 'Enter' && current >= 0) onOpen?.(current)
        else return
        event.preventDefault()
        event.stopPropagation()
      }}
    >
      <div role="presentation" class="virtual-rows" style={{ height: `${height}px` }}>
        {rows.slice(from, to).map((row, offset) => {
          const index = from + offset
          return (
            <div
              key={keyOf(row)}
              id={`${id}-${index}`}
              class="virtual-row"
              role="option"
              aria-selected={index === current}
              aria-posinset={index + 1}
              aria-setsize={rows.length}
              style={{ height: `${rowHeight}px`, transform: `translateY(${index * rowHeight}px)` }}
              onClick={() => {
                onMove(index)
                onOpen?.(index)
              }}
            >
              {render(row, index)}
            </div>
          )
        })}
      </div>
    </div>
  )
}
