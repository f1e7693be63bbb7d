import { follow, get, NoAnswerError, post, uniqueKey } from './api.js'
import { Conversation } from './conversation.js'
import { byId } from './dom.js'
import { Health } from './health.js'
import { Inspection } from './inspection.js'
import { JournalView } from './journal.js'
import { Panels } from './panels.js'
import { PersonaChoice } from './persona-choice.js'
import { SessionList } from './session-list.js'

/** The page: which session is shown, what the keys and buttons do. All state is the gateway's. */

const PAGE = 500
const conversation = new Conversation(byId('conversation'))
const journal = new JournalView(byId('events'), byId('journal-count'))
const inspection = new Inspection()
const panels = new Panels(() => journal.showNewest())
new Health(byId('health'))
const persona = new PersonaChoice(byId('persona'), attempt)
const list = new SessionList(byId('list'), byId('search'), (id, title) => {
  panels.closeDrawer()
  void attempt(() => openSession(id, title))
})
const running = new Set()
let sessionId
let stream
let opened = 0
let unanswered
let beginning = false

async function openSession(id, title) {
  const mine = ++opened
  leave()
  sessionId = id
  persona.session(id)
  inspection.session(id)
  byId('title').textContent = title || id
  history.replaceState(null, '', `#${id}`)
  list.mark(id)
  let after = 0
  const upToNow = async () => {
    const record = await get(`/v1/sessions/${id}`)
    if (mine !== opened) return
    persona.session(id, record.persona_id)
    if (record.title) byId('title').textContent = record.title
    // The past by pages, for its times; then live from there.
    for (;;) {
      const { events, next_cursor } = await get(`/v1/sessions/${id}/events?after=${after}&limit=${PAGE}`)
      if (mine !== opened) return
      for (const { id: seq, occurred_at, payload } of events) {
        take(payload, seq, occurred_at)
        after = seq
      }
      if (next_cursor === null) break
    }
  }
  await upToNow().catch((error) => {
    // The stream goes on trying, and brings what is missing when the service is back.
    if (!(error instanceof NoAnswerError)) throw error
    if (mine === opened) showProblem(error.message, 'until answered')
  })
  if (mine !== opened) return
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
  persona.event(event)
  if (!at) inspection.event(event)
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
  persona.session()
  inspection.session()
  running.clear()
  conversation.clear()
  journal.clear()
  showLink()
  byId('stop').hidden = true
  clearProblem()
}

function newSession() {
  panels.closeDrawer()
  opened++
  leave()
  byId('title').textContent = 'New session'
  history.replaceState(null, '', '/')
  list.mark()
  byId('text').focus()
}

async function send() {
  const box = byId('text')
  const message = box.value.trim()
  // A second message is for the session that the first one is about to begin.
  if (message === '' || beginning) return
  const mine = opened
  const body = { session_id: sessionId, message, persona_id: persona.forFirstMessage }
  beginning = sessionId === undefined
  box.value = ''
  grow()
  try {
    const answer = await post('/v1/session/message', body, keyOf(body))
    unanswered = undefined
    clearProblem()
    conversation.showNewest()
    if (mine === opened && sessionId === undefined) {
      void attempt(() => openSession(answer.session_id, message.slice(0, 80)))
    }
    void attempt(refreshList)
  } catch (error) {
    // What was typed is given back: the person decides whether to send it again.
    if (box.value === '') box.value = message
    grow()
    if (!(error instanceof NoAnswerError)) return showProblem(error.message)
    showProblem(`${error.message} Your message is kept: press Enter when it is back.`, 'until answered')
  } finally {
    beginning = false
  }
}

/** The same message tried again is the same request: it may have arrived, and only its answer been lost. */
function keyOf(body) {
  const request = JSON.stringify(body)
  if (unanswered?.request !== request) unanswered = { request, key: uniqueKey() }
  return unanswered.key
}

async function stop() {
  if (sessionId && running.size > 0) await attempt(() => post(`/v1/sessions/${sessionId}/stop`, {}))
}

async function refreshList() {
  const title = await list.refresh()
  if (title) byId('title').textContent = title
}

async function showModel() {
  const { data } = await get('/v1/models')
  const { id } = data.find(({ role }) => role === 'dialogue') ?? {}
  byId('rehearsal-name').textContent = id
  byId('rehearsal').hidden = !id?.startsWith('rehearsal/')
}

const linkWords = { connecting: 'connecting', live: 'live', lost: 'connection lost, resuming' }

function showLink(state) {
  byId('link').textContent = linkWords[state] ?? ''
  byId('link').hidden = state === undefined
  if (state) byId('link').dataset.state = state
  if (state === 'live' && byId('problem').dataset.lasts === 'until answered') clearProblem()
}

function showProblem(text, lasts = 'until sent') {
  byId('problem').textContent = text
  byId('problem').dataset.lasts = lasts
  byId('problem').hidden = false
}

function clearProblem() {
  byId('problem').hidden = true
}

async function attempt(work) {
  try {
    await work()
  } catch (error) {
    showProblem(error.message, error instanceof NoAnswerError ? 'until answered' : undefined)
  }
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
byId('search').addEventListener('input', () => attempt(refreshList))
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !byId('token-dialog').open && !panels.escape(running.size > 0)) void stop()
  if (event.altKey && event.code === 'KeyN') newSession()
  if (event.altKey && event.code === 'KeyJ') panels.toggleJournal()
})

byId('text').focus()
await attempt(async () => {
  await Promise.all([persona.load(), showModel(), refreshList()])
  const wanted = location.hash.slice(1)
  if (wanted) await openSession(wanted)
})
