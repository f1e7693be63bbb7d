import { expect } from 'chai'
import type { Policy } from '../../../actors/kernel/policy.ts'
import { toolCatalogue } from '../../../actors/tool/catalogue.ts'
import { deferred, type Tool } from '../../../actors/tool/tool.ts'
import { allowed, callId, invoke, session, workTool } from '../../support/given-tool.ts'
import { settled, until } from '../../support/probe.ts'
import { ToolNode } from '../../support/tool-node.ts'

let node: ToolNode
const forever = () => new Promise<never>(() => {})

describe('a tool actor whose node died', () => {
  afterEach(() => node.stop())

  it('runs an idempotent tool again after a crash', async () => {
    let runs = 0
    const run = () => (++runs === 1 ? forever() : Promise.resolve('second'))
    node = new ToolNode(workTool({ run }))
    node.tell(invoke())
    await until(() => runs === 1)
    await node.crash()
    node.activate()
    expect(await node.outcome()).to.deep.include({ status: 'success', output: 'second' })
    expect(runs).to.equal(2)
  })

  it('asks policy again after a crash before its decision', async () => {
    let asked = 0
    const policy: Policy = { decide: () => (++asked === 1 ? forever() : Promise.resolve(allowed)) }
    node = new ToolNode(workTool(), { policy })
    node.tell(invoke())
    await until(() => asked === 1)
    await node.crash()
    node.activate()
    expect((await node.outcome()).status).to.equal('success')
  })

  it('T2: never runs a tool that is not idempotent again after a crash, and says that it cannot know', async () => {
    let runs = 0
    const run = () => {
      runs++
      return forever()
    }
    node = new ToolNode(workTool({ idempotent: false, run }))
    node.tell(invoke(), 'same')
    await until(() => runs === 1)
    await node.crash()
    node.tell(invoke(), 'same')
    expect(await node.outcome()).to.deep.include({ status: 'unknown', code: 'TOOL_OUTCOME_UNKNOWN' })
    await node.crash()
    node.activate()
    await node.outcome()
    expect(runs).to.equal(1)
  })

  it('reconciles with the same call id, and runs again when it surely did not run', async () => {
    const ids: string[] = []
    const run: Tool['run'] = (_, context) => {
      ids.push(context.callId)
      return ids.length === 1 ? forever() : Promise.resolve('second')
    }
    const reconcile: NonNullable<Tool['reconcile']> = async (_, context) => {
      ids.push(`check ${context.callId}`)
      return 'not-run'
    }
    node = new ToolNode(workTool({ idempotent: false, run, reconcile }))
    node.tell(invoke())
    await until(() => ids.length === 1)
    await node.crash()
    node.activate()
    expect(await node.outcome()).to.deep.include({ status: 'success', output: 'second' })
    expect(ids).to.deep.equal([callId, `check ${callId}`, callId])
  })

  it('says so when the tool is gone after a restart', async () => {
    const run = forever
    node = new ToolNode(workTool({ run }))
    node.tell(invoke())
    await until(() => node.events.includes('InvocationStarted'))
    ;(node.parts as { catalogue: unknown }).catalogue = toolCatalogue([])
    await node.crash()
    node.activate()
    expect(await node.outcome()).to.deep.include({ status: 'error', code: 'TOOL_NOT_FOUND' })
  })
})

describe('a tool actor that waits for its Settle', () => {
  const deferring = () => workTool({ run: async () => deferred({ settledBy: [session], send: [] }) })
  const settle = {
    kind: 'Settle',
    v: 1,
    callId,
    outcome: { status: 'success', output: 'found', finishedAt: 0 },
  } as const

  afterEach(() => node.stop())

  it('T6: occupies no slot meanwhile', async () => {
    node = new ToolNode(deferring(), { maxConcurrent: 1 })
    const others = ['a', 'b', 'c'].map((one) => `8c5f0000-0000-4000-8000-000000000001/${one}`)
    for (const one of others) node.tell(invoke({ callId: one }))
    const waits = (one: string) => node.journal.kinds(`tool:${one}`).at(-1) === 'InvocationDeferred'
    await until(() => others.every(waits), 'all three wait')
  })

  it('T6: is settled after its node died, and did not run again', async () => {
    node = new ToolNode(deferring())
    node.tell(invoke())
    await until(() => node.events.at(-1) === 'InvocationDeferred', 'the deferral')
    await node.crash()
    node.tell(settle)
    expect(await node.outcome()).to.include({ status: 'success', output: 'found' })
    expect(node.events.filter((kind) => kind === 'InvocationStarted')).to.have.length(1)
  })

  it('T6: its deadline is armed again after its node died', async () => {
    node = new ToolNode(deferring())
    node.tell(invoke())
    await until(() => node.events.at(-1) === 'InvocationDeferred', 'the deferral')
    node.clock.advance(900)
    await node.crash()
    node.activate()
    await settled()
    node.clock.advance(99)
    await settled()
    expect(node.journal.sent).to.deep.equal([])
    node.clock.advance(1)
    expect(await node.outcome()).to.include({ status: 'timeout', code: 'TOOL_TIMEOUT' })
  })
})
