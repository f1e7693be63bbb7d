import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { expect } from 'chai'
import { createParser } from 'eventsource-parser'
import { Service } from '../support/service.ts'
import { SessionListener } from '../support/session-listener.ts'

describe('readers that would bring a service down', function () {
  this.timeout(120_000)
  let service: Service
  before(async () => {
    service = await Service.start()
  })
  after(() => service.release())

  it('1,000 open streams: all are served, one more is told to come again, and messages are answered', async () => {
    const { session_id, event_id } = await service.say('crowded', 'say hello')
    const agent = new Agent({ keepAlive: false })
    const path = `${service.url}/v1/session/${session_id}/events`
    const streams = await Promise.all(Array.from({ length: 1_000 }, () => opened(path, agent)))
    try {
      expect(streams.filter(({ statusCode }) => statusCode !== 200)).to.deep.equal([])
      const { status, headers, body } = await service.get(`/v1/session/${session_id}/events`)
      expect({ status, code: body.code }).to.deep.equal({ status: 503, code: 'TOO_MANY_STREAMS' })
      expect(Number(headers.get('retry-after'))).to.be.greaterThan(0)
      const next = await service.say('crowded', 'say to all of you')
      await Promise.all(streams.map((stream) => heard(stream, next.event_id)))
      expect(event_id).to.not.equal(next.event_id)
    } finally {
      for (const stream of streams) stream.destroy()
      agent.destroy()
    }
    expect((await service.get('/readyz')).status).to.equal(200)
  })

  it('a reader that takes nothing is cut off, costs no memory, and resumes at its cursor', async () => {
    const { session_id } = await service.say('slow', 'say hello')
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1')
    await once(socket, 'connect')
    socket.pause()
    socket.write(`GET /v1/session/${session_id}/events HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`)
    const before = residentMb(service.process.pid)
    // First more than the kernel's buffers take (10 MB as a rule), then more events than may wait for one reader.
    const change = `/v1/sessions/${session_id}/metadata`
    for (let n = 0; n < 160; n++) await accepted(change, { metadata: { padding: `${n}${'x'.repeat(100_000)}` } })
    await accepted(change, { metadata: { padding: '' } })
    for (let n = 0; n < 1_100; n += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, i) => accepted(change, { metadata: { n: n + i } })))
    }
    const { event_id } = await accepted('/v1/session/message', { session_id: 'slow', message: 'say the end' })
    const reader = await SessionListener.open(service.url, session_id)
    const last = await reader.final(event_id)
    reader.close()

    // Only now does the slow reader read: what was under way, the reason of the cut, and the end.
    const seqs: number[] = []
    let reason: { code?: string; cursor?: number } = {}
    const parser = createParser({
      onEvent: ({ id, event, data }) => {
        if (id !== undefined) seqs.push(Number(id))
        if (event === 'error') reason = JSON.parse(data)
      },
    })
    const text = new TextDecoder()
    let head = ''
    socket.on('data', (chunk) => {
      // Frames begin after the response's head; chunk sizes between them are lines that are no field of a frame.
      const told = text.decode(chunk, { stream: true })
      head += head.includes('\r\n\r\n') ? '' : told
      parser.feed(told.replaceAll(/\r\n[0-9a-f]+\r\n/g, ''))
    })
    socket.resume()
    await new Promise((resolve) => socket.once('close', resolve).once('error', resolve))
    expect(head).to.include('200')
    expect(seqs.length).to.be.lessThan(last.seq as number)
    if (reason.code !== undefined) expect(reason.code).to.equal('SLOW_READER')
    expect(residentMb(service.process.pid) - before).to.be.lessThan(400)

    const cursor = seqs.at(-1) ?? 0
    const resumed = await SessionListener.open(service.url, session_id, { after: cursor })
    await resumed.final(event_id)
    resumed.close()
    const all = [...seqs, ...resumed.events.map(({ seq }) => seq)]
    expect(all).to.deep.equal(all.map((_seq, index) => index + 1))
    expect(service.process.running).to.equal(true)
  })

  /** Sent again while the session says that it has too much to do (I9). */
  async function accepted(path: string, body: unknown): Promise<{ event_id: string }> {
    for (;;) {
      const { status, body: told } = await service.post(path, body)
      if (status === 200) return told
      expect(status, JSON.stringify(told)).to.equal(503)
    }
  }
})

function opened(url: string, agent: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, resolve).once('error', reject)
  })
}

async function heard(stream: IncomingMessage, turnId: string): Promise<void> {
  let told = ''
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    told += chunk
    if (told.split('\n').some((line) => line.includes('"assistant.final"') && line.includes(turnId))) return
  }
  throw new Error('the stream ended before the answer')
}

function residentMb(pid: number | undefined): number {
  const [, kb] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kb) / 1_024
}
