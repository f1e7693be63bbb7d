import { get } from './api.js'
import { element } from './dom.js'

/** The sessions, newest first, as far as the search lets them through. */
export class SessionList {
  #root
  #search
  #open
  #current
  #asked = 0

  /** `open(sessionId, title)` is called for the one that is chosen. */
  constructor(root, search, open) {
    this.#root = root
    this.#search = search
    this.#open = open
  }

  mark(sessionId) {
    this.#current = sessionId
    for (const row of this.#root.children) row.setAttribute('aria-current', String(row.dataset.id === sessionId))
  }

  /** The title of the current session, where it is among them. */
  async refresh() {
    const mine = ++this.#asked
    const search = this.#search.value.trim()
    const query = new URLSearchParams({ limit: '100', ...(search ? { search } : {}) })
    const { sessions } = await get(`/v1/sessions?${query}`)
    // An earlier question may be answered later.
    if (mine !== this.#asked) return undefined
    const focused = this.#root.contains(document.activeElement) && document.activeElement.dataset.id
    this.#root.replaceChildren(...sessions.map((session) => this.#row(session)))
    this.mark(this.#current)
    for (const row of this.#root.children) if (row.dataset.id === focused) row.focus()
    return sessions.find(({ session_id }) => session_id === this.#current)?.title
  }

  #row({ session_id, title, state, updated_at }) {
    const name = title || session_id.slice(0, 8)
    const when = new Date(updated_at).toLocaleString([], { dateStyle: 'short', timeStyle: 'short' })
    const row = element(
      'button',
      { type: 'button', dataset: { id: session_id } },
      element('b', {}, name),
      element('span', { className: 'quiet' }, state === 'idle' ? when : `${when} · ${state}`),
    )
    row.addEventListener('click', () => this.#open(session_id, title))
    return row
  }
}
