import hljs from 'highlight.js/lib/core'
import bash from 'highlight.js/lib/languages/bash'
import css from 'highlight.js/lib/languages/css'
import diff from 'highlight.js/lib/languages/diff'
import javascript from 'highlight.js/lib/languages/javascript'
import json from 'highlight.js/lib/languages/json'
import python from 'highlight.js/lib/languages/python'
import sql from 'highlight.js/lib/languages/sql'
import typescript from 'highlight.js/lib/languages/typescript'
import xml from 'highlight.js/lib/languages/xml'
import yaml from 'highlight.js/lib/languages/yaml'

/** Loaded with the first block of code. */
const languages = { bash, css, diff, javascript, json, python, sql, typescript, xml, yaml }
for (const [name, language] of Object.entries(languages)) hljs.registerLanguage(name, language)

const MOST_CHARACTERS = 50_000

/** Colours the blocks of code inside; names its language only where one was given. */
export function highlightIn(element: HTMLElement): void {
  for (const code of element.querySelectorAll<HTMLElement>('pre > code')) {
    const language = /language-(\S+)/.exec(code.className)?.[1]
    const text = code.textContent ?? ''
    if (!language || !hljs.getLanguage(language) || text.length > MOST_CHARACTERS || code.dataset.coloured) continue
    // highlight.js escapes the text it is given; what it returns holds only its own spans.
    code.innerHTML = hljs.highlight(text, { language, ignoreIllegals: true }).value
    code.dataset.coloured = language
  }
}
