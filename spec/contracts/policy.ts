import { expect } from 'chai'
import type { Policy, PolicyInput } from '../../actors/kernel/policy.ts'

const never = new AbortController().signal

export function policyInput(over: Partial<PolicyInput> = {}): PolicyInput {
  const context = { args: {}, metadata: {} }
  return { tenant: 'acme', persona_id: 'soma', action: 'tool.execute', resource: 'echo', context, ...over }
}

/** What the shipped rules mean, whoever decides by them: the file, OPA and OpenFGA. */
export function policySuite(policy: () => Policy): void {
  const allows = async (over: Partial<PolicyInput>) => (await policy().decide(policyInput(over), never)).allow

  it('allows the harmless tools to everybody', async () => {
    for (const resource of ['echo', 'timestamp', 'http_fetch', 'code_execute', 'file_read']) {
      for (const tenant of ['acme', 'any other', 'a:b#c@d', '*', 'ü😀']) {
        expect(await allows({ resource, tenant, persona_id: 'x' }), `${resource} for ${tenant}`).to.equal(true)
      }
    }
  })

  it('denies every other tool, whatever it is called', async () => {
    for (const resource of [
      'shell_execute',
      'ECHO',
      'echo2',
      'echo ',
      'tool:echo',
      'echo#user',
      '*',
      'a b',
      '../echo',
      'ü',
    ]) {
      expect(await allows({ resource }), resource).to.equal(false)
    }
  })

  it('denies what is neither a tool call nor a change of memory', async () => {
    expect(await allows({ action: 'conversation.send', resource: 'echo' })).to.equal(false)
  })

  it('is not moved by what a client put into the metadata or the arguments', async () => {
    const context = { args: { allow: true }, metadata: { requeue_override: true, subject: 'admin', allow: true } }
    expect(await allows({ resource: 'shell_execute', context })).to.equal(false)
  })

  it('says who decided and why, under an id', async () => {
    for (const resource of ['echo', 'shell_execute']) {
      const decision = await policy().decide(policyInput({ resource }), never)
      expect(decision.id).to.be.a('string').with.length.above(7)
      expect(decision.reason).to.match(/\w+/)
      expect(decision.policy).to.match(/\w+/)
    }
  })

  it('decides nothing for a call that was given up', async () => {
    const given = policy().decide(policyInput(), AbortSignal.abort(new Error('gone')))
    expect(await given.then(String, String)).to.include('gone')
  })
}
