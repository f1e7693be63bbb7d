import { expect } from 'chai'
import { z } from 'zod'
import { address, shardOf } from '../../../actors/kernel/address.ts'
import type { PolicyInput } from '../../../actors/kernel/policy.ts'
import { dryRuns } from '../../../actors/session/dry-run.ts'
import { sessionCodec } from '../../../actors/session/events.ts'
import { lineDifference } from '../../../actors/session/line-difference.ts'
import type { InjectedMessage } from '../../../actors/session/protocol.ts'
import { toolCatalogue } from '../../../actors/tool/catalogue.ts'
import { defineTool } from '../../../actors/tool/tool.ts'
import { systemClock, systemIds } from '../../../infra/clock.ts'
import { InMemoryAttachments } from '../../../persistence/in-memory-attachments.ts'
import { InMemoryEpochs } from '../../../persistence/in-memory-epochs.ts'
import { InMemoryJournal } from '../../../persistence/in-memory-journal.ts'
import { InMemoryStore } from '../../../persistence/in-memory-store.ts'
import type { DryRunRequest } from '../../../transports/gateway/dry-runs.ts'
import type { ModelClient, ModelRequest } from '../../../transports/model/client.ts'
import { createRehearsal } from '../../../transports/model/rehearsal.ts'
import { GivenSession, persona, personasOf, SESSION_ID } from '../../support/given-session.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const signal = new AbortController().signal
const at = address('session', SESSION_ID)

/** A session's past in a journal, and all that a dry run may reach; what it reaches is written down. */
class World {
  readonly session = new GivenSession(personasOf(persona({ steps: 6 })))
  readonly store = new InMemoryStore()
  readonly clock = new VirtualClock()
  readonly asked: PolicyInput[] = []
  readonly attachments = new InMemoryAttachments(this.store, systemIds, systemClock)
  /** What the model was given, call by call. */
  readonly requests: ModelRequest[] = []
  ran = 0
  dailyTokens = 0

  async dry(asked: Partial<DryRunRequest> & { inject?: InjectedMessage }) {
    const journal = new InMemoryJournal(this.store)
    const [lease] = await new InMemoryEpochs(this.store).claim('spec', 'session', [shardOf(at)])
    const codec = sessionCodec()
    const known = await journal.head(at)
    const fresh = this.session.events.slice(known)
    await journal.append({
      address: at,
      epoch: lease?.epoch ?? 0,
      envelopeId: `spec-${known}`,
      expectedSeq: known,
      events: fresh.map((event) => ({ ...codec.encode(event), at: this.session.now })),
      outbox: [],
      unfinished: false,
      usage: { tenant: 'acme', day: '20231114', personaId: 'soma', tokens: 100, costMicros: 1 },
    })
    const before = JSON.stringify(everythingIn(this.store))
    const tools = toolCatalogue(
      ['echo', 'send_mail'].map((name) =>
        defineTool({
          name,
          description: name,
          schema: z.object({ text: z.string() }),
          idempotent: false,
          timeoutMs: 1_000,
          reaches: [],
          run: async () => {
            this.ran++
            return 'it ran'
          },
        }),
      ),
    )
    const rehearsal = createRehearsal({ clock: this.clock })
    const client: ModelClient = {
      ...rehearsal,
      stream: (request, aborted) => {
        this.requests.push(request)
        return rehearsal.stream(request, aborted)
      },
    }
    const choice = { client, model: 'rehearsal/script', promptPrice: 0, completionPrice: 0, contextTokens: 8_000 }
    const runs = dryRuns({
      journal,
      attachments: this.attachments,
      usage: journal,
      models: { choose: () => choice, list: () => [] },
      personas: personasOf(persona({ steps: 6 })),
      tools,
      policy: {
        decide: async (input) => {
          this.asked.push(input)
          return { id: '1', allow: input.resource !== 'send_mail', reason: 'as the spec says', policy: 'spec' }
        },
      },
      dailyTokenLimit: () => this.dailyTokens,
      clock: this.clock,
    })
    const limits = { steps: 5, tokens: 10_000, seconds: 60 }
    const report = await runs.run({ sessionId: SESSION_ID, by: 'ann', why: 'spec', limits, ...asked }, signal)
    expect(JSON.stringify(everythingIn(this.store)), 'R1. a dry run touches nothing').to.equal(before)
    expect(this.ran, 'R1. no tool runs').to.equal(0)
    return report
  }
}

function everythingIn(store: InMemoryStore): unknown {
  return Object.entries(store).map(([name, value]) => [
    name,
    value instanceof Map || value instanceof Set
      ? [...value].map((entry) => (Array.isArray(entry) && entry[1] instanceof Set ? [entry[0], [...entry[1]]] : entry))
      : value,
  ])
}

function talked(): World {
  const world = new World()
  world.session.user('t1', 'call echo {"text":"hi"}\nthen\nsay one\nsay two')
  world.session.asksFor('echo {"text":"hi"}')
  world.session.returns(0, 'hi of then')
  world.session.says('one\ntwo')
  return world
}

describe('a dry run', () => {
  it('from before a turn runs that turn again, and compares with what did happen', async () => {
    const world = talked()
    const report = await world.dry({ at: 1, inject: { role: 'system', content: 'be terse' } })
    expect(report.baseline).to.include({ source: 'journal', ended: 'final', finalText: 'one\ntwo' })
    expect(report.fork).to.include({ source: 'run', ended: 'final', outcome: 'completed' })
    expect(report.fork.toolCalls).to.have.length(1)
    expect(report.fork.events.map(({ type }) => type)).to.include('session.injected')
  })

  it('R3. gives a call that the journal knows its recorded outcome, with today’s decision', async () => {
    const world = talked()
    const report = await world.dry({ message: 'call echo {"text":"hi"}' })
    expect(report.fork.toolCalls[0]).to.include({ from: 'recorded', output: 'hi of then', status: 'success' })
    expect(report.fork.toolCalls[0]?.decision).to.include({ allow: true, policy: 'spec' })
    expect(report.fork.finalText).to.equal('hi of then')
    expect(world.asked[0]).to.include({ tenant: 'acme', resource: 'echo' })
  })

  it('R3. tells of any other call that it was not run, and of a denied one that it is denied', async () => {
    const report = await talked().dry({ message: 'call echo {"text":"new"}\nand call send_mail {"text":"x"}' })
    const [echo, mail] = report.fork.toolCalls
    expect(echo).to.include({ from: 'simulated', status: 'unknown' })
    expect(echo?.output).to.include('dry run: not run')
    expect(mail).to.include({ from: 'refused', status: 'blocked' })
  })

  it('with nothing after the fork compares with the same fork without the message', async () => {
    const report = await talked().dry({ inject: { role: 'user', content: 'say other' } })
    expect(report.baseline).to.include({ source: 'run', ended: 'idle', modelCalls: 0 })
    expect(report.fork).to.include({ finalText: 'other', modelCalls: 1 })
    expect(report.difference).to.deep.include({ changed: true, text: [{ op: '+', line: 'other' }] })
  })

  it('gives the model the lines of attachments that the session’s own call would have', async () => {
    const world = new World()
    const file = { filename: 'cat.png', mime: 'image/png', source: 'upload' as const, bytes: Buffer.from('bytes') }
    const { id } = await world.attachments.save({ tenant: 'acme', sessionId: SESSION_ID, ...file })
    world.session.user('t1', 'say seen', { attachments: [`/v1/attachments/${id}`, 'gone'] })
    await world.dry({ inject: { role: 'system', content: 'be terse' } })
    const told = world.requests.at(-1)?.messages.find(({ role }) => role === 'user')?.content
    expect(told).to.equal(
      `say seen\n\n[Attachment: cat.png, image/png, 5 bytes, id ${id}. It is an image that is not shown here.]\n\n` +
        '[Attachment gone: not available.]',
    )
  })

  it('takes a turn that runs to its end, and a step that is held', async () => {
    const world = talked()
    world.session.tell({ kind: 'SetStepMode', v: 1, on: true, by: 'ann', why: '' })
    world.session.user('t2', 'say second')
    const report = await world.dry({ inject: { role: 'control', command: { name: 'stop' } } })
    expect(report.baseline).to.include({ source: 'run', finalText: 'second', outcome: 'completed' })
    expect(report.fork).to.include({ outcome: 'stopped', modelCalls: 0 })
  })

  it('of a pause ends paused', async () => {
    const world = talked()
    world.session.user('t2', 'say second')
    const report = await world.dry({ inject: { role: 'control', command: { name: 'pause' } } })
    expect(report.fork.ended).to.equal('paused')
    expect(report.baseline.ended).to.equal('final')
  })

  it('R2. is cut off at its steps and tokens, and says so', async () => {
    const message = 'repeat call echo {"text":"hi"}'
    const limits = { tokens: 10_000, seconds: 60 }
    expect((await talked().dry({ message, limits: { ...limits, steps: 2 } })).fork.ended).to.equal('steps')
    const short = { steps: 5, tokens: 10, seconds: 60 }
    const words = `say ${'word '.repeat(100)}`
    expect((await talked().dry({ message: words, limits: short })).fork).to.include({ ended: 'tokens', modelCalls: 0 })
  })

  it('R2. is cut off when a model hangs beyond its seconds', async () => {
    const world = talked()
    const report = world.dry({ message: 'hang', inject: { role: 'system', content: 'x' } })
    for (let turn = 0; turn < 4; turn++) {
      for (let settle = 0; settle < 50; settle++) await Promise.resolve()
      world.clock.advance(61_000)
    }
    expect((await report).fork.ended).to.equal('seconds')
  })

  it('R2. calls no model when the day’s budget is spent', async () => {
    const world = talked()
    world.dailyTokens = 50
    const report = await world.dry({ message: 'say hello' })
    expect(report.fork.outcome).to.equal('failed')
    expect(JSON.stringify(report.fork.events.at(-1))).to.include('BUDGET_EXCEEDED')
  })

  it('refuses a place that the journal does not have', async () => {
    const refused = await talked()
      .dry({ at: 99, message: 'x' })
      .catch((error: unknown) => error)
    expect(refused).to.include({ code: 'INVALID_CURSOR' })
  })
})

describe('the difference of two texts', () => {
  const told = (before: string, after: string) => lineDifference(before, after).map(({ op, line }) => `${op}${line}`)

  it('keeps what is the same and marks the rest', () => {
    expect(told('a\nb\nc\nd', 'a\nx\nc\ny\nd')).to.deep.equal(['=a', '-b', '+x', '=c', '+y', '=d'])
    expect(told('', 'a')).to.deep.equal(['+a'])
    expect(told('a', '')).to.deep.equal(['-a'])
    expect(told('a\na', 'a')).to.deep.equal(['=a', '-a'])
  })
})
