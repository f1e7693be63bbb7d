import { expect } from 'chai'
import type { Policy, PolicyInput } from '../../../actors/kernel/policy.ts'
import type { ToolOutcome } from '../../../actors/tool/protocol.ts'
import type { Tool } from '../../../actors/tool/tool.ts'
import { allowed, callId, cancel, deniedBy, invoke, workTool } from '../../support/given-tool.ts'
import { Gate, settled, until } from '../../support/probe.ts'
import { ToolNode } from '../../support/tool-node.ts'

let node: ToolNode
const forever = () => new Promise<never>(() => {})

describe('a tool actor', () => {
  afterEach(() => node.stop())

  it('asks policy, runs the tool and answers', async () => {
    const asked: PolicyInput[] = []
    const policy: Policy = {
      async decide(input) {
        asked.push(input)
        return allowed
      },
    }
    let ranWith: unknown
    const run: Tool['run'] = async (args, { signal, now: _, progress: __, ...context }) => {
      ranWith = { args, context }
      return 'done'
    }
    node = new ToolNode(workTool({ run }), { policy })
    node.tell(invoke({ args: { text: 'hi', extra: 1 }, metadata: { requeue_override: true } }))
    expect(await node.outcome()).to.deep.include({ status: 'success', output: 'done', decision: allowed })
    expect(asked).to.deep.equal([
      {
        tenant: 'acme',
        persona_id: 'soma',
        action: 'tool.execute',
        resource: 'work',
        context: { args: { text: 'hi' }, metadata: { requeue_override: true } },
      },
    ])
    const sessionId = '8c5f0000-0000-4000-8000-000000000001'
    expect(ranWith).to.deep.equal({
      args: { text: 'hi' },
      context: { callId, tenant: 'acme', sessionId, personaId: 'soma' },
    })
  })

  it('T1: runs nothing before its start is journaled', async () => {
    let journaled: string[] = []
    const run = async () => {
      journaled = node.events
      return 'done'
    }
    node = new ToolNode(workTool({ run }))
    node.tell(invoke())
    await node.outcome()
    expect(journaled).to.deep.equal(['InvocationAccepted', 'InvocationAuthorized', 'InvocationStarted'])
  })

  const refusals: [string, Policy, Partial<ToolOutcome>][] = [
    ['denied', { decide: async () => deniedBy }, { status: 'blocked', code: 'TOOL_DENIED', decision: deniedBy }],
    [
      'told that policy is unavailable when it throws',
      { decide: () => Promise.reject(new Error('the service is down')) },
      { status: 'blocked', code: 'POLICY_UNAVAILABLE' },
    ],
    [
      'told that policy is unavailable when it answers rubbish',
      { decide: async () => ({ ...allowed, allow: 'yes' }) as never },
      { status: 'blocked', code: 'POLICY_UNAVAILABLE' },
    ],
    ['told that policy is unavailable when it never answers', { decide: forever }, { code: 'POLICY_UNAVAILABLE' }],
  ]
  for (const [what, policy, expected] of refusals) {
    it(`I10: is ${what}, and nothing runs`, async () => {
      let ran = false
      const run = async () => {
        ran = true
        return ''
      }
      node = new ToolNode(workTool({ run }), { policy })
      node.tell(invoke({ metadata: { requeue_override: true, allow: true } }))
      await settled()
      node.clock.advance(5_000)
      expect(await node.outcome()).to.deep.include(expected)
      expect([ran, node.events]).to.deep.equal([false, ['InvocationAccepted', 'InvocationFinished']])
    })
  }

  it('answers once, however often it is invoked, during and after its life', async () => {
    let runs = 0
    const gate = new Gate()
    const run = async () => {
      runs++
      await gate.opened
      return 'done'
    }
    node = new ToolNode(workTool({ run }))
    node.tell(invoke(), 'same')
    node.tell(invoke(), 'same')
    node.tell(invoke(), 'other')
    await until(() => runs > 0)
    node.tell(invoke(), 'same')
    gate.open()
    await node.outcome()
    node.tell(invoke(), 'same')
    node.tell(invoke(), 'late')
    await node.outcome()
    expect(runs).to.equal(1)
  })

  it('times out a hung tool, aborts its signal, and does not hear its late result', async () => {
    const gate = new Gate()
    let signal: AbortSignal | undefined
    const run: Tool['run'] = async (_, context) => {
      signal = context.signal
      await gate.opened
      return 'late'
    }
    node = new ToolNode(workTool({ run }))
    node.tell(invoke())
    await until(() => signal)
    node.clock.advance(1_000)
    expect(await node.outcome()).to.deep.include({ status: 'timeout', code: 'TOOL_TIMEOUT' })
    expect(signal?.aborted).to.equal(true)
    gate.open()
    expect((await node.outcome()).status).to.equal('timeout')
  })

  it('is cancelled at once while the tool hangs', async () => {
    let signal: AbortSignal | undefined
    const run: Tool['run'] = (_, context) => {
      signal = context.signal
      return forever()
    }
    node = new ToolNode(workTool({ run }))
    node.tell(invoke())
    await until(() => signal)
    node.tell(cancel)
    expect((await node.outcome()).status).to.equal('cancelled')
    expect(signal?.aborted).to.equal(true)
  })

  it('is cancelled at once while policy hangs, and nothing runs later', async () => {
    const gate = new Gate()
    let asked = false
    const policy: Policy = {
      async decide() {
        asked = true
        await gate.opened
        return allowed
      },
    }
    let ran = false
    const run = async () => {
      ran = true
      return ''
    }
    node = new ToolNode(workTool({ run }), { policy })
    node.tell(invoke())
    await until(() => asked)
    node.tell(cancel)
    expect((await node.outcome()).status).to.equal('cancelled')
    gate.open()
    await settled()
    expect(ran).to.equal(false)
  })

  for (const [how, end, status] of [
    ['gives up after the time the tool would have had', () => node.clock.advance(1_000), 'timeout'],
    ['is cancelled at once', () => node.tell(cancel), 'cancelled'],
  ] as const) {
    it(`waits for a slot before policy is asked, and ${how}`, async () => {
      let asked = false
      const policy: Policy = {
        async decide() {
          asked = true
          return allowed
        },
      }
      node = new ToolNode(workTool(), { policy, maxConcurrent: 0 })
      node.tell(invoke())
      await until(() => node.clock.pending > 0)
      end()
      expect((await node.outcome()).status).to.equal(status)
      expect([asked, node.clock.pending]).to.deep.equal([false, 0])
    })
  }

  it('gives its slot to the next call when it is cancelled while policy hangs', async () => {
    const asked: string[] = []
    const gate = new Gate()
    const policy: Policy = {
      async decide() {
        asked.push('asked')
        if (asked.length === 1) await gate.opened
        return allowed
      },
    }
    node = new ToolNode(workTool(), { policy, maxConcurrent: 1 })
    node.tell(invoke())
    await until(() => asked.length === 1)
    node.tell(cancel)
    await until(() => node.events.includes('InvocationFinished'))
    gate.open()
    node.tell(invoke({ callId: 'second' }))
    await until(() => node.journal.kinds('tool:second').includes('InvocationFinished'))
    expect(asked).to.have.length(2)
  })

  for (const [how, end] of [
    ['it is abandoned', () => node.clock.advance(999)],
    ['it is cancelled', () => node.tell(cancel)],
  ] as const) {
    it(`gives its slot to the next call when ${how}`, async () => {
      node = new ToolNode(workTool({ run: forever }), { maxConcurrent: 1 })
      node.tell(invoke())
      await until(() => node.events.includes('InvocationStarted'))
      node.clock.advance(1) // so that the first one's time is up before the second's patience
      node.tell(invoke({ callId: 'second' }))
      await settled()
      expect(node.journal.kinds('tool:second')).to.deep.equal(['InvocationAccepted'])
      end()
      await until(() => node.journal.kinds('tool:second').includes('InvocationStarted'))
    })
  }
})
