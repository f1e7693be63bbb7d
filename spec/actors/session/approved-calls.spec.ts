import { expect } from 'chai'
import type { SessionCommand } from '../../../actors/session/protocol.ts'
import { GivenSession, SESSION_ID } from '../../support/given-session.ts'

const approval = { callId: `${SESSION_ID}/3.0`, by: 'ada', why: 'asked on the phone' }
const asked: SessionCommand = {
  ...{ kind: 'RequestTool', v: 1, requestId: 'requeue/3.0', tool: 'secret', args: {}, metadata: {} },
  approval,
}
const callId = `${SESSION_ID}/requeue/3.0`
const returned: SessionCommand = {
  kind: 'ToolReturned',
  v: 1,
  callId,
  outcome: { status: 'success', output: 'it is 42', finishedAt: 1 },
}

describe('a denied call that an operator allowed', () => {
  it('goes to its tool with the approval, beside the metadata', () => {
    const session = new GivenSession()
    const { outbox } = session.tell(asked)
    expect(outbox?.[0]?.body).to.deep.include({ kind: 'Invoke', callId, approval, metadata: {} })
  })

  it('comes back as an injected message, once, with who allowed it and why', () => {
    const session = new GivenSession()
    session.tell(asked)
    session.tell(returned)
    session.tell(returned)
    const injected = session.events.filter(({ kind }) => kind === 'MessageInjected')
    expect(injected).to.have.length(1)
    expect(injected[0]).to.deep.include({ by: 'ada', why: 'asked on the phone' })
    expect(session.state.history.at(-1)?.content).to.include('it is 42')
  })

  it('leaves any other request as it was: its result is told, and injected nowhere', () => {
    const session = new GivenSession()
    const { approval: _, ...plain } = asked as Extract<SessionCommand, { kind: 'RequestTool' }>
    session.tell(plain)
    session.tell(returned)
    expect(session.events.map(({ kind }) => kind)).not.to.include('MessageInjected')
  })
})
