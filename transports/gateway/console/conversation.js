import { element, pretty } from './dom.js'
import { decisionWords } from './event-summary.js'
import { PinnedEnd } from './pinned-end.js'

/**
 * The conversation as a person reads it, built from events; previews fill the answer in progress.
 *   V1. A message stands right above its own answer: until its turn starts it waits below all that is shown.
 */
export class Conversation {
  #root
  #end
  #waiting = new Map()
  #answers = new Map()
  #tools = new Map()

  constructor(root) {
    this.#root = root
    this.#end = new PinnedEnd(root)
    this.clear()
  }

  clear(hint = 'Ask something to begin.') {
    this.#answers.clear()
    this.#tools.clear()
    this.#waiting.clear()
    this.#end.toEnd()
    this.#root.replaceChildren(element('p', { className: 'empty' }, hint))
  }

  /** For one who has just spoken, wherever they were reading. */
  showNewest() {
    this.#end.toEnd()
  }

  event({ type, message, metadata }) {
    switch (type) {
      case 'user.message':
        return this.#accepted(metadata, message || `(${metadata.action ?? 'tool results'})`)
      case 'user.intervention':
        return this.#add(element('div', { className: 'message user' }, message))
      case 'turn.started':
        return this.#begun(metadata)
      case 'assistant.started':
        return this.#settle(metadata)
      case 'assistant.restarted':
        this.#drop(metadata)
        if (metadata.reason === 'next') return
        return this.#aside(`The answer was lost and is being asked for again (attempt ${metadata.attempt}).`)
      case 'assistant.thinking':
        return this.#said(metadata, message)
      case 'tool.start':
        return this.#toolStarted(metadata)
      case 'tool.result':
        return this.#toolEnded(metadata, message)
      case 'assistant.final':
        return this.#final(metadata, message)
      case 'session.injected':
        return this.#aside(`Injected by ${metadata.by}: ${message} (${metadata.why})`)
      case 'session.step_mode':
        return this.#aside(`Step mode ${metadata.on ? 'on' : 'off'}: ${metadata.by} (${metadata.why})`)
      case 'step.held':
        return this.#aside('Held: an operator takes this step by step.')
      case 'session.persona':
        return this.#aside(`Persona: ${metadata.persona_id}`)
      case 'session.paused':
        return this.#aside('Paused')
      case 'session.resumed':
        return this.#aside('Resumed')
      case 'session.reset':
        return this.clear('The conversation was reset.')
      case 'session.deleted':
        return this.#aside('The session was deleted.', true)
    }
  }

  preview({ metadata }) {
    const answer = this.#answer(metadata)
    const { offset, delta, attempt } = metadata
    if (answer.dataset.attempt !== String(attempt)) {
      answer.dataset.attempt = String(attempt)
      answer.textContent = ''
    }
    // After a reconnect the first delta starts at 0 and holds all the text so far.
    if (offset === answer.textContent.length) answer.append(delta)
    else answer.textContent = answer.textContent.slice(0, offset) + delta
    this.#end.grown()
  }

  #accepted({ turn_id }, text) {
    const said = element('div', { className: 'message user waiting' }, text)
    this.#root.querySelector('.empty')?.remove()
    this.#root.append(said)
    this.#waiting.set(turn_id, said)
    this.#end.grown()
  }

  #begun({ turn_id }) {
    const said = this.#waiting.get(turn_id)
    if (!said) return
    this.#waiting.delete(turn_id)
    said.classList.remove('waiting')
    this.#add(said)
  }

  #answer({ turn_id, step }) {
    const name = `${turn_id}/${step}`
    let answer = this.#answers.get(name)
    if (!answer) {
      answer = element('div', { className: 'message assistant streaming' })
      this.#answers.set(name, answer)
      this.#add(answer)
    }
    return answer
  }

  #said(metadata, text) {
    if (text === '') return
    const answer = this.#answer(metadata)
    answer.textContent = text
    answer.classList.remove('streaming')
    this.#end.grown()
  }

  #settle({ turn_id, step }) {
    for (const [name, answer] of this.#answers) {
      if (name.startsWith(`${turn_id}/`) && name !== `${turn_id}/${step}`) answer.classList.remove('streaming')
    }
  }

  #drop({ turn_id, step }) {
    const name = `${turn_id}/${step}`
    this.#answers.get(name)?.remove()
    this.#answers.delete(name)
  }

  #final(metadata, text) {
    this.#begun(metadata) // A turn may be stopped while it waits.
    const failed = metadata.outcome === 'failed'
    const mine = [...this.#answers].filter(([name]) => name.startsWith(`${metadata.turn_id}/`))
    const last = mine.at(-1)?.[1]
    for (const [, answer] of mine) answer.classList.remove('streaming')
    if (failed) this.#aside(`${metadata.code}: ${metadata.detail ?? text}`, true)
    else if (last && (last.textContent === text || text.startsWith(last.textContent))) last.textContent = text
    else if (text !== '') this.#add(element('div', { className: 'message assistant' }, text))
    if (metadata.outcome === 'stopped') this.#aside('Stopped')
    this.#end.grown()
  }

  #toolStarted({ call_id, tool_name, args }) {
    const status = element('span', { className: 'status', dataset: { status: 'running' } }, 'running…')
    const body = element('dl', {}, element('dt', {}, 'Arguments'), element('dd', {}, element('pre', {}, pretty(args))))
    const call = element(
      'details',
      { className: 'tool' },
      element('summary', {}, status, element('code', {}, tool_name)),
      body,
    )
    this.#tools.set(call_id, { call, status, body })
    this.#add(call)
  }

  #toolEnded(metadata, output) {
    if (!this.#tools.has(metadata.call_id)) this.#toolStarted({ ...metadata, args: metadata.args ?? {} })
    const { status, body } = this.#tools.get(metadata.call_id)
    status.dataset.status = metadata.status
    status.textContent = `${metadata.status} · ${Math.round((metadata.execution_time ?? 0) * 1000)} ms`
    const { decision } = metadata
    if (decision) {
      const words = `${decisionWords(decision)}: ${decision.reason}`
      body.append(element('dt', {}, 'Decision'), element('dd', {}, words))
    }
    body.append(element('dt', {}, 'Output'), element('dd', {}, element('pre', {}, pretty(output))))
    this.#end.grown()
  }

  #aside(text, bad = false) {
    this.#add(element('p', { className: bad ? 'aside bad' : 'aside' }, text))
  }

  #add(node) {
    this.#root.querySelector('.empty')?.remove()
    // V1. The waiting are in the order of their turns, so the first of them is the end of what is shown.
    const [next] = this.#waiting.values()
    this.#root.insertBefore(node, next ?? null)
    this.#end.grown()
  }
}
