import { expect } from 'chai'
import { GivenSession } from '../../support/given-session.ts'

describe('a deleted session', () => {
  it('takes nothing after its deletion', () => {
    const session = new GivenSession()
    session.user('t1')
    session.tell({ kind: 'Delete', v: 1 })
    expect(session.user('t2').deadLetter?.code).to.equal('UNROUTABLE')
  })

  it('is erased at its deletion, again by the next owner should that have been lost, and after each call that ends later', () => {
    const session = new GivenSession()
    session.user('t1')
    const erased = [{ kind: 'Erase' }]
    expect(session.tell({ kind: 'Delete', v: 1 }).effects).to.deep.include(erased[0])
    expect(session.behaviour.pendingEffects(session.state)).to.deep.equal(erased)
    expect(session.tell({ kind: 'Recovered' })).to.deep.equal({ events: [], effects: erased })
    const outcome = { status: 'success', output: 'late', truncated: false, finishedAt: 0 } as const
    expect(session.tell({ kind: 'Delete', v: 1 }), 'asked for again').to.deep.equal({ events: [], effects: erased })
    expect(session.tell({ kind: 'ToolReturned', v: 1, callId: 'c', outcome }).effects).to.deep.equal(erased)
  })
})
