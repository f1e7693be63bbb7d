import { byId } from './dom.js'

/** The gateway as this page uses it. A token, when one is wanted, lives in this tab alone. */

const TOKEN = 'soma-token'

export class ProblemError extends Error {
  constructor(problem, status) {
    super(problem.remedy ? `${problem.title}: ${problem.detail} ${problem.remedy}` : `HTTP ${status}`)
    this.code = problem.code
    this.status = status
  }
}

/** Nobody answered: the service is down or the network is. Whether a request arrived is unknown. */
export class NoAnswerError extends Error {
  constructor() {
    super('The service does not answer.')
  }
}

export async function get(path) {
  return call(path, { method: 'GET' })
}

/** One key for all tries of one request: a message whose answer was lost is not taken twice. */
export async function post(path, body, key = uniqueKey()) {
  return call(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
  })
}

export async function put(path, body) {
  return call(path, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', 'idempotency-key': uniqueKey() },
    body: JSON.stringify(body),
  })
}

async function call(path, init) {
  const token = sessionStorage.getItem(TOKEN)
  const headers = { ...init.headers, ...(token ? { authorization: `Bearer ${token}` } : {}) }
  const response = await fetch(path, { ...init, headers }).catch(() => {
    throw new NoAnswerError()
  })
  if (response.status === 401 && (await askForToken())) return call(path, init)
  const body = await response.json().catch(() => ({}))
  if (!response.ok) throw new ProblemError(body, response.status)
  return body
}

/** crypto.randomUUID is there only on https and localhost. */
export function uniqueKey() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(16)).join('-')
}

let asking

function askForToken() {
  asking ??= new Promise((resolve) => {
    const dialog = byId('token-dialog')
    dialog.addEventListener(
      'close',
      () => {
        asking = undefined
        const token = byId('token').value.trim()
        if (token !== '') sessionStorage.setItem(TOKEN, token)
        resolve(token !== '')
      },
      { once: true },
    )
    dialog.showModal()
  })
  return asking
}

const RETRY_MS = [250, 500, 1_000, 2_000, 5_000]

/**
 * Follows a session from a cursor and goes on there after every break, so that each event is heard once.
 * `on.event(event, seq)`, `on.preview(event)`, `on.state('connecting' | 'live' | 'lost')`, `on.problem(problem)`.
 */
export function follow(sessionId, after, on) {
  let cursor = after
  let source
  let tries = 0
  let timer
  let closed = false

  function connect() {
    on.state('connecting')
    const query = new URLSearchParams({ after: String(cursor), previews: 'delta' })
    const token = sessionStorage.getItem(TOKEN)
    if (token) query.set('access_token', token)
    source = new EventSource(`/v1/session/${sessionId}/events?${query}`)
    source.onopen = () => {
      tries = 0
      on.state('live')
    }
    source.onmessage = ({ data, lastEventId }) => {
      const event = JSON.parse(data)
      if (event.type === 'assistant.stream') return on.preview(event)
      cursor = Number(lastEventId)
      on.event(event, cursor)
    }
    source.onerror = ({ data }) => {
      if (data) on.problem(JSON.parse(data))
      // Not the browser's own retry: its URL would carry the first cursor, and it waits for seconds.
      source.close()
      if (closed) return
      on.state('lost')
      timer = setTimeout(connect, RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)])
    }
  }

  connect()
  return {
    close() {
      closed = true
      clearTimeout(timer)
      source.close()
    },
  }
}
