import { useEffect, useRef, useState } from 'preact/hooks'
import { toast } from '../shell/toasts.tsx'

type ToHtml = (text: string) => string
let toHtml: ToHtml | undefined
const ready = import('./markdown.ts').then(({ markdownHtml }) => {
  toHtml = markdownHtml
})

/** An answer as markdown; as it came until the code for that is there. Code is coloured when it is all said. */
export function AnswerText({ text, streaming }: { readonly text: string; readonly streaming: boolean }) {
  const element = useRef<HTMLDivElement>(null)
  const [, redraw] = useState(toHtml !== undefined)
  useEffect(() => {
    if (!toHtml) void ready.then(() => redraw(true))
  }, [])
  const html = toHtml?.(text)
  useEffect(() => {
    const place = element.current
    if (streaming || html === undefined || !place?.querySelector('pre > code')) return
    for (const block of place.querySelectorAll('pre')) addCopy(block)
    void import('./highlight.ts').then(({ highlightIn }) => highlightIn(place))
  }, [html, streaming])
  if (html === undefined) return <div class="answer plain">{text}</div>
  // cleaned by DOMPurify (M1 of markdown.ts).
  return <div ref={element} class="answer" dangerouslySetInnerHTML={{ __html: html }} />
}

function addCopy(block: HTMLPreElement): void {
  if (block.querySelector('button')) return
  const text = block.textContent ?? ''
  const copy = document.createElement('button')
  copy.type = 'button'
  copy.className = 'copy'
  copy.textContent = 'Copy'
  copy.addEventListener('click', () => {
    // The clipboard is there only on https and localhost.
    if (!navigator.clipboard) return toast('This browser lets only https pages copy.', 'bad')
    void navigator.clipboard.writeText(text).then(() => toast('Copied.'))
  })
  block.append(copy)
}
