import type { ComponentChildren } from 'preact'
import { useWalkedRows, type Walked } from './walked-rows.ts'

export interface Column<Row> {
  readonly name: string
  /** A track of a CSS grid: `1fr`, `8rem`, `minmax(12rem, 2fr)`. */
  readonly width: string
  readonly align?: 'end'
  cell(row: Row): ComponentChildren
}

/** Pixels; as styles/rows.css has it. */
const HEAD = 30

interface DataTableProps<Row> extends Walked<Row> {
  readonly columns: readonly Column<Row>[]
  /** Pixels; 32 unless told. */
  readonly rowHeight?: number
}

/** A table of any length with one current row, walked as a list is. What is done to a row stands beside the table. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { columns, rows, rowHeight = 32 } = props
  const { box, block, drawn } = useWalkedRows(props, { rowHeight, head: HEAD, opensBy: 'double click' })
  const tracks = { gridTemplateColumns: columns.map(({ width }) => width).join(' ') }
  return (
    <div {...box} class="walked" role="grid" aria-rowcount={rows.length + 1}>
      <div role="row" class="data-head" style={tracks} aria-rowindex={1}>
        {columns.map(({ name, align }) => (
          <span key={name} role="columnheader" data-align={align}>
            {name}
          </span>
        ))}
      </div>
      <div {...block} role="presentation">
        {drawn.map(({ row, index, key, attributes, place }) => (
          <div
            key={key}
            {...attributes}
            class="walked-row data-row"
            role="row"
            aria-rowindex={index + 2}
            style={{ ...tracks, ...place }}
          >
            {columns.map(({ name, align, cell }) => (
              <span key={name} role="gridcell" data-align={align}>
                {cell(row)}
              </span>
            ))}
          </div>
        ))}
      </div>
    </div>
  )
}
