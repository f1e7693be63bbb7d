import { useLayoutEffect, useRef, useState } from 'preact/hooks'

const BEYOND = 8

/**
 * Which rows of a scrolled box are to be drawn, all rows being equally high: 10,000 rows cost what a screenful costs.
 * Rows are placed by `transform` inside a block as high as all of them, below a head of `head` pixels that stays in sight.
 */
export function useWindow(count: number, rowHeight: number, head = 0) {
  const box = useRef<HTMLDivElement>(null)
  const [seen, setSeen] = useState({ top: 0, height: 600 })

  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    let frame = 0
    const look = () => {
      frame = 0
      setSeen((before) =>
        before.top === element.scrollTop && before.height === element.clientHeight
          ? before
          : { top: element.scrollTop, height: element.clientHeight },
      )
    }
    const soon = () => {
      frame ||= requestAnimationFrame(look)
    }
    look()
    element.addEventListener('scroll', soon, { passive: true })
    const resized = new ResizeObserver(soon)
    resized.observe(element)
    return () => {
      element.removeEventListener('scroll', soon)
      resized.disconnect()
      cancelAnimationFrame(frame)
    }
  }, [])

  const from = Math.max(0, Math.floor(seen.top / rowHeight) - BEYOND)
  const to = Math.min(count, Math.ceil((seen.top + seen.height) / rowHeight) + BEYOND)

  function reveal(index: number) {
    const element = box.current
    if (!element || index < 0) return
    const top = index * rowHeight
    if (top < element.scrollTop) element.scrollTop = top
    else if (top + rowHeight + head > element.scrollTop + element.clientHeight) {
      element.scrollTop = top + rowHeight + head - element.clientHeight
    }
  }

  return {
    box,
    from,
    to,
    height: count * rowHeight,
    page: Math.max(1, Math.floor(seen.height / rowHeight) - 1),
    reveal,
  }
}

/** Where a key of a list leads from `index`; undefined: it is no such key. */
export function moved(key: string, index: number, count: number, page: number): number | undefined {
  const steps: Record<string, number> = {
    ArrowDown: index + 1,
    j: index + 1,
    ArrowUp: index - 1,
    k: index - 1,
    PageDown: index + page,
    PageUp: index - page,
    Home: 0,
    End: count - 1,
  }
  const to = steps[key]
  return to === undefined ? undefined : Math.max(0, Math.min(count - 1, to))
}
