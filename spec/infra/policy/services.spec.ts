import { expect } from 'chai'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { Policy, PolicyDecision } from '../../../actors/kernel/policy.ts'
import { AllMustAllow } from '../../../infra/policy/all-must-allow.ts'
import { Breaker } from '../../../infra/policy/breaker.ts'
import { DecisionCache } from '../../../infra/policy/decision-cache.ts'
import { OpaPolicy } from '../../../infra/policy/opa-policy.ts'
import { OpenFgaPolicy } from '../../../infra/policy/openfga-policy.ts'
import { freePort } from '../../../supervisors/drills/service-process.ts'
import { policyInput } from '../../contracts/policy.ts'
import { httpServer, silentServer } from '../../support/odd-servers.ts'
import { countedIds } from '../../support/probe.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const never = new AbortController().signal
const down = new Failure('POLICY_UNAVAILABLE', 'it is down')
const saying = (allow: boolean, by: string): Policy => ({
  decide: async () => ({ id: by, allow, reason: `${by} says so.`, policy: by }),
})
const silentOne: Policy = { decide: () => Promise.reject(down) }
const told = (promise: Promise<unknown>) => promise.then(JSON.stringify, String)

const services = {
  OPA: (url: string, clock = new VirtualClock()) =>
    new OpaPolicy({ url, path: '/v1/data/soma/policy/allow', cacheMs: 2_000 }, { clock, ids: countedIds() }),
  OpenFGA: (url: string, clock = new VirtualClock()) =>
    new OpenFgaPolicy({ url, store: '01ARZ3NDEKTSV4RRFFQ69G5FAV', cacheMs: 2_000 }, { clock, ids: countedIds() }),
}

describe('policy of several', () => {
  const decide = (...policies: [Policy, ...Policy[]]) =>
    new AllMustAllow(policies, countedIds()).decide(policyInput(), never)

  it('C1: allows when all do, and names them', async () => {
    const decision = await decide(saying(true, 'file'), saying(true, 'opa'))
    expect(decision).to.deep.include({ allow: true, policy: 'file (file), opa (opa)' })
  })

  it('C1: one that denies is who decided', async () => {
    expect(await decide(saying(true, 'file'), saying(false, 'opa'))).to.deep.include({ allow: false, policy: 'opa' })
    expect(await decide(saying(false, 'file'), saying(true, 'opa'))).to.deep.include({ allow: false, policy: 'file' })
  })

  it('C2: one that cannot decide leaves nothing allowed', async () => {
    expect(await told(decide(saying(true, 'file'), silentOne))).to.include('POLICY_UNAVAILABLE')
    expect(await told(decide(silentOne, saying(true, 'opa')))).to.include('POLICY_UNAVAILABLE')
  })

  it('C2: unless another denies, for then the answer is known', async () => {
    expect(await decide(silentOne, saying(false, 'opa'))).to.deep.include({ allow: false, policy: 'opa' })
  })

  it('takes nothing but a true for consent', async () => {
    const odd: Policy = { decide: async () => ({ id: 'x', allow: 'yes', reason: '', policy: 'odd' }) as never }
    expect(await decide(saying(true, 'file'), odd)).to.deep.include({ allow: false })
  })
})

for (const [name, make] of Object.entries(services)) {
  describe(`${name} that is not well`, () => {
    it('is unavailable when nothing listens, which is no denial', async () => {
      const policy = make(`http://127.0.0.1:${await freePort()}`)
      expect(await told(policy.decide(policyInput(), never)))
        .to.include('POLICY_UNAVAILABLE')
        .and.to.match(new RegExp(`${name} at http://127.0.0.1:\\d+/.* does not answer \\(ECONNREFUSED\\)`))
      await policy.close()
    })

    it('is unavailable within two seconds when it says nothing', async () => {
      const server = await silentServer()
      const policy = make(`http://127.0.0.1:${server.port}`)
      const from = performance.now()
      expect(await told(policy.decide(policyInput(), never)))
        .to.include('POLICY_UNAVAILABLE')
        .and.to.include('1500 ms')
      expect(performance.now() - from).to.be.below(2_500)
      await policy.close()
      await server.stop()
    })

    for (const [status, body] of [
      [500, '{}'],
      [401, '{}'],
      [200, 'no json'],
      [200, '{"result":"yes","allowed":"yes"}'],
      [200, '{"result":1,"allowed":1}'],
      [200, '{"result":{"allow":"true"}}'],
      [200, 'null'],
    ] as const) {
      it(`does not allow by ${status} ${body}`, async () => {
        const server = await httpServer(status, body)
        const policy = make(`http://127.0.0.1:${server.port}`)
        expect(await told(policy.decide(policyInput(), never))).to.include('POLICY_UNAVAILABLE')
        await policy.close()
        await server.stop()
      })
    }

    it('B1, B2: is not asked for five seconds after three failures, and once then', async () => {
      const server = await httpServer(500)
      const clock = new VirtualClock()
      const policy = make(`http://127.0.0.1:${server.port}`, clock)
      for (let call = 0; call < 3; call++) await told(policy.decide(policyInput(), never))
      const before = server.connections()
      expect(await told(policy.decide(policyInput(), never)))
        .to.include('POLICY_UNAVAILABLE')
        .and.to.include('asked again in 5 s')
      expect(server.connections()).to.equal(before)
      clock.advance(5_000)
      await Promise.all([1, 2, 3].map(() => told(policy.decide(policyInput(), never))))
      expect(server.connections()).to.equal(before + 1)
      await policy.close()
      await server.stop()
    })
  })
}

describe('the breaker of a policy service', () => {
  it('B2: closes after one success', async () => {
    const clock = new VirtualClock()
    const breaker = new Breaker('OPA', () => clock.now())
    const fail = () => told(breaker.run(never, () => Promise.reject(down)))
    for (let call = 0; call < 4; call++) await fail()
    clock.advance(5_000)
    expect(await breaker.run(never, async () => 'yes')).to.equal('yes')
    await fail()
    expect(await breaker.run(never, async () => 'still')).to.equal('still')
  })

  it('B3: does not count what its caller gave up', async () => {
    const breaker = new Breaker('OPA', () => 0)
    const gone = AbortSignal.abort(new Error('gone'))
    for (let call = 0; call < 5; call++) await told(breaker.run(gone, () => Promise.reject(new Error('gone'))))
    expect(await breaker.run(never, async () => 'yes')).to.equal('yes')
  })
})

describe('kept decisions', () => {
  it('D3: a failure is not kept', async () => {
    const cache = new DecisionCache(2_000, () => 0)
    await told(cache.of(policyInput(), () => Promise.reject(down)))
    const decision: PolicyDecision = { id: 'a', allow: true, reason: 'r', policy: 'p' }
    expect(await cache.of(policyInput(), async () => decision)).to.equal(decision)
  })
})
