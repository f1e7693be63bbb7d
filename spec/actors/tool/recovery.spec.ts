import { expect } from 'chai'
import type { Policy } from '../../../actors/kernel/policy.ts'
import { toolCatalogue } from '../../../actors/tool/catalogue.ts'
import type { Tool } from '../../../actors/tool/tool.ts'
import { allowed, callId, invoke, workTool } from '../../support/given-tool.ts'
import { until } from '../../support/probe.ts'
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
