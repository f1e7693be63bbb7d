import { once } from 'node:events'
import { expect } from 'chai'
import WebSocket from 'ws'
import { type GatewayHarness, startGateway } from '../../support/gateway-harness.ts'
import { SseReader } from '../../support/sse-reader.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

describe('streams of a session', () => {
  let harness: GatewayHarness
  afterEach(() => harness.close())

  async function post(path: string, body: object): Promise<{ session_id: string; event_id: string }> {
    const response = await fetch(`${harness.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return (await response.json()) as { session_id: string; event_id: string }
  }

  const typeOf = (data: string) => (JSON.parse(data) as { type: string }).type
  const isFinal = ({ data }: { data: string }) => typeOf(data) === 'assistant.final'

  describe('over SSE', () => {
    it('gives every event with its seq as id, and resumes after Last-Event-ID', async () => {
      harness = await startGateway()
      const { session_id } = await post('/v1/session/message', { message: 'hello' })
      const url = `${harness.url}/v1/session/${session_id}/events`
      const first = await SseReader.open(url)
      const seen = (await first.until(isFinal)).filter(({ id }) => id !== undefined)
      first.close()
      expect(seen.map(({ id }) => id)).to.deep.equal(['1', '2', '3'])

      await post('/v1/session/message', { session_id, message: 'again' })
      const second = await SseReader.open(url, { 'last-event-id': '3' })
      const rest = (await second.until(isFinal)).filter(({ id }) => id !== undefined)
      second.close()
      expect(rest.map(({ id }) => id)).to.deep.equal(['4', '5', '6'])
      const byQuery = await SseReader.open(`${url}?after=${session_id}/5`)
      expect((await byQuery.next())?.id).to.equal('6')
      byQuery.close()
    })

    it('shows previews without an id, cumulative, or as deltas with their offset', async () => {
      harness = await startGateway()
      const { session_id } = await post('/v1/session/message', { message: 'hello' })
      const url = `${harness.url}/v1/session/${session_id}/events?after=3`
      const readers = [await SseReader.open(url), await SseReader.open(`${url}&previews=delta`)]
      await post('/v1/session/message', { session_id, message: 'a b' })
      const [cumulative, delta] = await Promise.all(
        readers.map(async (reader) => {
          const frames = await reader.until(isFinal)
          reader.close()
          return frames
            .filter(({ data }) => typeOf(data) === 'assistant.stream')
            .map(({ id, data }) => ({ id, ...(JSON.parse(data) as { message: string; metadata: { delta: string } }) }))
        }),
      )
      expect(cumulative?.at(-1)).to.include({ id: undefined, message: 'You said: a b' })
      expect(delta?.map(({ metadata }) => metadata.delta).join('')).to.equal('You said: a b')
      expect(delta?.every(({ message }) => message === '')).to.equal(true)
    })

    it('refuses a cursor it never gave, and a session that is not there', async () => {
      harness = await startGateway()
      const { session_id } = await post('/v1/session/message', { message: 'hello' })
      for (const [path, status, code] of [
        [`${session_id}/events?after=99`, 400, 'INVALID_CURSOR'],
        [`${session_id}/events?after=abc`, 400, 'INVALID_CURSOR'],
        ['nowhere/events', 404, 'SESSION_NOT_FOUND'],
      ] as const) {
        const response = await fetch(`${harness.url}/v1/session/${path}`)
        expect(response.status).to.equal(status)
        expect(await response.json()).to.include({ code })
      }
    })

    it('limits how many are open, in all and per tenant', async () => {
      harness = await startGateway({ limits: { streams: 2 } })
      const { session_id } = await post('/v1/session/message', { message: 'hello' })
      const url = `${harness.url}/v1/session/${session_id}/events`
      const open = [await SseReader.open(url), await SseReader.open(url)]
      const refused = await fetch(url)
      expect(refused.status).to.equal(503)
      expect(refused.headers.get('retry-after')).to.equal('1')
      expect(await refused.json()).to.include({ code: 'TOO_MANY_STREAMS' })
      for (const reader of open) reader.close()
    })

    it('beats, so that proxies and people see it is alive', async () => {
      const clock = new VirtualClock()
      harness = await startGateway({ deps: { clock }, limits: { heartbeatMs: 1_000 } })
      const { session_id } = await post('/v1/session/message', { message: 'hello' })
      const reader = await SseReader.open(`${harness.url}/v1/session/${session_id}/events`)
      await reader.until(isFinal)
      clock.advance(1_000)
      await post('/v1/session/action', { session_id, action: 'pause' })
      await reader.until(({ data }) => typeOf(data) === 'session.paused')
      reader.close()
      expect(reader.comments).to.include('keep-alive')
    })

    it('is cut with DRAINING and its cursor when the gateway closes', async () => {
      harness = await startGateway()
      const { session_id } = await post('/v1/session/message', { message: 'hello' })
      const reader = await SseReader.open(`${harness.url}/v1/session/${session_id}/events`)
      await reader.until(isFinal)
      const closed = harness.close()
      const last = await reader.next()
      expect(last?.event).to.equal('error')
      expect(JSON.parse(last?.data as string)).to.include({ code: 'DRAINING', cursor: 3 })
      await closed
    })
  })

  describe('over WebSocket', () => {
    async function open(sessionId: string, query = '', headers = {}): Promise<{ socket: WebSocket; frames: Frames }> {
      const socket = new WebSocket(`${harness.url.replace('http', 'ws')}/v1/session/${sessionId}/stream${query}`, {
        headers,
      })
      const frames = new Frames(socket)
      await once(socket, 'open')
      return { socket, frames }
    }

    it('gives events, takes messages and stop, and answers rubbish with an error frame', async () => {
      harness = await startGateway()
      const { session_id } = await post('/v1/session/message', { message: 'hello' })
      const { socket, frames } = await open(session_id, '?after=3')
      socket.send('{"type":"message","text":"over the socket","ref":"r1"}')
      expect(await frames.until('accepted')).to.include({ ref: 'r1' })
      socket.send('this is no JSON')
      expect(await frames.until('error')).to.include({ code: 'MALFORMED_JSON' })
      socket.send('{"type":"dance"}')
      expect(await frames.until('error')).to.include({ code: 'INVALID_REQUEST' })
      socket.send('{"type":"stop"}')
      await frames.until('accepted')
      expect(harness.sent.map(({ body }) => body.kind)).to.deep.equal(['AcceptUserTurn', 'AcceptUserTurn', 'Stop'])
      expect(frames.seen.filter(({ type }) => type === 'assistant.final')).to.have.length(1)
      socket.close()
    })

    it('is refused before the upgrade: foreign origin, unknown session, bad cursor', async () => {
      harness = await startGateway()
      const { session_id } = await post('/v1/session/message', { message: 'hello' })
      for (const [id, query, headers, status] of [
        [session_id, '', { origin: 'https://evil.example' }, 403],
        [session_id, '', { host: 'evil.example' }, 421],
        ['nowhere', '', {}, 404],
        [session_id, '?after=99', {}, 400],
      ] as const) {
        const socket = new WebSocket(`${harness.url.replace('http', 'ws')}/v1/session/${id}/stream${query}`, {
          headers,
        })
        const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }]
        expect(response.statusCode).to.equal(status)
        socket.on('error', () => {})
        socket.terminate()
      }
    })

    it('cuts off a reader that takes nothing with 4408 and its cursor', async () => {
      harness = await startGateway({ limits: { pendingEvents: 20 } })
      const { session_id } = await post('/v1/session/message', { message: 'hello' })
      const { socket } = await open(session_id, '?after=3')
      socket.pause()
      const big = 'x'.repeat(1_000_000)
      for (let i = 0; i < 60; i++) {
        harness.sessions.event(session_id, 'session.metadata', big)
        await new Promise((resolve) => setImmediate(resolve))
      }
      socket.resume()
      const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
      expect(code).to.equal(4408)
      expect(reason.toString()).to.match(/^SLOW_READER cursor=\d+$/)
    })
  })
})

class Frames {
  readonly seen: { type: string }[] = []
  readonly #wake: (() => void)[] = []
  #read = 0

  constructor(socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      this.seen.push(JSON.parse(data.toString()) as { type: string })
      for (const wake of this.#wake.splice(0)) wake()
    })
  }

  /** The next frame of this type that was not looked at yet. */
  async until(type: string): Promise<{ type: string }> {
    for (;;) {
      while (this.#read < this.seen.length) {
        const frame = this.seen[this.#read++] as { type: string }
        if (frame.type === type) return frame
      }
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }
}
