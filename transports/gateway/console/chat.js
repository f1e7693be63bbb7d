import { follow, get, post } from './api.js'
import { Conversation } from './conversation.js'
import { byId, element } from './dom.js'
import { JournalView } from './journal.js'

/** The page: which session is shown, what the keys and buttons do. All state is the gateway's. */

const PAGE = 500
const conversation = new Conversation(byId('conversation'))
const journal = new JournalView(byId('events'), byId('journal-count'))
const running = new Set()
let sessionId
let stream
let opened = 0

async function openSession(id, title) {
  const mine = ++opened
  leave()
  sessionId = id
  byId('title').textContent = title || id
  history.replaceState(null, '', `#${id}`)
  markCurrent()
  // The past by pages, for its times; then live from there.
  let after = 0
  for (;;) {
    const { events, next_cursor } = await get(`/v1/sessions/${id}/events?after=${after}&limit=${PAGE}`)
    if (mine !== opened) return
    for (const { id: seq, occurred_at, payload } of events) {
      take(payload, seq, occurred_at)
      after = seq
    }
    if (next_cursor === null) break
  }
  stream = follow(id, after, {
    event: (event, seq) => take(event, seq),
    preview: (event) => conversation.preview(event),
    state: showLink,
    problem: ({ code, title }) => code !== 'DRAINING' && code !== 'SLOW_READER' && showProblem(title),
  })
}

function take(event, seq, at) {
  journal.event(event, seq, at)
  conversation.event(event)
  const { turn_id } = event.metadata
  if (event.type === 'user.message') running.add(turn_id)
  if (event.type === 'assistant.final') {
    running.delete(turn_id)
    if (!at) void refreshList()
  }
  if (event.type === 'session.reset') running.clear()
  byId('stop').hidden = running.size === 0
}

function leave() {
  stream?.close()
  stream = undefined
  sessionId = undefined
  running.clear()
  conversation.clear()
  journal.clear()
  showLink()
  byId('stop').hidden = true
  byId('problem').hidden = true
}

function newSession() {
  opened++
  leave()
  byId('title').textContent = 'New session'
  history.replaceState(null, '', '/')
  markCurrent()
  byId('text').focus()
}

async function send() {
  const box = byId('text')
  const message = box.value.trim()
  if (message === '') return
  box.value = ''
  grow()
  try {
    const persona_id = byId('persona').value || undefined
    const answer = await post('/v1/session/message', { session_id: sessionId, message, persona_id })
    byId('problem').hidden = true
    if (sessionId !== answer.session_id) await openSession(answer.session_id, message.slice(0, 80))
    await refreshList()
  } catch (error) {
    // What was typed is given back: the person decides whether to send it again.
    if (box.value === '') box.value = message
    showProblem(error.message)
  }
}

async function stop() {
  if (sessionId && running.size > 0) await attempt(() => post(`/v1/sessions/${sessionId}/stop`, {}))
}

async function refreshList() {
  const search = byId('search').value.trim()
  const query = new URLSearchParams({ limit: '100', ...(search ? { search } : {}) })
  const { sessions } = await get(`/v1/sessions?${query}`)
  byId('list').replaceChildren(
    ...sessions.map(({ session_id, title, state, updated_at }) => {
      const name = title || session_id.slice(0, 8)
      const when = new Date(updated_at).toLocaleString([], { dateStyle: 'short', timeStyle: 'short' })
      const row = element(
        'button',
        { type: 'button', dataset: { id: session_id } },
        element('b', {}, name),
        element('span', { className: 'quiet' }, state === 'idle' ? when : `${when} · ${state}`),
      )
      row.addEventListener('click', () => attempt(() => openSession(session_id, title)))
      if (session_id === sessionId && title) byId('title').textContent = title
      return row
    }),
  )
  markCurrent()
}

async function loadChoices() {
  const [{ default: usual, personas }, { data }] = await Promise.all([get('/v1/personas'), get('/v1/models')])
  byId('persona').replaceChildren(
    ...personas.map(({ id, name }) => element('option', { value: id, selected: id === usual }, name)),
  )
  const dialogue = data.find(({ role }) => role === 'dialogue')
  byId('rehearsal').hidden = !dialogue?.id.startsWith('rehearsal/')
}

function markCurrent() {
  for (const row of byId('list').children) row.setAttribute('aria-current', String(row.dataset.id === sessionId))
}

const linkWords = { connecting: 'connecting', live: 'live', lost: 'connection lost, resuming' }

function showLink(state) {
  byId('link').textContent = linkWords[state] ?? ''
  byId('link').hidden = state === undefined
  if (state) byId('link').dataset.state = state
}

function showProblem(text) {
  byId('problem').textContent = text
  byId('problem').hidden = false
}

async function attempt(work) {
  try {
    await work()
  } catch (error) {
    showProblem(error.message)
  }
}

function toggleJournal() {
  const panel = byId('journal')
  panel.hidden = !panel.hidden
  byId('journal-toggle').setAttribute('aria-pressed', String(!panel.hidden))
}

function grow() {
  const box = byId('text')
  box.rows = Math.min(8, box.value.split('\n').length)
}

byId('composer').addEventListener('submit', (event) => {
  event.preventDefault()
  void send()
})
byId('text').addEventListener('input', grow)
byId('text').addEventListener('keydown', (event) => {
  // While an input method composes, Enter takes its proposal and sends nothing.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  void send()
})
byId('new').addEventListener('click', newSession)
byId('stop').addEventListener('click', () => void stop())
byId('journal-toggle').addEventListener('click', toggleJournal)
byId('search').addEventListener('input', () => attempt(refreshList))
byId('persona').addEventListener('change', ({ target }) => {
  if (sessionId) void attempt(() => post(`/v1/sessions/${sessionId}/persona`, { persona_id: target.value }))
})
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') void stop()
  if (event.altKey && event.code === 'KeyN') newSession()
  if (event.altKey && event.code === 'KeyJ') toggleJournal()
})

byId('text').focus()
await attempt(async () => {
  await Promise.all([loadChoices(), refreshList()])
  const wanted = location.hash.slice(1)
  if (wanted) await openSession(wanted)
})
