/** A page of a document: as its format has it, or a stretch of text of a like length. */
export interface Page {
  /** From 1. */
  readonly number: number
  readonly text: string
}

/** Of formats without pages: about two printed ones, short enough that a page is never cut. */
const PAGE_CHARACTERS = 4_000

/** Cut at the ends of lines where there are any. */
export function pagesOfText(text: string): Page[] {
  const pages: Page[] = []
  for (let from = 0; from < text.length || pages.length === 0; ) {
    const whole = from + PAGE_CHARACTERS
    const line = whole >= text.length ? text.length : text.lastIndexOf('\n', whole) + 1
    const to = line > from + PAGE_CHARACTERS / 2 ? line : Math.min(whole, text.length)
    pages.push({ number: pages.length + 1, text: text.slice(from, to) })
    from = to
  }
  return pages
}

export interface Wanted {
  readonly from: number
  readonly to: number
}

/** `3` or `3-7` or `3-`. Undefined: not that. */
export function wantedPages(pages: string | undefined): Wanted | undefined {
  if (pages === undefined) return { from: 1, to: Number.POSITIVE_INFINITY }
  const [, first, dash, last] = /^\s*(\d{1,6})\s*(-?)\s*(\d{0,6})\s*$/.exec(pages) ?? []
  if (first === undefined || (dash === '' && last !== '')) return undefined
  const from = Number(first)
  const to = dash === '' ? from : last === '' ? Number.POSITIVE_INFINITY : Number(last)
  return from >= 1 && to >= from ? { from, to } : undefined
}

/**
 * As many whole pages as fit, of those that were read; the first is cut when not even that does. What is left out of the
 * wanted ones is said, with how to get it.
 */
export function shownPages(pages: readonly Page[], total: number, wanted: Wanted, maxCharacters: number): string {
  const shown: string[] = []
  let room = maxCharacters
  let last = 0
  for (const { number, text } of pages) {
    if (text.length > room && shown.length > 0) break
    shown.push(`--- page ${number} of ${total} ---\n${text.slice(0, room).trim() || '(no text on this page)'}`)
    room -= text.length
    last = number
    if (room < 0) {
      shown.push(
        `[cut: page ${number} has ${text.length} characters, the first ${maxCharacters} are above; ask for it again with a larger max_characters]`,
      )
      break
    }
  }
  const end = Math.min(wanted.to, total)
  if (last < end)
    shown.push(`[cut: pages ${last + 1} to ${end} are left out; ask for pages "${last + 1}-${end}" to go on]`)
  return shown.join('\n\n')
}
