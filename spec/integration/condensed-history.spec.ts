import { expect } from 'chai'
import { eventually } from '../support/eventually.ts'
import { type ModelServer, reply, startModelServer } from '../support/model-server.ts'
import { Service } from '../support/service.ts'

const PATIENT_MS = 30_000
const isCondensing = (text: unknown) => String(text).includes('Now condense all of this.')

/** A real endpoint with a small window, and a service that is killed. */
describe('a conversation longer than its model’s window', function () {
  this.timeout(120_000)
  let server: ModelServer
  let service: Service
  let summaries = 0
  let refuses = false
  let said = 0

  before(async () => {
    server = await startModelServer((request) => {
      if (!isCondensing(request.body.messages.at(-1)?.content)) return reply.text('noted')
      return refuses ? reply.status(400) : reply.text(`what was said, condensed (${++summaries})`)
    })
    service = await Service.start({
      env: { SOMA_MODEL: 'model-a', OPENAI_BASE_URL: server.url, SOMA_MODEL_CONTEXT_TOKENS: '1500' },
    })
  })
  after(async () => {
    await service?.release()
    await server?.close()
  })

  const history = async (session: string, range = '') =>
    (await service.get(`/v1/sessions/${session}/history${range}`)).body
  async function talk(session: string, turns: number): Promise<void> {
    for (let n = 0; n < turns; n++) {
      const before = (await history(session)).messages ?? 0
      await service.say(session, `${session} ${said++} `.padEnd(800, 'x'))
      await eventually(async () => (await history(session)).messages === before + 2, PATIENT_MS)
    }
  }
  const lastAsked = () => server.requests.findLast(({ body }) => !isCondensing(body.messages.at(-1)?.content))

  it('is condensed once; the model reads the summary, people every message, also after a kill', async () => {
    await talk('long', 6)
    await eventually(async () => (await history('long')).condensed != null, PATIENT_MS)
    await service.kill()
    await service.start()
    await talk('long', 1)
    const asked = JSON.stringify(lastAsked()?.body.messages)
    expect(asked).to.include('what was said, condensed').and.not.include('long 0 x')
    const { condensed, messages, history: all } = await history('long')
    expect(messages).to.equal(14)
    expect(all).to.have.length(14)
    expect(condensed.messages).to.be.within(2, 12)
    expect(condensed.summary).to.include('what was said, condensed')
    expect((await history('long', '?from=0&to=1')).history[0].content).to.include('long 0 x')
    const { events } = (await service.get('/v1/sessions/long/events?limit=500')).body
    const told = events.filter((it: { payload: { type: string } }) => it.payload.type === 'history.condensed')
    expect(told.length).to.equal(summaries)
    const { usage } = (await service.get('/v1/sessions/long')).body
    const turns = events.filter((it: { payload: { type: string } }) => it.payload.type === 'assistant.final').length
    expect(usage.prompt_tokens).to.equal(11 * (turns + summaries))
  })

  it('goes on with a note when it cannot be condensed, and does not try again at every turn', async () => {
    refuses = true
    await talk('refused', 8)
    const { condensed } = await history('refused')
    expect(condensed).to.equal(null)
    expect(JSON.stringify(lastAsked()?.body.messages)).to.include('left out here for length')
    const { events } = (await service.get('/v1/sessions/refused/events?limit=500')).body
    const failed = events.filter((it: { payload: { type: string } }) => it.payload.type === 'history.not_condensed')
    expect(failed.length).to.be.within(1, 2)
  })
})
