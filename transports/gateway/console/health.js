import { element } from './dom.js'

/** What the service needs, and how it is: one line, opened for the rest. As /readyz says it. */

const AGAIN_MS = 30_000

export class Health {
  #root

  constructor(root) {
    this.#root = root
    void this.#look()
    setInterval(() => document.hidden || void this.#look(), AGAIN_MS)
    // Who opens it wants to know how it is now.
    root.addEventListener('toggle', () => root.open && void this.#look())
  }

  async #look() {
    // 503 is an answer as well: it is the one with something to read.
    const report = await fetch('/readyz')
      .then((answer) => answer.json())
      .catch(() => undefined)
    if (!report?.dependencies) return this.#show('bad', 'The service does not answer', [])
    const { dependencies } = report
    const missing = dependencies.filter(({ ok }) => !ok)
    const state = report.status !== 'ready' ? 'bad' : missing.length > 0 ? 'degraded' : 'good'
    const words = missing.length === 0 ? 'All is well' : `Without ${missing.map(({ name }) => name).join(', ')}`
    this.#show(state, words, dependencies)
  }

  #show(state, words, dependencies) {
    this.#root.dataset.state = state
    this.#root.querySelector('summary span').textContent = words
    this.#root.querySelector('ul').replaceChildren(...dependencies.map(row))
  }
}

function row({ name, ok, required, detail, remedy }) {
  const state = ok ? 'good' : required ? 'bad' : 'degraded'
  return element(
    'li',
    { dataset: { state } },
    element('b', {}, name),
    ` ${detail}`,
    ...(remedy ? [element('span', { className: 'remedy' }, remedy)] : []),
  )
}
