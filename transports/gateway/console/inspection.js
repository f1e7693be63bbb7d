import { get, post, put } from './api.js'
import { byId, element } from './dom.js'

const touches = ['step.held', 'step.released', 'step.edited', 'session.step_mode', 'session.reset', 'assistant.final']

/** Debugging one session: step mode with what it holds, messages put in, and dry runs. For the scope admin. */
export class Inspection {
  #session
  #asked = 0
  #pending
  #stepMode = false

  constructor() {
    byId('step-mode').addEventListener('click', () =>
      this.#attempt(() => post(this.#path('step-mode'), { on: !this.#stepMode, why: this.#why() })),
    )
    byId('step-next').addEventListener('click', () =>
      this.#attempt(() => post(this.#path('step'), { hold: this.#pending.hold })),
    )
    byId('inject-role').addEventListener('change', () => this.#shapeForm())
    byId('dry-run').addEventListener('click', () => this.#attempt(() => this.#dryRun()))
    byId('injection').addEventListener('submit', (event) => {
      event.preventDefault()
      void this.#attempt(async () => {
        await post(this.#path('inject'), { ...this.#message(), why: this.#why() })
        byId('inject-text').value = ''
      })
    })
    byId('inspection').addEventListener('toggle', () => this.refresh())
    this.#shapeForm()
  }

  session(id) {
    this.#session = id
    this.#show({ step_mode: false, pending: null })
    byId('dry-result').replaceChildren()
    byId('inspect-problem').hidden = true
    void this.refresh()
  }

  /** Live events only: the past changes nothing of what is held now. */
  event({ type }) {
    if (touches.includes(type)) void this.refresh()
  }

  async refresh() {
    if (!this.#session || !byId('inspection').open) return
    const mine = ++this.#asked
    await this.#attempt(async () => {
      const answer = await get(this.#path('pending'))
      if (mine === this.#asked) this.#show(answer)
    })
  }

  #path(what) {
    if (!this.#session) throw new Error('Open a session first.')
    return `/v1/sessions/${this.#session}/${what}`
  }

  #why() {
    const why = byId('inspect-why').value.trim()
    if (why !== '') return why
    byId('inspect-why').focus()
    throw new Error('Say why: the journal keeps it.')
  }

  #message() {
    const role = byId('inject-role').value
    if (role === 'control') return { role, command: byId('inject-command').value }
    const content = byId('inject-text').value
    if (content.trim() === '') throw new Error('The text is empty.')
    return role === 'tool' ? { role, content, call_id: byId('inject-call').value } : { role, content }
  }

  #shapeForm() {
    const role = byId('inject-role').value
    byId('inject-call').hidden = role !== 'tool'
    byId('inject-command').hidden = role !== 'control'
    byId('inject-text').hidden = role === 'control'
  }

  #show({ step_mode, paused, pending }) {
    this.#stepMode = step_mode
    this.#pending = pending
    byId('step-mode').setAttribute('aria-pressed', String(step_mode))
    byId('step-next').disabled = !pending || paused
    const waits = pending && (pending.before === 'model' ? 'before the model call' : 'before a tool call')
    byId('step-status').textContent = [paused && 'paused', waits && `held ${waits}`].filter(Boolean).join(', ')
    const rows = (pending?.messages ?? []).map(({ position, message }) =>
      this.#editable(message.role, message.content, (content) => ({ position, content })),
    )
    const calls = (pending?.calls ?? []).map(({ call_id, tool, arguments: args }) =>
      this.#editable(tool, args, (text) => ({ call_id, arguments: JSON.parse(text) })),
    )
    byId('pending').replaceChildren(...rows, ...calls)
  }

  #editable(name, text, edit) {
    const box = element('textarea', { rows: Math.min(6, text.split('\n').length + 1), value: text })
    box.setAttribute('aria-label', `Pending: ${name}`)
    const save = element('button', { type: 'button' }, 'Save the edit')
    const { hold } = this.#pending
    save.addEventListener('click', () =>
      this.#attempt(() => put(this.#path('pending'), { hold, why: this.#why(), ...edit(box.value) })),
    )
    return element('div', {}, element('label', {}, name), box, save)
  }

  async #dryRun() {
    const text = byId('inject-text').value.trim()
    const message = byId('dry-message').value.trim()
    const injects = text !== '' || byId('inject-role').value === 'control'
    byId('dry-result').replaceChildren(element('p', { className: 'quiet' }, 'running in a fork…'))
    try {
      const answer = await post(this.#path('dry-run'), {
        ...(injects && { inject: { ...this.#message(), why: 'dry run' } }),
        ...(message !== '' && { message }),
      })
      byId('dry-result').replaceChildren(...report(answer))
    } catch (error) {
      byId('dry-result').replaceChildren()
      throw error
    }
  }

  async #attempt(work) {
    byId('inspect-problem').hidden = true
    try {
      await work()
    } catch (error) {
      byId('inspect-problem').textContent = error.message
      byId('inspect-problem').hidden = false
    }
  }
}

function report({ at, baseline, fork, difference }) {
  const lines = difference.text.map(({ op, line }) =>
    element('div', { dataset: { op } }, `${op === '=' ? ' ' : op} ${line}`),
  )
  const heard = difference.changed ? 'The outcome differs.' : 'The outcome is the same.'
  return [
    element('p', {}, `Forked after event ${at}: nothing was touched, no tool ran. ${heard}`),
    sideOf('Without', baseline),
    sideOf('With', fork),
    element('pre', { className: 'difference' }, ...lines),
  ]
}

function sideOf(name, { source, ended, outcome, model_calls, usage, tool_calls }) {
  const tokens = usage.prompt_tokens + usage.completion_tokens
  const calls = tool_calls.map(({ tool, args, status, from }) =>
    element('li', {}, `${tool} ${JSON.stringify(args)}: ${status} (${from})`),
  )
  const words = `${name} (${source}): ${outcome ?? ended}, ${model_calls} model calls, ${tokens} tokens`
  return element('div', {}, words, element('ul', {}, ...calls))
}
