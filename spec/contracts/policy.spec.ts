import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect } from 'chai'
import { systemIds } from '../../infra/clock.ts'
import { FilePolicy } from '../../infra/policy/file-policy.ts'
import { OpaPolicy } from '../../infra/policy/opa-policy.ts'
import { asked } from '../support/asked.ts'
import { describeWith } from '../support/test-services.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { policyInput, policySuite } from './policy.ts'

const never = new AbortController().signal
const ids = systemIds
const file = new FilePolicy(resolve('infra/policy/default.yaml'), ids)
const fresh = (word: string) => `${word}-${ids.uuid().slice(0, 8)}`

describe('policy', () => {
  describe('from the file', () => policySuite(() => file))

  describeWith('opa', 'from a real OPA', (url) => {
    const name = fresh('spec').replace('-', '_')
    const shipped = readFileSync(resolve('infra/policy/opa/soma.rego'), 'utf8').replace(
      /^package .*$/m,
      `package soma.${name}`,
    )
    const load = (text: string) => asked('PUT', `${url}/v1/policies/${name}`, text, 'text/plain')
    const clock = new VirtualClock()
    const opened: OpaPolicy[] = []
    const opa = (rule = 'allow', cacheMs = 0) => {
      const policy = new OpaPolicy({ url, path: `/v1/data/soma/${name}/${rule}`, cacheMs }, { clock, ids })
      opened.push(policy)
      return policy
    }
    before(() => load(shipped))
    after(async () => {
      await Promise.all(opened.map((it) => it.close()))
      await asked('DELETE', `${url}/v1/policies/${name}`)
    })

    policySuite(() => opa())
    describe('that tells its reason', () => {
      policySuite(() => opa('decision'))

      it('passes the reason on', async () => {
        const { reason } = await opa('decision').decide(policyInput({ resource: 'rm' }), never)
        expect(reason).to.equal('No rule of the policy allows it.')
      })
    })

    it('O2: has no decision at a path where there is none, and says which: that is no denial', async () => {
      const answer = await opa('nosuch').decide(policyInput(), never).then(String, String)
      expect(answer).to.include('POLICY_UNAVAILABLE').and.to.include(`/v1/data/soma/${name}/nosuch (POLICY_DATA_PATH)`)
    })

    it('O1: takes nothing but a boolean for a decision', async () => {
      const answer = await opa('harmless').decide(policyInput(), never).then(String, String)
      expect(answer).to.include('POLICY_UNAVAILABLE').and.to.include('expected a boolean')
    })

    it('D1, D2: uses a decision again for its time, for the same input only, and then asks anew', async () => {
      const policy = opa('allow', 2_000)
      const first = await policy.decide(policyInput(), never)
      await load(shipped.replace('"echo", ', ''))
      try {
        expect(await policy.decide(policyInput(), never)).to.deep.equal(first)
        const other = policyInput({ context: { args: { text: 'other' }, metadata: {} } })
        expect((await policy.decide(other, never)).allow).to.equal(false)
        clock.advance(2_000)
        expect((await policy.decide(policyInput(), never)).allow).to.equal(false)
      } finally {
        await load(shipped)
      }
    })
  })
})
