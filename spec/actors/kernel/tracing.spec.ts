import { expect } from 'chai'
import { traceOfWork } from '../../../actors/kernel/tracing.ts'

describe('the trace that a work goes on in', () => {
  const trace = (digit: string) => `00-${digit.repeat(32)}-${'b'.repeat(16)}-01`
  const atHand = { traceparent: trace('a') }

  it('is its own, where it has another than that of what woke it', () => {
    expect(traceOfWork(trace('c'), atHand)).to.deep.equal({ traceparent: trace('c') })
  })

  it('is that of the message at hand, where they are the same or it has none', () => {
    expect(traceOfWork(`00-${'a'.repeat(32)}-${'d'.repeat(16)}-01`, atHand)).to.equal(atHand)
    expect(traceOfWork(undefined, atHand)).to.equal(atHand)
  })

  it('is not what an old journal holds that no tracer wrote: a session must not fail for ever by it', () => {
    for (const rubbish of [7, null, {}, [], '', 'x'.repeat(10_000), `${trace('c')}-extra`]) {
      expect(traceOfWork(rubbish, atHand), String(rubbish).slice(0, 40)).to.equal(atHand)
    }
  })
})
