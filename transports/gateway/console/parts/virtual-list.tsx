import type { ComponentChildren } from 'preact'
import { useWalkedRows, type Walked } from './walked-rows.ts'

interface VirtualListProps<Row> extends Walked<Row> {
  /** Pixels; every row has it. */
  readonly rowHeight: number
  render(row: Row, index: number): ComponentChildren
  readonly class?: string
}

/** A list of any length, walked with j/k, arrows, Page keys, Home and End. Rows hold words, nothing to click. */
export function VirtualList<Row>(props: VirtualListProps<Row>) {
  const { rows, rowHeight, render, class: name = '' } = props
  const { box, block, drawn } = useWalkedRows(props, { rowHeight, opensBy: 'click' })
  return (
    <div {...box} class={`walked ${name}`} role="listbox">
      <div {...block} role="presentation">
        {drawn.map(({ row, index, key, attributes, place }) => (
          <div
            key={key}
            {...attributes}
            class="walked-row"
            role="option"
            aria-posinset={index + 1}
            aria-setsize={rows.length}
            style={place}
          >
            {render(row, index)}
          </div>
        ))}
      </div>
    </div>
  )
}
