import { get, post } from './api.js'
import { element } from './dom.js'

/**
 * The persona select: in a session it shows the session's persona, before one the persona it shall begin with.
 *   C1. A session's persona changes by the person's choice alone: no message carries one once the session is there.
 *   C2. What the journal says wins over what was chosen, so that a refused switch is not shown as done.
 */
export class PersonaChoice {
  #select
  #usual = ''
  #sessionId
  #current

  /** `attempt(work)` shows what fails. */
  constructor(select, attempt) {
    this.#select = select
    select.addEventListener('change', () => attempt(() => this.#switch()))
  }

  async load() {
    const { default: usual, personas } = await get('/v1/personas')
    this.#usual = usual
    this.#select.replaceChildren(...personas.map(({ id, name }) => element('option', { value: id }, name)))
    this.#show(this.#current ?? usual)
  }

  /** Before a session: what the first message is to carry. In one: nothing (C1). */
  get forFirstMessage() {
    return this.#sessionId ? undefined : this.#select.value || undefined
  }

  session(id, personaId) {
    this.#sessionId = id
    this.#current = personaId
    this.#show(personaId ?? this.#usual)
  }

  event({ type, metadata }) {
    if (type !== 'session.started' && type !== 'session.persona') return
    this.#current = metadata.persona_id
    this.#show(metadata.persona_id)
  }

  async #switch() {
    const id = this.#sessionId
    if (!id) return
    try {
      await post(`/v1/sessions/${id}/persona`, { persona_id: this.#select.value })
    } catch (error) {
      if (id === this.#sessionId) this.#show(this.#current) // C2
      throw error
    }
  }

  #show(id) {
    const known = [...this.#select.options].some(({ value }) => value === id)
    // A session may outlive the file of its persona.
    if (id && !known) this.#select.append(element('option', { value: id }, id))
    this.#select.value = id
  }
}
