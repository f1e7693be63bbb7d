import { expect } from 'chai'
import { givenMetadata } from '../../transports/given-metadata.ts'
import { GivenSession } from '../support/given-session.ts'

describe('metadata that a client gives', () => {
  const bounding: [string, unknown][] = [
    ['a number', 20],
    ['its digits, as OpenAI’s clients send them', '20'],
  ]
  for (const [what, budget] of bounding) {
    it(`holds the session to a budget that is ${what}`, () => {
      const metadata = givenMetadata.parse({ team: 'a', budget })
      const session = new GivenSession()
      session.user('t1', 'hi', { metadata })
      session.says('15 tokens')
      session.user('t2', 'more')
      session.says('30 tokens')
      expect(session.finals().map((final) => final.code)).to.deep.equal([undefined, 'BUDGET_EXCEEDED'])
    })
  }

  for (const free of [{}, { budget: 0 }, { budget: '0' }, { budget: null }, { team: { any: ['thing'] } }]) {
    it(`takes ${JSON.stringify(free)}, which bounds nothing`, () => {
      expect(givenMetadata.parse(free)).to.deep.equal(free)
    })
  }

  const refused = [-1, 0.5, 1e15, '-1', '1e3', '7 tokens', '', ' 7', '9'.repeat(20), true, [7], { tokens: 7 }]
  for (const budget of refused) {
    it(`refuses the budget ${JSON.stringify(budget)} rather than take it for no limit`, () => {
      const issues = givenMetadata.safeParse({ budget }).error?.issues
      expect(issues?.map(({ path, message }) => `${path} ${message}`).join()).to.match(/^budget must be a whole number/)
    })
  }
})
