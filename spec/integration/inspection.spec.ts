import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { Service } from '../support/service.ts'
import { SessionListener } from '../support/session-listener.ts'

/** Leaves a line for each time it really ran. */
const notes = `import { appendFileSync } from 'node:fs'
export default ({ z }) => ({
  name: 'notes', description: 'Notes.', schema: z.object({ text: z.string(), file: z.string() }), idempotent: false,
  timeoutMs: 10000, reaches: ['files'],
  run: async ({ text, file }) => { appendFileSync(file, text + '\\n'); return 'noted ' + text },
})`

const why = 'a spec'

describe('inspection of a session', function () {
  this.timeout(60_000)
  let service: Service
  let file: string
  before(async () => {
    service = await Service.start({ tools: { notes } })
    file = join(service.folder.path, 'ran.txt')
  })
  after(() => service?.release())

  const ran = () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [])
  const noteCall = (text: string) => `call notes ${JSON.stringify({ text, file })}`
  const at = (session: string, what: string) => `/v1/sessions/${session}/${what}`
  const pending = async (session: string) => (await service.get(at(session, 'pending'))).body.pending
  const eventsOf = async (session: string) => (await service.get(at(session, 'events?limit=500'))).body.events
  const headOf = async (session: string): Promise<number> => (await service.get(`/v1/sessions/${session}`)).body.head
  /** The first event of this type after a place in the journal. */
  const until = async (session: string, type: string, after = 0) => {
    const listener = await SessionListener.open(service.url, session, { after })
    const heard = await listener.until((event) => event.type === type, type)
    listener.close()
    return heard.event
  }
  const next = async (session: string, hold: number, type: string) => {
    const before = await headOf(session)
    expect((await service.post(at(session, 'step'), { hold })).status).to.equal(200)
    await until(session, type, before)
  }

  it('steps a turn, survives kill -9 while held, and runs the edited call once', async () => {
    const session = 'stepped'
    await service.say(session, 'say born')
    await until(session, 'assistant.final')
    await service.post(at(session, 'step-mode'), { on: true, why })
    await service.say(session, `${noteCall('as asked')}\nthen\nsay done`)
    await until(session, 'step.held')
    const first = await pending(session)
    expect(first.before).to.equal('model')
    expect(first.messages[0].message.role).to.equal('user')

    await service.kill()
    await service.start()
    expect(await pending(session)).to.deep.equal(first)
    await next(session, first.hold, 'step.held')

    const held = await pending(session)
    expect(held).to.include({ before: 'call' })
    expect(ran(), 'a held call does not run').to.deep.equal([])
    await service.kill()
    await service.start()
    expect(await pending(session)).to.deep.equal(held)
    expect(ran()).to.deep.equal([])

    const edit = { hold: held.hold, call_id: held.calls[0].call_id, arguments: { text: 'as edited', file }, why }
    expect((await service.request('PUT', at(session, 'pending'), edit)).status).to.equal(200)
    await next(session, held.hold, 'tool.result')
    expect(ran()).to.deep.equal(['as edited'])
    const stale = await service.post(at(session, 'step'), { hold: held.hold })
    expect(stale.status).to.equal(409)
    expect(stale.body.code).to.equal('NOTHING_PENDING')

    const last = await pending(session)
    expect(last.messages.map(({ message }: { message: { content: string } }) => message.content)).to.deep.equal([
      'noted as edited',
    ])
    await next(session, last.hold, 'assistant.final')
    const finals = (await eventsOf(session)).filter(
      ({ payload }: { payload: { type: string } }) => payload.type === 'assistant.final',
    )
    expect(finals).to.have.length(2)
    expect(finals[1].payload.message).to.equal('done')
  })

  it('stops a turn by a control message, with who and why in the journal before its effect', async () => {
    const session = 'controlled'
    await service.say(session, 'hang')
    await until(session, 'assistant.started')
    const answer = await service.post(at(session, 'inject'), { role: 'control', command: 'stop', why })
    expect(answer.status).to.equal(200)
    const final = await until(session, 'assistant.final')
    expect(final.metadata).to.include({ outcome: 'stopped', detail: `${why} (operator)` })
    const types = (await eventsOf(session)).map(({ payload }: { payload: { type: string } }) => payload.type)
    expect(types.slice(-2)).to.deep.equal(['session.injected', 'assistant.final'])
  })

  it('a dry run shows the difference, runs no tool, and leaves journal, record, usage and mailbox as they were', async () => {
    const session = 'tried'
    await service.say(session, noteCall('for real'))
    await until(session, 'assistant.final')
    const before = { ran: ran(), ...(await everythingOf(session)) }
    const { status, body } = await service.post(at(session, 'dry-run'), {
      inject: { role: 'system', content: 'be terse', why },
      message: `${noteCall('for real')}\nand ${noteCall('in the fork')}`,
    })
    expect(status).to.equal(200)
    expect(body.fork.tool_calls.map(({ from }: { from: string }) => from)).to.deep.equal(['recorded', 'simulated'])
    expect(body.fork.outcome).to.equal('completed')
    const past = await service.post(at(session, 'dry-run'), {
      inject: { role: 'user', content: 'say instead', why },
      at: 3,
    })
    expect(past.body.baseline).to.include({ source: 'journal', final_text: 'noted for real' })
    expect(past.body.fork.final_text).to.equal('instead')
    expect(past.body.difference.text).to.deep.equal([
      { op: '-', line: 'noted for real' },
      { op: '+', line: 'instead' },
    ])
    expect({ ran: ran(), ...(await everythingOf(session)) }).to.deep.equal(before)
  })

  async function everythingOf(session: string) {
    const metrics = String((await service.get('/metrics')).body)
    const counted = /^soma_(journal_appends_total|actor_messages_total|model_tokens_total|actor_activations_total)\b/
    const counts = metrics.split('\n').filter((line) => counted.test(line))
    expect(counts.length, 'the metrics that show a write').to.be.greaterThan(2)
    return {
      events: await eventsOf(session),
      record: (await service.get(`/v1/sessions/${session}`)).body,
      usage: (await service.get('/v1/usage')).body,
      letters: (await service.get('/v1/admin/dead-letters')).body,
      counts,
    }
  }
})
