import DOMPurify from 'dompurify'
import { Marked } from 'marked'

/**
 * A model's words as HTML that can do nothing: they may hold what a web page or a stranger put into them.
 *   M1. No script, style, form or frame; no picture either, for fetching one would tell its server what is on the screen.
 *   M2. Links open beside the console, tell nobody where they come from, and lead to http, https or mail alone.
 */
const marked = new Marked({ gfm: true, breaks: true, async: false })

const purify = DOMPurify()
purify.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName === 'A') {
    node.setAttribute('target', '_blank')
    node.setAttribute('rel', 'noopener noreferrer')
  }
  // What scrolls must be reached by keyboard.
  if (node.tagName === 'PRE' || node.tagName === 'TABLE') node.setAttribute('tabindex', '0')
})

export function markdownHtml(text: string): string {
  return purify.sanitize(marked.parse(text) as string, {
    USE_PROFILES: { html: true },
    FORBID_TAGS: ['img', 'picture', 'video', 'audio', 'form', 'input', 'button', 'textarea', 'select', 'style'],
    FORBID_ATTR: ['style', 'id', 'name'],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  })
}
