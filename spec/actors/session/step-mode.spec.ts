import { expect } from 'chai'
import { pendingMessages } from '../../../actors/session/step-state.ts'
import { GivenSession } from '../../support/given-session.ts'

const ann = { by: 'ann', why: 'ticket 4711' } as const

function stepping(): GivenSession {
  const session = new GivenSession()
  session.tell({ kind: 'SetStepMode', v: 1, on: true, ...ann })
  session.user('t1')
  return session
}

const holdOf = ({ state }: GivenSession) => state.turn?.hold
const next = (session: GivenSession) =>
  session.tell({ kind: 'Step', v: 1, hold: holdOf(session)?.hold ?? 1, by: 'ann' })
const effects = (decision: ReturnType<GivenSession['tell']>) => decision.effects?.map(({ kind }) => kind)
const sent = (decision: ReturnType<GivenSession['tell']>) =>
  decision.outbox?.map(({ body }) => (body as { kind: string }).kind)

describe('step mode', () => {
  it('M1. holds the first model call until an operator says go on', () => {
    const session = stepping()
    expect(session.kinds().at(-1)).to.equal('StepHeld')
    expect(session.behaviour.pendingEffects(session.state)).to.deep.equal([])
    const decision = next(session)
    expect(effects(decision)).to.deep.equal(['CallModel'])
    expect(session.state.turn).to.include({ phase: 'model', step: 1 }).and.not.have.property('hold')
  })

  it('M1. holds the calls of a step one at a time, and the model call after them', () => {
    const session = stepping()
    next(session)
    expect(sent(session.asksFor('echo {"n":1}', 'echo {"n":2}'))).to.deep.equal([])
    expect(holdOf(session)).to.include({ before: 'call', callId: session.state.turn?.calls[0]?.callId })
    expect(sent(next(session))).to.deep.equal(['Invoke'])
    expect(holdOf(session)).to.include({ callId: session.state.turn?.calls[1]?.callId })
    session.returns(0)
    expect(session.state.turn?.phase).to.equal('tools')
    expect(sent(next(session))).to.deep.equal(['Invoke'])
    expect(holdOf(session)).to.equal(undefined)
    session.returns(1)
    expect(holdOf(session)).to.include({ before: 'model', reason: 'next' })
    next(session)
    session.says('done')
    expect(session.finals()).to.have.length(1)
  })

  it('a repeated Step of a hold that is over does nothing', () => {
    const session = stepping()
    const step = { kind: 'Step', v: 1, hold: holdOf(session)?.hold ?? 0, by: 'ann' } as const
    session.tell(step)
    session.asksFor('echo {"n":1}')
    expect(session.tell(step).events).to.deep.equal([])
    expect(holdOf(session)?.before).to.equal('call')
  })

  it('M3. puts the deadline off by as long as it was held', () => {
    const session = stepping()
    const before = session.state.turn?.deadline ?? 0
    session.now += 3_600_000
    next(session)
    expect(session.state.turn?.deadline).to.equal(before + 3_600_000)
    session.asksFor('echo {"n":1}')
    session.now += 3_600_000
    next(session)
    session.returns(0)
    expect(holdOf(session)?.before).to.equal('model')
    expect(session.finals()).to.deep.equal([])
  })

  it('M3. a held call that an operator answers an hour later does not miss the deadline either', () => {
    const session = stepping()
    next(session)
    session.asksFor('echo {"n":1}')
    const callId = session.state.turn?.calls[0]?.callId ?? ''
    session.now += 3_600_000
    const message = { role: 'tool', callId, content: 'by hand' } as const
    const decision = session.tell({ kind: 'Inject', v: 1, message, ...ann })
    expect(sent(decision), 'nothing to cancel: nothing was sent').to.deep.equal([])
    expect(holdOf(session)?.before).to.equal('model')
    expect(session.finals()).to.deep.equal([])
  })

  it('lets an operator edit the pending message, and keeps what it was', () => {
    const session = stepping()
    const [pending] = pendingMessages(session.state)
    const edit = { what: 'message', position: pending?.position ?? -1, content: 'better words' } as const
    session.tell({ kind: 'EditPending', v: 1, hold: holdOf(session)?.hold ?? 0, edit, ...ann })
    expect(session.events.at(-1)).to.include({ kind: 'PendingEdited', before: 'words of t1', ...ann })
    expect(session.state.history.at(-1)).to.include({ role: 'user', content: 'better words' })
  })

  it('lets an operator edit the arguments of a held call; the tool and the model both get the new ones', () => {
    const session = stepping()
    next(session)
    session.asksFor('echo {"n":1}')
    const callId = session.state.turn?.calls[0]?.callId ?? ''
    const edit = { what: 'call', callId, arguments: '{"n":2}' } as const
    session.tell({ kind: 'EditPending', v: 1, hold: holdOf(session)?.hold ?? 0, edit, ...ann })
    const [invoke] = next(session).outbox ?? []
    expect(invoke?.body).to.deep.include({ kind: 'Invoke', args: { n: 2 } })
    expect(JSON.stringify(session.state.history)).to.include('{\\"n\\":2}').and.not.include('{\\"n\\":1}')
  })

  it('edits nothing that is not pending', () => {
    const session = stepping()
    const { hold = 0 } = holdOf(session) ?? {}
    const edit = { what: 'message', position: 7, content: 'x' } as const
    expect(session.tell({ kind: 'EditPending', v: 1, hold, edit, ...ann }).events).to.deep.equal([])
    const other = { what: 'message', position: 0, content: 'x' } as const
    expect(session.tell({ kind: 'EditPending', v: 1, hold: hold + 1, edit: other, ...ann }).events).to.deep.equal([])
  })

  it('switched off, lets all that was held go on', () => {
    const session = stepping()
    next(session)
    session.asksFor('echo {"n":1}', 'echo {"n":2}')
    const decision = session.tell({ kind: 'SetStepMode', v: 1, on: false, ...ann })
    expect(sent(decision)).to.deep.equal(['Invoke', 'Invoke'])
    session.returns(0)
    expect(effects(session.returns(1))).to.deep.equal(['CallModel'])
  })

  it('switched on during a model call, holds from the next step on', () => {
    const session = new GivenSession()
    session.user('t1')
    session.tell({ kind: 'SetStepMode', v: 1, on: true, ...ann })
    expect(session.state.turn?.phase).to.equal('model')
    session.asksFor('echo {"n":1}')
    expect(holdOf(session)?.before).to.equal('call')
  })

  it('paused and switched off, goes on with Resume as the same step', () => {
    const session = stepping()
    session.tell({ kind: 'Pause', v: 1, reason: '' })
    expect(session.tell({ kind: 'Step', v: 1, hold: holdOf(session)?.hold ?? 0, by: 'ann' }).events).to.deep.equal([])
    session.tell({ kind: 'SetStepMode', v: 1, on: false, ...ann })
    expect(session.state.turn?.phase).to.equal('held')
    expect(effects(session.tell({ kind: 'Resume', v: 1 }))).to.deep.equal(['CallModel'])
    expect(session.state.turn).to.include({ step: 1, attempt: 1 })
  })

  it('M4. stopped while a call is held: the tool never hears of it, the turn ends once', () => {
    const session = stepping()
    next(session)
    session.asksFor('echo {"n":1}')
    const decision = session.tell({ kind: 'Stop', v: 1, reason: 'enough' })
    expect(sent(decision)).to.deep.equal([])
    expect(session.finals()).to.have.length(1)
    expect(session.state.history.find(({ role }) => role === 'tool')?.content).to.equal('The call was not run: enough.')
  })

  it('M4. intervened while held: the words are in what the next step sends', () => {
    const session = stepping()
    session.tell({ kind: 'Intervene', v: 1, text: 'wait' })
    expect(pendingMessages(session.state).map(({ message }) => message.content)).to.deep.equal(['words of t1', 'wait'])
    expect(effects(next(session))).to.deep.equal(['CallModel'])
  })

  it('nudged while held: it is not stuck, nothing begins', () => {
    const session = stepping()
    expect(session.tell({ kind: 'Nudge', v: 1 }).events).to.deep.equal([])
  })
})

describe('a control message by injection', () => {
  const control = (
    session: GivenSession,
    command: { readonly name: 'stop' | 'pause' | 'resume' | 'nudge' | 'reset' },
  ) => session.tell({ kind: 'Inject', v: 1, message: { role: 'control', command }, ...ann })

  for (const [name, effect] of [
    ['stop', 'TurnFinished'],
    ['pause', 'Paused'],
    ['nudge', 'ModelCallStarted'],
    ['reset', 'SessionReset'],
  ] as const) {
    it(`${name}: the journal says who and why, then what it did`, () => {
      const session = new GivenSession()
      session.user('t1')
      const { events } = control(session, { name })
      expect(events[0]).to.deep.include({
        kind: 'MessageInjected',
        message: { role: 'control', command: { name } },
        ...ann,
      })
      expect(events.map(({ kind }) => kind)).to.include(effect)
    })
  }

  it('resume and persona likewise', () => {
    const session = new GivenSession()
    session.user('t1')
    control(session, { name: 'pause' })
    expect(control(session, { name: 'resume' }).events.map(({ kind }) => kind)).to.deep.equal([
      'MessageInjected',
      'Resumed',
      'ModelCallStarted',
    ])
    const message = { role: 'control', command: { name: 'persona', personaId: 'soma' } } as const
    const { events } = session.tell({ kind: 'Inject', v: 1, message, ...ann })
    expect(events.map(({ kind }) => kind)).to.deep.equal(['MessageInjected', 'PersonaSwitched'])
  })

  it('adds nothing to what the model reads', () => {
    const session = new GivenSession()
    session.user('t1')
    const before = session.state.history
    control(session, { name: 'nudge' })
    expect(session.state.history).to.deep.equal(before)
  })

  it('of a stop gives the reason to the final answer', () => {
    const session = new GivenSession()
    session.user('t1')
    control(session, { name: 'stop' })
    expect(session.finals()[0]).to.include({ outcome: 'stopped', detail: 'ticket 4711 (ann)' })
  })
})
