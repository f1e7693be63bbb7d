import { resolve } from 'node:path'
import { expect } from 'chai'
import type { Policy } from '../../actors/kernel/policy.ts'
import { systemIds as ids } from '../../infra/clock.ts'
import { AllMustAllow } from '../../infra/policy/all-must-allow.ts'
import { FilePolicy } from '../../infra/policy/file-policy.ts'
import { prepareStore } from '../../infra/policy/openfga/prepare.ts'
import { OpenFgaPolicy } from '../../infra/policy/openfga-policy.ts'
import { asked } from '../support/asked.ts'
import { describeWith } from '../support/test-services.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { policyInput, policySuite } from './policy.ts'

const never = new AbortController().signal
const file = new FilePolicy(resolve('infra/policy/default.yaml'), ids)
const fresh = (word: string) => `${word}-${ids.uuid().slice(0, 8)}`

describeWith('openfga', 'policy from a real OpenFGA', (url) => {
  const clock = new VirtualClock()
  const opened: OpenFgaPolicy[] = []
  let store: string
  let id: string
  const openFga = (named = store) => {
    const policy = new OpenFgaPolicy({ url, store: named, cacheMs: 0 }, { clock, ids })
    opened.push(policy)
    return policy
  }
  const write = (user: string, relation: string, object: string) =>
    asked('POST', `${url}/stores/${id}/write`, JSON.stringify({ writes: { tuple_keys: [{ user, relation, object }] } }))
  const allows = async (
    policy: Policy,
    tenant: string,
    resource: string,
    action: 'tool.execute' | 'memory.write' | 'conversation.send' = 'tool.execute',
  ) => (await policy.decide(policyInput({ tenant, resource, action }), never)).allow

  before(async () => {
    store = fresh('spec')
    id = (await prepareStore(url, store)).id
  })
  after(async () => {
    await Promise.all(opened.map((it) => it.close()))
    await asked('DELETE', `${url}/stores/${id}`)
  })

  policySuite(() => openFga())

  it('is known by its id as well, and made once only', async () => {
    expect(await allows(openFga(id), 'acme', 'echo')).to.equal(true)
    expect(await prepareStore(url, store)).to.deep.equal({ id, name: store, made: 'nothing' })
  })

  it('allows a tool to one tenant and not to its neighbour, and takes one away', async () => {
    const policy = openFga()
    await write('tenant:acme#member', 'user', 'tool:deploy')
    await write('tenant:globex#member', 'blocked', 'tool:http_fetch')
    expect(await allows(policy, 'acme', 'deploy')).to.equal(true)
    expect(await allows(policy, 'globex', 'deploy')).to.equal(false)
    expect(await allows(policy, 'globex', 'http_fetch')).to.equal(false)
    expect(await allows(policy, 'acme', 'http_fetch')).to.equal(true)
  })

  it('covers memory and sessions: one tenant may write its own', async () => {
    const policy = openFga()
    await write('tenant:acme#member', 'writer', 'tenant:acme')
    await write('tenant:acme#member', 'sender', 'tenant:acme')
    expect(await allows(policy, 'acme', 'notes/1', 'memory.write')).to.equal(true)
    expect(await allows(policy, 'acme', 'a-session', 'conversation.send')).to.equal(true)
    expect(await allows(policy, 'globex', 'notes/1', 'memory.write')).to.equal(false)
    expect(await allows(policy, 'globex', 'a-session', 'conversation.send')).to.equal(false)
  })

  it('A1: a store that is not there is no denial', async () => {
    for (const named of ['nosuch-store', '01ARZ3NDEKTSV4RRFFQ69G5FAV']) {
      const answer = await openFga(named).decide(policyInput(), never).then(String, String)
      expect(answer).to.include('POLICY_UNAVAILABLE')
    }
  })

  it('with the file: both must allow, and the decision names both', async () => {
    const policy = new AllMustAllow([file, openFga()], ids)
    const decision = await policy.decide(policyInput(), never)
    expect(decision.allow).to.equal(true)
    expect(decision.policy).to.include('default.yaml#rules.0').and.to.include('openfga tool:echo#can_execute')
  })
})
