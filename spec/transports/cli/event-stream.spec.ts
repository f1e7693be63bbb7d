import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { followEvents } from '../../../transports/cli/event-stream.ts'
import { ServiceProblem } from '../../../transports/cli/problem.ts'
import type { ConversationEvent } from '../../../transports/outbound.ts'

/** A server that answers each connection with the next script, and remembers the cursors it was asked for. */
describe('event stream of the CLI', () => {
  let server: Server
  let url: string
  let cursors: string[]
  let scripts: ((response: ServerResponse) => void)[]

  beforeEach(async () => {
    cursors = []
    server = createServer((request, response) => {
      cursors.push(new URL(request.url ?? '/', 'http://x').searchParams.get('after') ?? '')
      scripts.shift()?.(response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  const sse = (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/event-stream' })
  const event = (seq: number) => `id: ${seq}\ndata: {"event_id":"s/${seq}","type":"user.message","metadata":{}}\n\n`
  const preview = 'data: {"event_id":"p","type":"assistant.stream","metadata":{}}\n\n'

  async function take(count: number, after = 0, onOutage?: (why: string) => void): Promise<string[]> {
    const leave = new AbortController()
    const seen: string[] = []
    const events = followEvents({
      url: `${url}/events?previews=delta`,
      shownUrl: url,
      headers: {},
      after,
      signal: leave.signal,
      ...(onOutage && { onOutage }),
    })
    for await (const { event_id } of events as AsyncGenerator<ConversationEvent>) {
      seen.push(event_id)
      if (seen.length === count) break
    }
    leave.abort()
    return seen
  }

  it('goes on from its cursor when the connection breaks, each event once and in order (E1)', async () => {
    scripts = [
      (response) => sse(response).write(event(1) + event(2), () => response.destroy()),
      (response) => sse(response).write(event(2) + event(3)),
    ]
    expect(await take(3)).to.deep.equal(['s/1', 's/2', 's/3'])
    expect(cursors).to.deep.equal(['0', '2'])
  })

  it('passes previews on without moving the cursor (E2)', async () => {
    scripts = [
      (response) => sse(response).write(event(5) + preview, () => response.destroy()),
      (response) => sse(response).write(event(6)),
    ]
    expect(await take(3, 4)).to.deep.equal(['s/5', 'p', 's/6'])
    expect(cursors).to.deep.equal(['4', '5'])
  })

  it('comes back after it was cut off for being slow, or because the service drains', async () => {
    const cut = (code: string) => (response: ServerResponse) =>
      sse(response).end(
        `${code === 'DRAINING' ? event(1) : ''}event: error\ndata: {"code":"${code}","status":503,"detail":"","remedy":""}\n\n`,
      )
    scripts = [cut('DRAINING'), cut('SLOW_READER'), (response) => sse(response).write(event(2))]
    expect(await take(2)).to.deep.equal(['s/1', 's/2'])
  })

  it('says once that it tries again while nobody answers, and nothing of a short break', async () => {
    const refuse = (response: ServerResponse) => response.destroy()
    const outages: string[] = []
    const live = (response: ServerResponse) => sse(response).write(event(1), () => response.destroy())
    const again = (response: ServerResponse) => sse(response).write(event(2))
    scripts = [refuse, refuse, refuse, live, again]
    expect(await take(2, 0, (why) => outages.push(why))).to.deep.equal(['s/1', 's/2'])
    expect(outages).to.have.length(1)
  })

  it('ends with the refusal when trying again is of no use', async () => {
    scripts = [
      (response) =>
        response
          .writeHead(404, { 'content-type': 'application/problem+json' })
          .end('{"code":"SESSION_NOT_FOUND","status":404,"detail":"There is none.","remedy":"List them."}'),
    ]
    const refused = await take(1).catch((error: unknown) => error)
    expect(refused).to.be.instanceOf(ServiceProblem)
    expect((refused as ServiceProblem).code).to.equal('SESSION_NOT_FOUND')
  })
})
