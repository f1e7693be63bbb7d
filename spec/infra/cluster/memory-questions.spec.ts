import { expect } from 'chai'
import { pack, unpack } from 'msgpackr'
import { receivedQuery, sentQuery } from '../../../infra/cluster/memory-questions.ts'

describe('a question about memories, over a link', () => {
  it('brings the vector as it was, wherever it lies in the letter', () => {
    const vector = Float32Array.from({ length: 512 }, (_, n) => Math.sin(n))
    for (const text of ['', 'x', 'xy', 'xyz']) {
      const sent = sentQuery({ text, vector, mode: 'hybrid', limit: 10, now: 7 })
      // As links do: many frames in one letter.
      const letter = unpack(pack({ from: text, frames: [{ k: 'ask', question: { op: 'memory.search', args: sent } }] }))
      const received = receivedQuery(letter.frames[0].question.args)
      expect([...(received.vector as Float32Array)], `after ${text.length} bytes`).to.deep.equal([...vector])
      expect(received).to.include({ text, mode: 'hybrid', limit: 10, now: 7 })
    }
  })
})
