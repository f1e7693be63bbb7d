import { expect } from 'chai'
import { eventually } from '../support/eventually.ts'
import { Service } from '../support/service.ts'
import { SessionListener } from '../support/session-listener.ts'

interface Told {
  readonly type: string
  readonly message: string
  readonly metadata: Readonly<Record<string, unknown>>
}

const CHILD = 'stream 30 50 the child has counted to ten and says so in the end'
const parentScript = (task: string, more = {}) => `call delegate ${JSON.stringify({ task, ...more })}`

/** One process, killed for real: both sessions live in it, at different steps of the same task. */
describe('a delegated task', function () {
  this.timeout(60_000)
  let service: Service
  before(async () => {
    service = await Service.start({ env: { SOMA_DELEGATION_DEPTH: '2' } })
  })
  after(() => service.release())

  const eventsOf = async (session: string): Promise<Told[]> =>
    ((await service.get(`/v1/sessions/${session}/events?limit=500`)).body.events ?? []).map(
      ({ payload }: { payload: Told }) => payload,
    )
  const typesOf = async (session: string, type: string) => (await eventsOf(session)).filter((it) => it.type === type)
  const childOf = async (session: string): Promise<string> => {
    await eventually(async () => (await typesOf(session, 'tool.start')).length > 0)
    return (await typesOf(session, 'tool.start'))[0]?.metadata.child_session_id as string
  }
  const final = async (session: string, turn: string) => {
    const listener = await SessionListener.open(service.url, session)
    const { event } = await listener.final(turn)
    listener.close()
    return event
  }

  it('comes back as the call’s result, and its session is listed as a child', async () => {
    const { session_id, event_id } = await service.say('parent', parentScript('say forty-two'))
    expect((await final(session_id, event_id)).message).to.include('forty-two')
    const child = await childOf(session_id)
    const [result] = await typesOf(session_id, 'tool.result')
    expect(result?.metadata).to.include({ status: 'success', child_session_id: child })
    const { sessions } = (await service.get('/v1/sessions')).body
    const listed = sessions.find((one: { session_id: string }) => one.session_id === child)
    expect(listed).to.include({ parent_session_id: session_id, state: 'idle' })
    expect((await typesOf(child, 'session.started'))[0]?.metadata).to.include({
      parent_session_id: session_id,
      depth: 1,
    })
  })

  for (const moment of ['before the child answers', 'while the child answers', 'when the child has answered']) {
    it(`is done once, and goes on, when the process is killed ${moment}`, async () => {
      const name = moment.replaceAll(' ', '-')
      const { session_id, event_id } = await service.say(name, parentScript(CHILD))
      const child = await childOf(session_id)
      if (moment.startsWith('while')) {
        await eventually(async () => (await typesOf(child, 'assistant.started')).length > 0)
      }
      if (moment.startsWith('when')) {
        await eventually(async () => (await typesOf(child, 'assistant.final')).length > 0)
      }
      await service.kill()
      await service.start()
      expect((await final(session_id, event_id)).message).to.include('the child has counted to ten')
      expect(await typesOf(child, 'user.message')).to.have.length(1)
      expect(await typesOf(child, 'assistant.final')).to.have.length(1)
      const results = await typesOf(session_id, 'tool.result')
      expect(results.map(({ metadata }) => metadata.status)).to.deep.equal(['success'])
      expect(await typesOf(session_id, 'assistant.final')).to.have.length(1)
    })
  }

  it('is stopped with the turn that delegated it, down to the last descendant', async () => {
    const inner = parentScript('hang')
    const { session_id } = await service.say('stopped', parentScript(inner))
    const child = await childOf(session_id)
    const grandchild = await childOf(child)
    await eventually(async () => (await typesOf(grandchild, 'assistant.started')).length > 0)
    await service.post(`/v1/sessions/${session_id}/stop`, {})
    for (const session of [child, grandchild]) {
      await eventually(async () => (await typesOf(session, 'assistant.final')).length > 0)
      expect((await typesOf(session, 'assistant.final'))[0]?.metadata).to.include({ outcome: 'stopped' })
    }
  })

  it('goes no deeper than the limit: the deepest is told, and answers all the same', async () => {
    const nested = parentScript(parentScript(parentScript('say too deep')))
    const { session_id, event_id } = await service.say('deep', nested)
    expect((await final(session_id, event_id)).message).to.include('Nothing can be delegated')
    const deepest = await childOf(await childOf(session_id))
    expect((await typesOf(deepest, 'tool.result'))[0]?.metadata).to.include({ code: 'DELEGATION_LIMIT' })
  })
})
