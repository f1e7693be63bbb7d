import { element } from './dom.js'

/** Every journaled event with its seq and time; its JSON is laid out only when it is unfolded. */
export class JournalView {
  #list
  #count
  #seen = 0

  constructor(list, count) {
    this.#list = list
    this.#count = count
  }

  clear() {
    this.#seen = 0
    this.#list.replaceChildren()
    this.#count.textContent = ''
  }

  event(event, seq, at) {
    this.#seen++
    this.#count.textContent = `${this.#seen} events`
    const time = at ? new Date(at) : new Date()
    const row = element(
      'details',
      {},
      element(
        'summary',
        {},
        element('span', {}, String(seq)),
        element('time', { dateTime: time.toISOString() }, time.toLocaleTimeString()),
        element('span', {}, event.type),
      ),
    )
    row.addEventListener('toggle', () => row.append(element('pre', {}, JSON.stringify(event, null, 2))), { once: true })
    const atEnd = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < 100
    this.#list.append(element('li', {}, row))
    if (atEnd) this.#list.scrollTop = this.#list.scrollHeight
  }
}
