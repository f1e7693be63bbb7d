import { expect } from 'chai'
import { refusal } from '../../supervisors/drills/tenant-guard.ts'

describe('where a drill may run', () => {
  it('runs as a tenant that is named for it', () => {
    for (const tenant of ['drill', 'drill-eu', 'drill.2']) expect(refusal(tenant, false)).to.equal(undefined)
  })

  it('refuses any other', () => {
    for (const tenant of ['acme', 'local', 'drilling-company', 'undrill']) {
      expect(refusal(tenant, false)).to.include(tenant)
    }
  })

  it('refuses when it cannot tell whose sessions they would be', () => {
    expect(refusal(undefined, false)).to.be.a('string')
  })

  it('does as told when it is told that this is production', () => {
    expect(refusal('acme', true)).to.equal(undefined)
  })
})
