import { setImmediate as nextTurn } from 'node:timers/promises'
import { Parser } from 'htmlparser2'

/**
 * The readable text of an HTML page, for a model: headings, lists, tables and links in plain signs, no scripts.
 * It works in the process of the actors, on pages that a stranger wrote, so it streams: a slice, then everybody else's
 * turn. A library that builds the page's tree first (html-to-text) held the process for 430 ms on an ordinary page of
 * a megabyte and for 5.7 s on one made of nested tables.
 */
export async function htmlText(html: string, signal: AbortSignal): Promise<string> {
  const writer = new TextWriter()
  const parser = new Parser({
    onopentag: (name, attributes) => writer.open(name, attributes),
    ontext: (text) => writer.text(text),
    onclosetag: (name) => writer.close(name),
  })
  for (let at = 0; at < html.length && !writer.isFull; at += SLICE) {
    parser.write(html.slice(at, at + SLICE))
    await nextTurn()
    signal.throwIfAborted()
  }
  if (!writer.isFull) parser.end()
  return writer.result()
}

const SLICE = 4_096
/** Far more than any tool answers with: nobody would read the rest. */
const MAX_TEXT = 200_000
/** Browsers stop nesting at 512. The parser's work per tag grows with its depth. */
const MAX_DEPTH = 512

const SKIPPED = new Set(['script', 'style', 'noscript', 'svg', 'iframe', 'template', 'nav', 'object', 'canvas'])
const PARAGRAPHS = new Set(
  'title p h1 h2 h3 h4 h5 h6 ul ol dl table blockquote pre article section main header footer aside form figure'.split(
    ' ',
  ),
)
const LINES = new Set('div br hr li tr dt dd option figcaption address'.split(' '))

class TextWriter {
  /** In pieces: looking at the end of one long string would copy all of it at every link. */
  readonly #pieces: string[] = []
  #length = 0
  #depth = 0
  #skipping = 0
  #preformatted = 0
  readonly #links: { readonly href: string; readonly from: number }[] = []
  /** What separates the text so far from the next word, written only when there is one. */
  #gap: '' | ' ' | '\n' | '\n\n' = ''
  #mark = ''

  get isFull(): boolean {
    return this.#length > MAX_TEXT || this.#depth > MAX_DEPTH
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    this.#depth++
    if (SKIPPED.has(name)) this.#skipping++
    if (this.#skipping > 0) return
    this.#separate(name)
    if (name === 'pre') this.#preformatted++
    else if (name === 'li') this.#mark = '- '
    else if (/^h[1-6]$/.test(name)) this.#mark = `${'#'.repeat(Number(name[1]))} `
    else if ((name === 'td' || name === 'th') && this.#gap !== '\n' && this.#gap !== '\n\n') this.#mark = '| '
    else if (name === 'a') this.#links.push({ href: attributes.href ?? '', from: this.#length })
  }

  close(name: string): void {
    this.#depth--
    if (SKIPPED.has(name)) this.#skipping--
    if (this.#skipping > 0) return
    if (name === 'pre') this.#preformatted--
    if (name === 'a') this.#closeLink()
    if (name === 'td' || name === 'th') this.#widen(' ')
    this.#separate(name)
  }

  text(text: string): void {
    if (this.#skipping > 0 || this.isFull) return
    if (this.#preformatted > 0) {
      this.#write(text)
      return
    }
    const words = text.replace(/\s+/g, ' ')
    if (words.startsWith(' ')) this.#widen(' ')
    const trimmed = words.trim()
    if (trimmed !== '') this.#write(trimmed)
    if (words.endsWith(' ')) this.#widen(' ')
  }

  result(): string {
    const text = this.#pieces.join('').trim()
    return text === '' ? '(no readable text)' : text
  }

  #separate(name: string): void {
    if (PARAGRAPHS.has(name)) this.#widen('\n\n')
    else if (LINES.has(name)) this.#widen('\n')
  }

  #widen(gap: ' ' | '\n' | '\n\n'): void {
    const order = ['', ' ', '\n', '\n\n']
    if (order.indexOf(gap) > order.indexOf(this.#gap)) this.#gap = gap
  }

  #write(text: string): void {
    const piece = `${this.#gap}${this.#mark}${text}`
    this.#gap = ''
    this.#mark = ''
    this.#pieces.push(piece)
    this.#length += piece.length
  }

  /** Where a link leads, behind its words; unless it leads nowhere or the words say it already. */
  #closeLink(): void {
    const link = this.#links.pop()
    if (!link || link.from === this.#length || !/^(https?:|\/|\.|[\w-]+[./])/i.test(link.href)) return
    if (this.#pieces.at(-1)?.endsWith(link.href)) return
    this.#write(this.#gap === '' ? ` [${link.href.slice(0, 500)}]` : `[${link.href.slice(0, 500)}]`)
  }
}
