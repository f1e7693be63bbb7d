import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'

/**
 * Keeps a scrolled box at its end for one who is there; reading back is not disturbed. Only scrolling up lets go:
 * growth, or a smaller box, is no wish to stay behind. `toEnd` for one who has just spoken.
 */
export function usePinnedEnd(grown: unknown) {
  const box = useRef<HTMLDivElement>(null)
  const pinned = useRef(true)
  const last = useRef(0)

  useEffect(() => {
    const element = box.current
    if (!element) return
    const toBottom = () => {
      if (pinned.current) element.scrollTop = element.scrollHeight
    }
    const scrolled = () => {
      const { scrollTop, clientHeight, scrollHeight } = element
      if (scrollHeight - scrollTop - clientHeight < 40) pinned.current = true
      else if (scrollTop < last.current) pinned.current = false
      last.current = scrollTop
    }
    element.addEventListener('scroll', scrolled, { passive: true })
    // The box by its window, its content by code that is coloured or a call that is unfolded.
    const resized = new ResizeObserver(toBottom)
    resized.observe(element)
    if (element.firstElementChild) resized.observe(element.firstElementChild)
    return () => {
      element.removeEventListener('scroll', scrolled)
      resized.disconnect()
    }
  }, [])
  // After each growth, before it is seen.
  useLayoutEffect(() => {
    const element = box.current
    if (element && pinned.current) element.scrollTop = element.scrollHeight
  }, [grown])

  return {
    box,
    toEnd() {
      pinned.current = true
      if (box.current) box.current.scrollTop = box.current.scrollHeight
    },
  }
}
