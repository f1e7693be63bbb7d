import { useEffect, useId } from 'preact/hooks'
import { moved, useWindow } from './window.ts'

/** What a list and a table have in common: rows of one height, one of them current, walked by keys. */
export interface Walked<Row> {
  readonly label: string
  readonly rows: readonly Row[]
  keyOf(row: Row): string
  /** Index of the current row; -1: none. */
  readonly current: number
  /** By key or click. */
  onMove(index: number): void
  /** Enter, or what `opensBy` says: the row is wanted, not only looked at. */
  onOpen?(index: number): void
  /** The end of the rows comes near: time for the next page. */
  onNearEnd?(): void
}

interface Shape {
  /** Pixels; every row has it. */
  readonly rowHeight: number
  /** Pixels of what stays in sight over the rows. */
  readonly head?: number
  readonly opensBy: 'click' | 'double click'
}

/** Rows before the end, when the next page is asked for. */
const NEAR = 20

/**
 * Rows of any number, of which those in sight are drawn (window.ts). The box has the focus and one row stands for it, so that
 * a row that is not drawn need not be found: `aria-activedescendant` says which. What is given back are the attributes of
 * the box, of the block that is as high as all rows, and of each row to draw; roles are the caller's.
 */
export function useWalkedRows<Row>(walked: Walked<Row>, { rowHeight, head = 0, opensBy }: Shape) {
  const { label, rows, keyOf, current, onMove, onOpen, onNearEnd } = walked
  const { box, from, to, height, page, reveal } = useWindow(rows.length, rowHeight, head)
  const id = useId()
  // revealed when another is current, not when rows come.
  useEffect(() => reveal(current), [current])
  useEffect(() => {
    if (rows.length > 0 && to >= rows.length - NEAR) onNearEnd?.()
  }, [to, rows.length, onNearEnd])

  function onKeyDown(event: KeyboardEvent) {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const next = moved(event.key, current, rows.length, page)
    if (next !== undefined && rows.length > 0) onMove(next)
    else if (event.key === 'Enter' && current >= 0) onOpen?.(current)
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  return {
    box: {
      ref: box,
      tabIndex: 0,
      'aria-label': label,
      'aria-activedescendant': current >= from && current < to ? `${id}-${current}` : undefined,
      onKeyDown,
    },
    block: { class: 'walked-rows', style: { height: `${height}px` } },
    drawn: rows.slice(from, to).map((row, offset) => {
      const index = from + offset
      return {
        row,
        index,
        key: keyOf(row),
        attributes: {
          id: `${id}-${index}`,
          'aria-selected': index === current,
          onClick() {
            onMove(index)
            if (opensBy === 'click') onOpen?.(index)
          },
          onDblClick: () => opensBy === 'double click' && onOpen?.(index),
        },
        place: { height: `${rowHeight}px`, transform: `translateY(${index * rowHeight}px)` },
      }
    }),
  }
}
