import { expect } from 'chai'
import { Failure, type FailureCode, failures } from '../../actors/kernel/failure.ts'
import { decide } from '../../supervisors/decider.ts'

const decided = (code: FailureCode) => decide(new Failure(code, 'x'))

describe('decider', () => {
  const table: [FailureCode, ReturnType<typeof decide>][] = [
    ['INTERNAL', { directive: 'restart', counts: true, atOnce: false }],
    ['UNREADABLE_EVENT', { directive: 'restart', counts: true, atOnce: false }],
    ['JOURNAL_UNAVAILABLE', { directive: 'restart', counts: false, atOnce: false }],
    ['MAILBOX_FULL', { directive: 'restart', counts: false, atOnce: false }],
    ['JOURNAL_CONFLICT', { directive: 'restart', counts: true, atOnce: true }],
    ['EPOCH_FENCED', { directive: 'stop', counts: false, atOnce: false }],
    ['MALFORMED_MESSAGE', { directive: 'resume', counts: false, atOnce: false }],
    ['TOOL_DENIED', { directive: 'resume', counts: false, atOnce: false }],
    ['DATA_DIR_UNUSABLE', { directive: 'escalate', counts: false, atOnce: false }],
  ]
  for (const [code, decision] of table) {
    it(`answers ${code} with ${decision.directive}${decision.counts ? ', counted' : ''}`, () => {
      expect(decided(code)).to.deep.equal(decision)
    })
  }

  it('has an answer to every failure of the catalogue', () => {
    for (const code of Object.keys(failures) as FailureCode[]) expect(decided(code)).to.have.property('directive')
  })
})
