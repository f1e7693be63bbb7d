import { element } from './dom.js'
import { summaryOf } from './event-summary.js'
import { PinnedEnd } from './pinned-end.js'

const SUMMARY = 300

/** Every journaled event with its seq, its gist and its time; its JSON is laid out only when it is unfolded. */
export class JournalView {
  #list
  #count
  #end
  #seen = 0

  constructor(list, count) {
    this.#list = list
    this.#count = count
    this.#end = new PinnedEnd(list)
  }

  clear() {
    this.#seen = 0
    this.#list.replaceChildren()
    this.#count.textContent = ''
    this.#end.toEnd()
  }

  showNewest() {
    this.#end.toEnd()
  }

  event(event, seq, at) {
    this.#seen++
    this.#count.textContent = this.#seen === 1 ? '1 event' : `${this.#seen} events`
    const time = at ? new Date(at) : new Date()
    const row = element(
      'details',
      {},
      element(
        'summary',
        {},
        element('span', { className: 'seq' }, String(seq)),
        element('span', { className: 'type' }, event.type),
        element('span', { className: 'gist' }, summaryOf(event).slice(0, SUMMARY)),
        element('time', { dateTime: time.toISOString() }, time.toLocaleTimeString([], { hour12: false })),
      ),
    )
    row.addEventListener('toggle', () => row.append(element('pre', {}, JSON.stringify(event, null, 2))), { once: true })
    this.#list.append(element('li', {}, row))
    this.#end.grown()
  }
}
