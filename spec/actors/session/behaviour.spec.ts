import { expect } from 'chai'
import { contextWindow } from '../../../actors/session/prompt.ts'
import { GivenSession, persona, personasOf } from '../../support/given-session.ts'

const kindsOf = (decision: { events: readonly { kind: string }[] }) => decision.events.map((event) => event.kind)

describe('session behaviour', () => {
  it('is born with its first turn, which begins at once', () => {
    const session = new GivenSession()
    const decision = session.user('t1')
    expect(kindsOf(decision)).to.deep.equal(['SessionStarted', 'UserTurnAccepted', 'TurnStarted', 'ModelCallStarted'])
    expect(decision.effects).to.deep.equal([{ kind: 'CallModel' }])
  })

  it('runs turns one after another, in the order they were accepted', () => {
    const session = new GivenSession()
    session.user('t1')
    session.user('t2')
    session.user('t3')
    session.says('one')
    session.says('two')
    session.says('three')
    expect(session.finals().map((final) => [final.turnId, final.text])).to.deep.equal([
      ['t1', 'one'],
      ['t2', 'two'],
      ['t3', 'three'],
    ])
    expect(session.state.history.map((message) => message.content)).to.deep.equal([
      'words of t1',
      'one',
      'words of t2',
      'two',
      'words of t3',
      'three',
    ])
  })

  it('runs the calls of one step in parallel and goes on when all have returned', () => {
    const session = new GivenSession()
    session.user('t1')
    const asked = session.asksFor('echo {"text":"a"}', 'echo {"text":"b"}')
    expect(asked.outbox?.map((envelope) => envelope.to)).to.have.length(2)
    expect(session.returns(1).effects).to.deep.equal([])
    expect(session.returns(0).effects).to.deep.equal([{ kind: 'CallModel' }])
    session.says('done')
    expect(session.finals()).to.have.length(1)
  })

  it('counts a tool result once, however often it is delivered', () => {
    const session = new GivenSession()
    session.user('t1')
    session.asksFor('echo {}')
    const { callId = '' } = session.state.turn?.calls[0] ?? {}
    session.returns()
    const again = session.tell({
      kind: 'ToolReturned',
      v: 1,
      callId,
      outcome: { status: 'success', output: 'again', finishedAt: 0 },
    })
    expect(again.events).to.deep.equal([])
  })

  it('ignores an answer of a call that is no longer the current one', () => {
    const session = new GivenSession()
    session.user('t1')
    const stale = session.call
    session.tell({ kind: 'Nudge', v: 1 })
    expect(session.model({ text: 'late' }, stale).events).to.deep.equal([])
    session.says('fresh')
    expect(session.finals().map((final) => final.text)).to.deep.equal(['fresh'])
  })

  it('calls the model again after a crash and counts the attempt', () => {
    const session = new GivenSession()
    session.user('t1')
    const decision = session.tell({ kind: 'Recovered' })
    expect(decision.events).to.deep.equal([
      { kind: 'ModelCallStarted', turnId: 't1', step: 1, attempt: 2, reason: 'recovered', persona: 'soma' },
    ])
    expect(decision.effects).to.deep.equal([{ kind: 'CallModel' }])
  })

  it('gives up a model call that was interrupted again and again', () => {
    const session = new GivenSession()
    session.user('t1')
    for (let crash = 0; crash < 30; crash++) session.tell({ kind: 'Recovered' })
    expect(session.finals().map((final) => final.code)).to.deep.equal(['MODEL_UNAVAILABLE'])
  })

  it('keeps the shown text of a stopped turn and begins the next one', () => {
    const session = new GivenSession()
    session.user('t1')
    session.user('t2')
    session.tell({ kind: 'Stop', v: 1, reason: 'enough', partialText: 'half an ans' })
    expect(session.finals()[0]).to.include({ turnId: 't1', outcome: 'stopped', text: 'half an ans' })
    expect(session.state.history.map((message) => message.content)).to.include('half an ans')
    expect(session.state.turn?.request.turnId).to.equal('t2')
  })

  it('stops a queued turn by its id and leaves the running one alone', () => {
    const session = new GivenSession()
    session.user('t1')
    session.user('t2')
    session.tell({ kind: 'Stop', v: 1, turnId: 't2', reason: 'changed my mind' })
    expect(session.state.turn?.request.turnId).to.equal('t1')
    expect(session.finals().map((final) => [final.turnId, final.outcome])).to.deep.equal([['t2', 'stopped']])
  })

  it('cancels and answers hanging tool calls when the user stops or intervenes', () => {
    const session = new GivenSession()
    session.user('t1')
    session.asksFor('hang {}')
    const decision = session.tell({ kind: 'Intervene', v: 1, text: 'forget it' })
    expect(decision.outbox?.[0]?.body).to.include({ kind: 'Cancel' })
    expect(kindsOf(decision)).to.deep.equal(['ToolCallFinished', 'Intervened', 'ModelCallStarted'])
    expect(session.returns().events).to.deep.equal([])
  })

  it('holds a paused turn between steps and takes it up where it was', () => {
    const session = new GivenSession()
    session.user('t1')
    session.asksFor('echo {}')
    session.tell({ kind: 'Pause', v: 1, reason: 'lunch' })
    expect(session.returns().effects).to.deep.equal([])
    expect(session.tell({ kind: 'Resume', v: 1 }).effects).to.deep.equal([{ kind: 'CallModel' }])
    session.says('done')
    expect(session.finals()).to.have.length(1)
  })

  it('aborts the model call at a pause and starts it again at resume', () => {
    const session = new GivenSession()
    session.user('t1')
    expect(session.tell({ kind: 'Pause', v: 1, reason: '' }).effects).to.deep.equal([{ kind: 'AbortModel' }])
    expect(session.user('t2').effects).to.deep.equal([])
    expect(session.tell({ kind: 'Resume', v: 1 }).events.at(-1)).to.include({ attempt: 2, reason: 'resumed' })
  })

  it('ends a turn at its step limit, with an answer that says so', () => {
    const session = new GivenSession(personasOf(persona({ steps: 3 })))
    session.user('t1')
    for (let step = 1; step <= 3; step++) {
      session.asksFor(`echo {"n":${step}}`)
      session.returns()
    }
    expect(session.finals()[0]).to.include({ outcome: 'failed', code: 'STEP_LIMIT' })
  })

  it('ends a turn whose model makes the same call again and again', () => {
    const session = new GivenSession(personasOf(persona({ identicalCalls: 3 })))
    session.user('t1')
    for (let step = 0; step < 4; step++) {
      session.asksFor('echo {"text":"same"}')
      session.returns()
    }
    expect(session.finals()[0]).to.include({ outcome: 'failed', code: 'REPEATED_CALL' })
    expect(session.state.turn).to.equal(undefined)
  })

  it('tells the model of arguments that are not JSON, and bounds it', () => {
    const session = new GivenSession()
    session.user('t1')
    for (let step = 0; step < 4; step++) session.model({ calls: [{ id: '', name: 'echo', arguments: '<<<' }] })
    expect(session.events.filter((event) => event.kind === 'ToolCallFinished')[0]).to.have.nested.property(
      'outcome.code',
      'TOOL_ARGUMENTS',
    )
    expect(session.finals()[0]).to.include({ outcome: 'failed', code: 'REPEATED_CALL' })
  })

  it('asks again after an empty answer, three times at most', () => {
    const session = new GivenSession()
    session.user('t1')
    session.says('')
    session.says('  ')
    session.says('')
    expect(session.finals()[0]).to.include({ outcome: 'failed', code: 'MODEL_GARBLED' })
  })

  it('does what gateways accepted beyond the queue’s limit, and ends what no gateway should have, with a final of its own', () => {
    const session = new GivenSession(personasOf(persona({ queuedTurns: 1 })))
    for (let turn = 0; turn <= 10; turn++) session.user(`t${turn}`)
    expect(session.kinds()).to.not.include('UserTurnRejected')
    expect(kindsOf(session.user('one more'))).to.deep.equal(['UserTurnRejected'])
  })

  it('ends the turn with the calls that the client itself runs, and takes their results up', () => {
    const session = new GivenSession()
    session.user('t1', 'weather?', { clientTools: [{ name: 'weather', description: '', parameters: {} }] })
    session.model({ calls: [{ id: 'abc', name: 'weather', arguments: '{}' }] })
    expect(session.finals()[0]).to.include({ outcome: 'client_tools', finishReason: 'tool_calls' })
    session.user('t2', '', { toolResults: [{ toolCallId: 'abc', content: 'sunny' }] })
    const window = contextWindow(session.state, persona(), 100_000, session.now)
    expect(window?.messages.slice(1).map((message) => [message.role, message.content])).to.deep.equal([
      ['user', 'weather?'],
      ['assistant', ''],
      ['tool', 'sunny'],
    ])
  })

  it('takes files that come without a word, and those of a history that a client sends again once', () => {
    const session = new GivenSession()
    const history = [{ role: 'user', content: 'look', attachments: ['a0'] }] as const
    session.user('t1', '', { history, toolResults: [{ toolCallId: 'abc', content: 'sunny' }], attachments: ['a1'] })
    session.says('seen')
    session.user('t2', 'and?', { history })
    const told = session.state.history.map((one) => ('attachments' in one ? one.attachments : undefined))
    expect(told).to.deep.equal([['a0'], undefined, ['a1'], undefined, undefined])
  })

  it('is not moved by another tenant', () => {
    const session = new GivenSession()
    session.user('t1')
    const decision = session.tell({ kind: 'Stop', v: 1, reason: '' }, 'intruder')
    expect(decision.deadLetter?.code).to.equal('UNROUTABLE')
    expect(decision.events).to.deep.equal([])
  })

  it('keeps tenant, persona and budget through later metadata and quick actions', () => {
    const session = new GivenSession()
    session.user('t1', 'hi', { metadata: { budget: 10, tenant: 'acme', team: 'a' } })
    session.says('hello')
    session.user('t2', 'more', { metadata: { budget: 1_000_000, tenant: 'other', team: 'b' } })
    session.says('ok')
    session.tell({ kind: 'Act', v: 1, turnId: 't3', action: 'summarize', metadata: { budget: 5 } })
    expect(session.state.metadata).to.deep.equal({ budget: 10, tenant: 'acme', team: 'b' })
    expect(session.state.personaId).to.equal('soma')
  })

  it('charges the turn and stops it beyond its tokens', () => {
    const session = new GivenSession(personasOf(persona({ tokensPerTurn: 12 })))
    session.user('t1')
    session.says('expensive')
    expect(session.finals()[0]).to.include({ outcome: 'failed', code: 'BUDGET_EXCEEDED' })
  })

  it('writes beside each event the persona of that moment', () => {
    const session = new GivenSession(personasOf(persona(), persona({}, { id: 'pirate' })))
    session.user('t1')
    session.tell({ kind: 'SwitchPersona', v: 1, personaId: 'pirate' })
    session.says('arr')
    const personaAt = (kind: string) => session.events.find((event) => event.kind === kind)
    expect(personaAt('UserTurnAccepted')).to.include({ persona: 'soma' })
    expect(personaAt('PersonaSwitched')).to.include({ persona: 'pirate' })
    expect(personaAt('TurnFinished')).to.include({ persona: 'pirate' })
  })

  it('holds a session to the budget it was born with', () => {
    const session = new GivenSession()
    session.user('t1', 'hi', { metadata: { budget: 20 } })
    session.says('15 tokens')
    session.user('t2', 'more', { metadata: { budget: 1_000 } })
    session.says('30 tokens')
    expect(session.finals().map((final) => final.code)).to.deep.equal([undefined, 'BUDGET_EXCEEDED'])
  })

  it('forgets the conversation at reset and answers what was waiting', () => {
    const session = new GivenSession()
    session.user('t1')
    session.user('t2')
    session.tell({ kind: 'Reset', v: 1 })
    expect(session.finals().map((final) => final.turnId)).to.have.members(['t1', 't2'])
    expect(session.state.history).to.deep.equal([])
    expect(session.user('t4').effects).to.deep.equal([{ kind: 'CallModel' }])
  })

  it('marks who injected a message and why, and lets it take effect at once', () => {
    const session = new GivenSession()
    session.user('t1')
    const decision = session.tell({
      kind: 'Inject',
      v: 1,
      message: { role: 'system', content: 'be brief' },
      by: 'ann',
      why: 'debug',
      partialText: 'long ans',
    })
    expect(decision.events[0]).to.include({ kind: 'MessageInjected', by: 'ann', why: 'debug' })
    expect(decision.effects).to.deep.equal([{ kind: 'CallModel' }])
  })

  it('lets an operator answer a hanging tool call in its stead', () => {
    const session = new GivenSession()
    session.user('t1')
    session.asksFor('hang {}')
    const callId = session.state.turn?.calls[0]?.callId ?? ''
    const message = { role: 'tool', callId, content: '42' } as const
    const decision = session.tell({ kind: 'Inject', v: 1, message, by: 'ann', why: 'hangs' })
    expect(decision.effects).to.deep.equal([{ kind: 'CallModel' }])
    expect(session.state.history.at(-1)).to.include({ role: 'tool', content: '42' })
  })
})
