import { expect } from 'chai'
import { silentLogger } from '../../../actors/kernel/telemetry.ts'
import { systemClock } from '../../../infra/clock.ts'
import type { LocalServer } from '../../../transports/model/discovery.ts'
import { createModels, type ModelsConfig, type ReachableModels } from '../../../transports/model/models.ts'
import { askFor, eventually, hear, signal } from '../../support/model-calls.ts'
import { type ModelServer, reply, startModelServer } from '../../support/model-server.ts'
import { countedIds } from '../../support/probe.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

describe('the models of a process', () => {
  const open: { close(): Promise<void> }[] = []

  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
  })

  async function serve(...args: Parameters<typeof startModelServer>): Promise<ModelServer> {
    const server = await startModelServer(...args)
    open.push(server)
    return server
  }

  async function models(config: Partial<ModelsConfig>, clock = systemClock): Promise<ReachableModels> {
    const made = await createModels(
      { dialogue: {}, discover: false, localServers: [], ...config },
      { clock, ids: countedIds(), log: silentLogger },
    )
    open.push(made)
    return made
  }

  /** An address where nobody listens. */
  async function nobody(): Promise<string> {
    const server = await startModelServer()
    await server.close()
    return server.url
  }

  describe('with a configured endpoint', () => {
    it('are the named one, and any other name at that endpoint', async () => {
      const server = await serve()
      const made = await models({
        dialogue: { baseUrl: server.url, model: 'big', promptPrice: 3, completionPrice: 5, contextTokens: 99 },
      })
      const choice = made.choose('dialogue')
      expect(choice).to.include({ model: 'big', promptPrice: 3, completionPrice: 5, contextTokens: 99 })
      expect(made.choose('escalation')).to.equal(choice)
      expect(made.choose('dialogue', 'another')).to.include({ model: 'another', client: choice?.client })
      expect((await hear(choice?.client.stream(askFor('hi', { model: 'big' }), signal) ?? [])).text).to.equal('hi')
      expect(made.list()[0]).to.deep.equal({ id: 'big', role: 'dialogue', source: server.url })
    })

    it('are the first that it lists when none is named', async () => {
      const server = await serve(undefined, { models: ['embed-small', 'chatty', 'other'] })
      expect((await models({ dialogue: { baseUrl: server.url } })).choose('dialogue')?.model).to.equal('chatty')
    })

    it('do not stop the start when it is down, and are asked for at the first call', async () => {
      const url = await nobody()
      const made = await models({ dialogue: { baseUrl: url } })
      const choice = made.choose('dialogue')
      expect(choice?.model).to.equal('auto')
      const server = await serve(undefined, { port: Number(new URL(url).port) })
      await hear(choice?.client.stream(askFor('hi', { model: 'auto' }), signal) ?? [])
      expect(server.requests[0]?.body.model).to.equal('model-a')
    })

    it('have a role for escalation with an endpoint of its own', async () => {
      const [small, big] = [await serve(), await serve()]
      const made = await models({
        dialogue: { baseUrl: small.url, model: 'small' },
        escalation: { baseUrl: big.url, model: 'big', promptPrice: 7 },
      })
      expect(made.choose('escalation')).to.include({ model: 'big', promptPrice: 7 })
      expect(made.choose('dialogue', 'big')?.client).to.equal(made.choose('escalation')?.client)
      expect(
        made
          .list()
          .slice(0, 2)
          .map(({ id, role }) => [id, role]),
      ).to.deep.equal([
        ['small', 'dialogue'],
        ['big', 'escalation'],
      ])
    })

    it('have another model for escalation at the same endpoint', async () => {
      const server = await serve()
      const made = await models({ dialogue: { baseUrl: server.url, model: 'small' }, escalation: { model: 'big' } })
      expect(made.choose('escalation')).to.include({ model: 'big', client: made.choose('dialogue')?.client })
    })
  })

  describe('without one', () => {
    const local = (...urls: string[]): LocalServer[] => urls.map((baseUrl, i) => ({ name: `server ${i}`, baseUrl }))

    it('are the first of the preferred local server that has any', async () => {
      const [empty, second, third] = [
        await serve([], { models: [] }),
        await serve([], { models: ['two', 'deux'] }),
        await serve(),
      ]
      const made = await models({
        discover: true,
        localServers: local(await nobody(), empty.url, second.url, third.url),
      })
      expect(made.choose('dialogue')?.model).to.equal('two')
      expect(made.choose('dialogue', 'deux')?.model).to.equal('deux')
      expect(made.choose('dialogue', 'zwei')).to.equal(undefined)
      expect(made.list().slice(0, 2)).to.deep.equal([
        { id: 'two', role: 'dialogue', source: `server 2 at ${second.url}` },
        { id: 'deux', source: `server 2 at ${second.url}` },
      ])
    })

    it('are the demo when none answers within 300 ms, and say where they looked', async () => {
      const clock = new VirtualClock()
      const [silent, html] = [
        await serve([], { models: reply.silence() }),
        await serve([], { models: reply.status(200, {}, '<html>') }),
      ]
      const made = models({ discover: true, localServers: local(silent.url, html.url) }, clock)
      await eventually(() => clock.pending === 1)
      expect(clock.nextIn).to.equal(300)
      clock.advance(300)
      expect((await made).choose('dialogue')?.model).to.equal('rehearsal/demo')
      expect((await made).list()[0]?.source)
        .to.include(silent.url)
        .and.include('none found')
    })

    it('are only rehearsals', async () => {
      const made = await models({})
      expect(made.choose('dialogue')).to.include({ model: 'rehearsal/demo', promptPrice: 0 })
      expect(made.choose('escalation', 'rehearsal/echo')?.model).to.equal('rehearsal/echo')
      expect(made.choose('dialogue', 'gpt-4o')).to.equal(undefined)
      expect(made.choose('dialogue', 'rehearsal/nothing')).to.equal(undefined)
    })
  })

  it('are the rehearsal that is named, whatever else is configured', async () => {
    const server = await serve()
    const made = await models({ dialogue: { baseUrl: server.url, model: 'rehearsal/echo' }, discover: true })
    expect(made.choose('dialogue')?.model).to.equal('rehearsal/echo')
    expect(made.choose('dialogue', 'gpt-4o')).to.equal(undefined)
    expect(server.connections).to.equal(0)
  })

  it('refuse a rehearsal that does not exist, at the start', async () => {
    const refused = await models({ dialogue: { model: 'rehearsal/ecco' } }).catch((error: unknown) => error)
    expect(refused).to.include({ code: 'CONFIG_INVALID' })
    expect(String(refused)).to.include('SOMA_MODEL').and.include('rehearsal/echo')
  })

  it('tell whether they can be reached, and what to do', async () => {
    const server = await serve()
    const made = await models({
      dialogue: { baseUrl: server.url, model: 'small' },
      escalation: { baseUrl: await nobody(), apiKey: 'sk-secret-key', model: 'big' },
    })
    const [dialogue, escalation] = await made.probe()
    expect(dialogue).to.deep.include({ role: 'dialogue', model: 'small', reachable: true, detail: 'lists 2 models' })
    expect(escalation).to.include({ role: 'escalation', reachable: false })
    expect(escalation?.detail).to.match(/cannot be reached \(ECONNREFUSED\)/)
    expect(escalation?.remedy).to.include('SOMA_ESCALATION_BASE_URL')
    expect((await (await models({})).probe())[0]).to.include({ reachable: true })
  })
})
