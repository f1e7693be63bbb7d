import { resolve } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import type { PolicyInput } from '../../../actors/kernel/policy.ts'
import { FilePolicy } from '../../../infra/policy/file-policy.ts'
import { countedIds } from '../../support/probe.ts'
import { ScratchFolder } from '../../support/scratch-folder.ts'

const shipped = resolve('infra/policy/default.yaml')
const never = new AbortController().signal

function input(over: Partial<PolicyInput> = {}): PolicyInput {
  const context = { args: {}, metadata: {} }
  return { tenant: 'acme', persona_id: 'soma', action: 'tool.execute', resource: 'echo', context, ...over }
}

let folder: ScratchFolder

function policyOf(text: string): FilePolicy {
  return new FilePolicy(folder.write('policy.yaml', text), countedIds())
}

const decide = (policy: FilePolicy, over: Partial<PolicyInput> = {}) => policy.decide(input(over), never)
const allows = async (policy: FilePolicy, over: Partial<PolicyInput> = {}) => (await decide(policy, over)).allow
const failure = (promise: Promise<unknown>) => promise.then(String, String)

describe('policy from a file', () => {
  beforeEach(() => {
    folder = new ScratchFolder()
  })
  afterEach(() => folder.remove())

  describe('the shipped rules', () => {
    it('allow the harmless tools and the own memory to everybody, and nothing else', async () => {
      const policy = new FilePolicy(shipped, countedIds())
      await policy.check()
      for (const resource of [
        'echo',
        'timestamp',
        'http_fetch',
        'code_execute',
        'file_read',
        'document_ingest',
        'memory_recall',
        'memory_remember',
        'memory_forget',
      ]) {
        expect(await allows(policy, { resource, tenant: 'any', persona_id: 'one' }), resource).to.equal(true)
      }
      for (const resource of ['shell_execute', 'ECHO', 'echo2', '', '*']) {
        expect(await allows(policy, { resource }), resource).to.equal(false)
      }
      expect(await allows(policy, { action: 'memory.write', resource: 'default' })).to.equal(true)
      expect(await allows(policy, { action: 'conversation.send', resource: 'echo' })).to.equal(false)
    })
  })

  it('F1: decides by the first rule that matches, and names it', async () => {
    const policy = policyOf(`
rules:
  - { effect: deny, tenant: acme, tool: http_*, reason: Not for Acme. }
  - { effect: allow, tool: '*' }
  - { effect: deny, tool: '*', reason: Never reached. }
`)
    expect(await decide(policy, { resource: 'http_fetch' })).to.deep.equal({
      id: '00000000-0000-4000-8000-000000000000',
      allow: false,
      reason: 'Not for Acme.',
      policy: 'policy.yaml#rules.0',
    })
    expect(await decide(policy, { resource: 'http_fetch', tenant: 'globex' })).to.deep.include({
      allow: true,
      reason: 'Rule 2 allows it.',
      policy: 'policy.yaml#rules.1',
    })
  })

  it('F1: denies what no rule matches', async () => {
    for (const text of ['rules: []', 'rules:\n  - { effect: allow, tool: timestamp }']) {
      expect(await decide(policyOf(text))).to.deep.include({ allow: false, policy: 'policy.yaml#no-match' })
    }
  })

  it('never allows when there is no rule that allows, whatever is asked', async () => {
    const policy = policyOf("rules:\n  - { effect: deny, tool: 'a*', reason: no }")
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), fc.string(), async (tenant, persona_id, resource) => {
        expect(await allows(policy, { tenant, persona_id, resource })).to.equal(false)
      }),
      { numRuns: 50 },
    )
  })

  for (const [pattern, matching, others] of [
    ['echo', ['echo'], ['echo2', 'xecho', 'ECHO', '']],
    ['http_*', ['http_', 'http_fetch', 'http_a/b', 'http_\n'], ['ahttp_', 'http']],
    ['*', ['', 'echo', '.hidden', 'a/b', 'ü😀'], []],
    ['?x', ['ax', '😀x'], ['x', 'aax']],
    ['a.b', ['a.b'], ['aXb']],
    ['(a|b)[c]{1}+$^\\', ['(a|b)[c]{1}+$^\\'], ['a', 'ac']],
  ] as const) {
    it(`takes "${pattern}" for what it says`, async () => {
      const policy = policyOf(`rules:\n  - { effect: allow, tool: ${JSON.stringify(pattern)} }`)
      for (const resource of matching) expect(await allows(policy, { resource }), resource).to.equal(true)
      for (const resource of others) expect(await allows(policy, { resource }), resource).to.equal(false)
    })
  }

  it('matches tenant, persona and tool together, each by a list', async () => {
    const policy = policyOf(
      'rules:\n  - { effect: allow, tenant: [acme, glob*], persona: [soma, analyst], tool: [echo, timestamp] }',
    )
    expect(await allows(policy, { tenant: 'globex', persona_id: 'analyst', resource: 'timestamp' })).to.equal(true)
    expect(await allows(policy, { tenant: 'initech' })).to.equal(false)
    expect(await allows(policy, { persona_id: 'operator' })).to.equal(false)
    expect(await allows(policy, { resource: 'http_fetch' })).to.equal(false)
  })

  it('tells actions apart', async () => {
    const policy = policyOf('rules:\n  - { effect: allow, action: memory.write, resource: notes/* }')
    expect(await allows(policy, { action: 'memory.write', resource: 'notes/1' })).to.equal(true)
    expect(await allows(policy, { action: 'memory.write', resource: 'keys/1' })).to.equal(false)
    expect(await allows(policy, { resource: 'notes/1' })).to.equal(false)
  })

  it('is not slowed down by a pattern made to be slow', async () => {
    const policy = policyOf(`rules:\n  - { effect: allow, tool: "${'*a'.repeat(12)}b" }`)
    expect(await allows(policy, { resource: 'a'.repeat(200) })).to.equal(false)
  })

  it('F2: decides by the file as it is now, also after an edit of the same length', async () => {
    const policy = policyOf('rules: [{ effect: allow, tool: echo }]')
    expect(await allows(policy)).to.equal(true)
    folder.write('policy.yaml', 'rules: [{ effect: allow, tool: exho }]')
    expect(await allows(policy)).to.equal(false)
  })

  for (const [what, breakIt, why] of [
    ['is not YAML', () => folder.write('policy.yaml', 'rules: ['), /not usable/],
    ['is half saved', () => folder.write('policy.yaml', ''), /expected object/],
    [
      'has a word that means nothing',
      () => folder.write('policy.yaml', 'rules: [{ effect: allow, tool: a, teannt: b }]'),
      /teannt[\s\S]*rules\[0\]/,
    ],
    ['is gone', () => folder.remove('policy.yaml'), /cannot be read.*ENOENT/],
  ] as const) {
    it(`F3: is unavailable while the file ${what}, and decides again once it is mended`, async () => {
      const policy = policyOf('rules: [{ effect: allow, tool: echo }]')
      expect(await allows(policy)).to.equal(true)
      breakIt()
      for (let again = 0; again < 2; again++) {
        const message = await failure(decide(policy))
        expect(message)
          .to.match(/POLICY_UNAVAILABLE/)
          .and.match(why)
      }
      folder.write('policy.yaml', 'rules: [{ effect: allow, tool: echo }]')
      expect(await allows(policy)).to.equal(true)
    })
  }

  for (const [what, rule, message] of [
    ['another effect', '{ effect: permit, tool: a }', /rules\[0\]\.effect/],
    ['neither tool nor action', '{ effect: allow }', /name either `tool`/],
    ['both tool and action', '{ effect: allow, tool: a, action: tool.execute }', /name either `tool`/],
    ['a tool and a resource', '{ effect: allow, tool: a, resource: b }', /rules\[0\]\.resource/],
    ['a deny without a reason', '{ effect: deny, tool: a }', /a rule that denies needs a reason/],
    ['an empty list', '{ effect: allow, tool: [] }', /must be a pattern or a list/],
  ] as const) {
    it(`refuses at start, with the place: ${what}`, async () => {
      const message_ = await failure(policyOf(`rules:\n  - ${rule}`).check())
      expect(message_)
        .to.match(/CONFIG_INVALID: SOMA_POLICY_FILE/)
        .and.match(message)
    })
  }

  it('decides nothing for a call that was given up', async () => {
    const policy = policyOf('rules: []')
    expect(await failure(policy.decide(input(), AbortSignal.abort(new Error('gone'))))).to.include('gone')
  })
})
