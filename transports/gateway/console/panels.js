import { byId } from './dom.js'

/** The two panels beside the conversation. On a narrow page both lie over it, and one who opens one must get out again. */

const narrow = matchMedia('(max-width: 800px)')

export class Panels {
  #onJournal

  /** `onJournal()`: the journal is shown now. */
  constructor(onJournal) {
    this.#onJournal = onJournal
    byId('menu').addEventListener('click', () => this.#openDrawer())
    byId('backdrop').addEventListener('click', () => this.closeDrawer())
    byId('journal-toggle').addEventListener('click', () => this.toggleJournal())
    byId('journal-close').addEventListener('click', () => this.#closeJournal())
    narrow.addEventListener('change', () => this.closeDrawer())
  }

  /** What Esc closes, if anything; `busy`: Esc in the composer is wanted for stopping a turn. */
  escape(busy) {
    if (this.#drawerOpen) {
      this.closeDrawer()
      return true
    }
    const journal = byId('journal')
    if (journal.hidden) return false
    if (busy && !narrow.matches && !journal.contains(document.activeElement)) return false
    this.#closeJournal()
    return true
  }

  closeDrawer() {
    if (!this.#drawerOpen) return
    this.#drawer(false)
    byId('menu').focus()
  }

  toggleJournal() {
    if (!byId('journal').hidden) return this.#closeJournal()
    this.#journal(true)
    if (narrow.matches) byId('journal-close').focus()
    this.#onJournal()
  }

  #closeJournal() {
    const typing = document.activeElement === byId('text')
    this.#journal(false)
    if (!typing) byId('journal-toggle').focus()
  }

  #journal(shown) {
    byId('journal').hidden = !shown
    byId('journal-toggle').setAttribute('aria-pressed', String(shown))
  }

  get #drawerOpen() {
    return !byId('backdrop').hidden
  }

  #openDrawer() {
    this.#drawer(true)
    byId('new').focus()
  }

  #drawer(open) {
    byId('backdrop').hidden = !open
    byId('sessions').classList.toggle('open', open)
    byId('menu').setAttribute('aria-expanded', String(open))
    byId('main').inert = open
  }
}
