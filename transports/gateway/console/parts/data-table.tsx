import type { ComponentChildren } from 'preact'
import { useEffect, useId } from 'preact/hooks'
import { moved, useWindow } from './window.ts'

export interface Column<Row> {
  readonly name: string
  /** A track of a CSS grid: `1fr`, `8rem`, `minmax(12rem, 2fr)`. */
  readonly width: string
  readonly align?: 'end'
  cell(row: Row): ComponentChildren
}

/** Pixels; the head stays in sight over the rows. */
const HEAD = 30

interface DataTableProps<Row> {
  readonly label: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  keyOf(row: Row): string
  /** Index of the current row; -1: none. */
  readonly current: number
  onMove(index: number): void
  /** Enter, or a double click. */
  onOpen?(index: number): void
  onNearEnd?(): void
  /** Pixels; 32 unless told. */
  readonly rowHeight?: number
}

/** A table of any length with one current row, walked as a list is. What is done to a row stands beside the table. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { label, columns, rows, keyOf, current, onMove, onOpen, onNearEnd, rowHeight = 32 } = props
  const { box, from, to, height, page, reveal } = useWindow(rows.length, rowHeight, HEAD)
  const id = useId()
  const tracks = { gridTemplateColumns: columns.map(({ width }) => width).join(' ') }
  // revealed when another is current, not when rows come.
  useEffect(() => reveal(current), [current])
  useEffect(() => {
    if (rows.length > 0 && to >= rows.length - 20) onNearEnd?.()
  }, [to, rows.length, onNearEnd])

  return (
    <div
      ref={box}
      class="data-table"
      role="grid"
      tabIndex={0}
      aria-label={label}
      aria-rowcount={rows.length + 1}
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
      <div role="row" class="data-head" style={tracks} aria-rowindex={1}>
        {columns.map(({ name, align }) => (
          <span key={name} role="columnheader" data-align={align}>
            {name}
          </span>
        ))}
      </div>
      <div role="presentation" class="virtual-rows" style={{ height: `${height}px` }}>
        {rows.slice(from, to).map((row, offset) => {
          const index = from + offset
          return (
            <div
              key={keyOf(row)}
              id={`${id}-${index}`}
              class="virtual-row data-row"
              role="row"
              aria-rowindex={index + 2}
              aria-selected={index === current}
              style={{ ...tracks, height: `${rowHeight}px`, transform: `translateY(${index * rowHeight}px)` }}
              onClick={() => onMove(index)}
              onDblClick={() => onOpen?.(index)}
            >
              {columns.map(({ name, align, cell }) => (
                <span key={name} role="gridcell" data-align={align}>
                  {cell(row)}
                </span>
              ))}
            </div>
          )
        })}
      </div>
    </div>
  )
}
