import { expect } from 'chai'
import fc from 'fast-check'
import { estimatePrompt, messageTokens } from '../../../actors/kernel/tokens.ts'
import {
  boundedSummary,
  type Condensation,
  type CondensingResult,
  condensationDue,
  condensingRequest,
} from '../../../actors/session/condensing.ts'
import { contextWindow } from '../../../actors/session/prompt.ts'
import type { ModelChoice, ModelMessage } from '../../../transports/model/client.ts'
import { GivenSession, persona, personasOf } from '../../support/given-session.ts'

const WINDOW = 1_000
const usage = { promptTokens: 700, completionTokens: 50, costMicros: 9 }
const choice = { model: 'm', contextTokens: WINDOW } as ModelChoice

/** Turns of about 104 tokens each. */
function talked(turns: number, words = 200): GivenSession {
  const session = new GivenSession()
  for (let n = 0; n < turns; n++) {
    session.user(`t${n}`, `${n} `.padEnd(words, 'a'))
    session.says(`${n} `.padEnd(words, 'b'))
  }
  return session
}

const due = (session: GivenSession, over = persona()) => condensationDue(session.state, over, WINDOW)
const condensed = (of: Condensation, summary = 'They talked.'): CondensingResult => ({
  ...{ kind: 'Condensed', of, summary, model: 'm', usage },
})
const failed = (of: Condensation): CondensingResult => ({
  ...{ kind: 'CondensingFailed', of, code: 'MODEL_UNAVAILABLE', detail: 'down' },
})
const windowOf = (session: GivenSession) => {
  const window = contextWindow(session.state, persona(), WINDOW, session.now)
  if (!window) throw new Error('nothing fits')
  return window
}
const told = (messages: readonly ModelMessage[]) => messages.map(({ content }) => content).join('\n')

describe('condensing a history', () => {
  it('is considered when a turn ends, and at no other time', () => {
    const session = new GivenSession()
    expect(session.user('t1').effects).to.deep.equal([{ kind: 'CallModel' }])
    expect(session.says('hello').effects).to.deep.equal([{ kind: 'Condense' }])
  })

  it('is not due while the history is short', () => {
    expect(due(talked(6))).to.equal(undefined)
  })

  it('is due before the window is full, and ends where a turn begins', () => {
    const session = talked(8)
    const of = due(session)
    expect(of).to.deep.include({ from: 0 })
    expect(session.state.history[of?.to ?? 0]?.role).to.equal('user')
    expect(of?.to).to.be.lessThan(session.state.history.length - 1)
  })

  it('H1: the model is told the summary and what came after it; the history keeps every message', () => {
    const session = talked(12)
    expect(told(windowOf(session).messages)).to.include('left out here for length')
    const of = due(session) as Condensation
    session.tell(condensed(of))
    const { messages } = windowOf(session)
    expect(told(messages)).to.include('They talked.').and.include(`The ${of.to} earliest messages`)
    expect(session.state.history).to.have.length(24)
    expect(messages.map(({ content }) => content)).not.to.include(session.state.history[0]?.content)
  })

  it('H1: the next one begins where the last one ended, and knows what it said', () => {
    const session = talked(8)
    const first = due(session) as Condensation
    session.tell(condensed(first))
    for (let n = 20; n < 30; n++) {
      session.user(`t${n}`, `${n} `.padEnd(200, 'a'))
      session.says(`${n} `.padEnd(200, 'b'))
    }
    const second = due(session) as Condensation
    expect(second.from).to.equal(first.to)
    expect(told(condensingRequest(session.state, second, choice, 0).messages)).to.include('They talked.')
  })

  it('a result counts once, and only for the history that it is of', () => {
    const session = talked(8)
    const of = due(session) as Condensation
    session.tell(condensed(of))
    expect(session.tell(condensed(of, 'again')).events).to.deep.equal([])
    const other = talked(8)
    const late = due(other) as Condensation
    other.tell({ kind: 'Reset', v: 1 })
    expect(other.tell(condensed(late)).events).to.deep.equal([])
    for (let n = 50; n < 58; n++) {
      other.user(`t${n}`, 'x')
      other.says('y')
    }
    expect(other.tell(condensed(late)).events).to.deep.equal([])
  })

  it('H2, H3: a failure leaves the note, and is not tried again before the history has grown', () => {
    const session = talked(8)
    session.tell(failed(due(session) as Condensation))
    expect(session.kinds().at(-1)).to.equal('CondensingFailed')
    expect(due(session)).to.equal(undefined)
    for (let n = 20; n < 24; n++) {
      session.user(`t${n}`, 'more')
      session.says('more')
    }
    expect(due(session)).not.to.equal(undefined)
    session.tell(condensed(due(session) as Condensation, ''))
    expect(session.kinds().at(-1), 'an empty summary is a failure').to.equal('CondensingFailed')
  })

  it('H4: counts for the session, is not done beyond its budget, and never in step mode', () => {
    const session = talked(8)
    const before = session.state.usage.promptTokens
    const of = due(session) as Condensation
    expect(due(session, persona({ tokensPerSession: 1 }))).to.equal(undefined)
    session.tell({ kind: 'SetStepMode', v: 1, on: true, by: 'ann', why: '' })
    expect(due(session)).to.equal(undefined)
    session.tell({ kind: 'SetStepMode', v: 1, on: false, by: 'ann', why: '' })
    session.tell(condensed(of))
    expect(session.state.usage.promptTokens).to.equal(before + 700)
  })

  it('a summary that would fill the window is cut, in wide scripts too', () => {
    for (const text of ['a'.repeat(50_000), '字'.repeat(50_000)]) {
      const message = { role: 'system', content: boundedSummary(text, WINDOW) } as const
      expect(messageTokens(message)).to.be.lessThan(WINDOW / 4)
    }
  })

  it('H1, H3: whatever is said and however it ends, it goes forward, stops, and always leaves a request that fits', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 1_500 }), { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(sizes, fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }), (words, succeeds) => {
        const session = new GivenSession(personasOf(persona()))
        let to = 0
        words.forEach((size, n) => {
          session.user(`t${n}`, 'q'.repeat(size))
          session.says('a'.repeat(size))
          for (let round = 0; round < 50; round++) {
            const of = due(session)
            if (!of) break
            expect(of.from).to.equal(to)
            expect(of.to).to.be.greaterThan(to)
            expect(estimatePrompt(condensingRequest(session.state, of, choice, 0).messages)).to.be.lessThan(
              WINDOW * 1.2,
            )
            const works = succeeds[(n + round) % succeeds.length]
            session.tell(works ? condensed(of, 'S'.repeat(400)) : failed(of))
            if (works) to = of.to
            expect(round, 'goes round').to.be.lessThan(49)
          }
          const window = contextWindow(session.state, persona(), WINDOW, session.now)
          if (window) expect(estimatePrompt(window.messages)).to.be.lessThan(WINDOW + 60)
        })
        expect(session.state.history).to.have.length(words.length * 2)
      }),
      { numRuns: 150 },
    )
  })
})
