import { expect } from 'chai'
import { refusal, tenantOf } from '../../supervisors/drills/tenant-guard.ts'

describe('where a drill may run', () => {
  const jwt = (claims: object) => `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.y`

  it('runs as a tenant that is named for it', () => {
    for (const tenant of ['drill', 'drill-eu', 'drill.2']) {
      expect(refusal({ auth: true, tenant }, false)).to.equal(undefined)
    }
  })

  it('refuses any other, whether tokens are asked for or not', () => {
    for (const tenant of ['acme', 'local', 'drilling-company', 'undrill']) {
      expect(refusal({ auth: true, tenant }, false)).to.include(tenant)
      expect(refusal({ auth: false, tenant }, false)).to.include(tenant)
    }
  })

  it('refuses when it cannot tell whose sessions they would be', () => {
    expect(refusal({ auth: true, tenant: undefined }, false)).to.include('--token')
  })

  it('does as told when it is told that this is production', () => {
    expect(refusal({ auth: true, tenant: 'acme' }, true)).to.equal(undefined)
  })

  it('reads the tenant of a token, by any of its three names', () => {
    expect(tenantOf(jwt({ tenant: 'drill' }))).to.equal('drill')
    expect(tenantOf(jwt({ org: 'acme' }))).to.equal('acme')
    expect(tenantOf(jwt({ customer: 'acme' }))).to.equal('acme')
    expect(tenantOf(jwt({ sub: 'me' }))).to.equal(undefined)
    expect(tenantOf('opaque')).to.equal(undefined)
  })
})
