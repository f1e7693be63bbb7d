import { expect } from 'chai'
import fc from 'fast-check'
import { closest } from '../../../actors/kernel/did-you-mean.ts'

describe('did you mean', () => {
  it('finds a name through a slip of the keys', () => {
    const names = ['SOMA_PORT', 'SOMA_HOST', 'SOMA_MODEL']
    expect(closest('SOMA_PROT', names)).to.equal('SOMA_PORT')
    expect(closest('SOMA_MODLE', names)).to.equal('SOMA_MODEL')
    expect(closest('ENTIRELY_ELSE', names)).to.equal(undefined)
  })

  it('takes no time for a name that is far too long', () => {
    const before = performance.now()
    expect(closest('x'.repeat(8_000_000), ['send_message', 'recall'])).to.equal(undefined)
    expect(performance.now() - before).to.be.below(50)
  })

  it('finds every name by itself', () => {
    const name = fc.string({ minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1 }), (names) => closest(names[0] as string, names) === names[0]),
    )
  })
})
