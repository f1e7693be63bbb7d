import { expect } from 'chai'
import { type Tool, TransientFailure } from '../../../actors/tool/tool.ts'
import type { ToolProgress } from '../../../transports/outbound.ts'
import { callId, cancel, invoke, workTool } from '../../support/given-tool.ts'
import { Gate, settled, until } from '../../support/probe.ts'
import { ToolNode } from '../../support/tool-node.ts'

let node: ToolNode
const forever = () => new Promise<never>(() => {})
const other = (n: number) => invoke({ callId: `${callId}.${n}` })

function outcomes(): { callId: string; status: string; code?: string; retryAfter?: number; output: string }[] {
  return node.journal.sent.map(({ body }) => {
    const { callId: of, outcome } = body as { callId: string; outcome: { status: string; output: string } }
    return { callId: of, ...outcome }
  })
}

describe('the limits of a tool', () => {
  afterEach(() => node.stop())

  it('I9: answers at once who comes when too many wait, and says when to come again', async () => {
    node = new ToolNode(workTool({ run: forever, concurrency: 1 }), { maxWaiting: { perTool: 9, perTenant: 1 } })
    for (const n of [1, 2, 3]) node.tell(other(n))
    await until(() => outcomes().length > 0)
    const [refused] = outcomes()
    expect(refused).to.deep.include({ callId: `${callId}.3`, status: 'error', code: 'TOOL_QUEUE_FULL', retryAfter: 1 })
    expect(node.journal.kinds(`tool:${callId}.3`)).to.deep.equal(['InvocationAccepted', 'InvocationFinished'])
  })

  it('takes the tool’s own concurrency before that of the process', async () => {
    let running = 0
    const run = () => {
      running++
      return forever()
    }
    node = new ToolNode(workTool({ run, concurrency: 2 }), { maxConcurrent: 1 })
    for (const n of [1, 2, 3]) node.tell(other(n))
    await until(() => running === 2)
    await settled()
    expect(running).to.equal(2)
  })

  it('cancels a call that waits in line, and the next one gets its place', async () => {
    const gate = new Gate()
    const ran: string[] = []
    const run: Tool['run'] = async (_, context) => {
      ran.push(context.callId)
      await gate.opened
      return 'done'
    }
    node = new ToolNode(workTool({ run, concurrency: 1 }))
    node.tell(other(1))
    await until(() => ran.length === 1)
    node.tell(invoke())
    node.tell(other(2))
    node.tell(cancel)
    await until(() => outcomes().length === 1)
    expect(outcomes()[0]).to.deep.include({ callId, status: 'cancelled' })
    gate.open()
    await until(() => outcomes().length === 3)
    expect(ran).to.deep.equal([`${callId}.1`, `${callId}.2`])
  })

  it('opens its breaker after five failures, answers circuit_open at once, and tries again when the time is over', async () => {
    let broken = true
    let runs = 0
    const run = async () => {
      runs++
      if (broken) throw new Error('down')
      return 'up'
    }
    node = new ToolNode(workTool({ run }))
    for (const n of [1, 2, 3, 4, 5]) {
      node.tell(other(n))
      await until(() => outcomes().length === n)
    }
    node.tell(other(6))
    await until(() => outcomes().length === 6)
    expect(outcomes()[5]).to.deep.include({ status: 'circuit_open', code: 'CIRCUIT_OPEN', retryAfter: 30 })
    expect(runs).to.equal(5)
    broken = false
    node.clock.advance(30_000)
    node.tell(other(7))
    await until(() => outcomes().length === 7)
    expect([outcomes()[6]?.status, runs]).to.deep.equal(['success', 6])
  })

  it('does not hold bad input against the tool', async () => {
    node = new ToolNode(workTool({ breaker: { failures: 1, openSeconds: 30 } }))
    node.tell(invoke({ callId: `${callId}.1`, args: { text: 1 } }))
    node.tell(other(2))
    await until(() => outcomes().length === 2)
    expect(
      outcomes()
        .map(({ status }) => status)
        .sort(),
    ).to.deep.equal(['error', 'success'])
  })

  it('does not run what an operator switched off, and says why', async () => {
    let ran = false
    const run = async () => {
      ran = true
      return ''
    }
    const switches = {
      off: (tool: string, tenant: string) => (tool === 'work' && tenant === 'acme' ? { why: 'it leaks' } : undefined),
    }
    node = new ToolNode(workTool({ run }), { switches })
    node.tell(invoke())
    const outcome = await node.outcome()
    expect(outcome).to.deep.include({ status: 'blocked', code: 'TOOL_DISABLED' })
    expect(outcome.output).to.contain('it leaks')
    expect(ran).to.equal(false)
  })
})

describe('a tool that fails for now', () => {
  afterEach(() => node.stop())

  const failing = (times: number, over: Partial<Tool>, surelyNotRun = false) => {
    let runs = 0
    const run = async () => {
      if (runs++ < times) throw new TransientFailure('busy', { surelyNotRun })
      return 'done'
    }
    return { tool: workTool({ run, retry: { attempts: 3, backoffMs: 100 }, ...over }), runs: () => runs }
  }

  it('T7: is tried again after a pause that doubles, each attempt journaled', async () => {
    const { tool, runs } = failing(2, {})
    node = new ToolNode(tool)
    node.tell(invoke())
    await until(() => node.events.includes('InvocationFailed'))
    node.clock.advance(99)
    await settled()
    expect(runs()).to.equal(1)
    node.clock.advance(1)
    await until(() => runs() === 2)
    await until(() => node.events.filter((kind) => kind === 'InvocationFailed').length === 2)
    node.clock.advance(200)
    expect(await node.outcome()).to.deep.include({ status: 'success', output: 'done' })
    const attempt = ['InvocationStarted', 'InvocationFailed']
    expect(node.events).to.deep.equal([
      ...['InvocationAccepted', 'InvocationAuthorized', ...attempt, ...attempt],
      ...['InvocationStarted', 'InvocationFinished'],
    ])
  })

  it('T7: is given up after its attempts', async () => {
    const { tool, runs } = failing(9, { retry: { attempts: 2, backoffMs: 10 } })
    node = new ToolNode(tool)
    node.tell(invoke())
    await until(() => node.events.includes('InvocationFailed'))
    node.clock.advance(10)
    const outcome = await node.outcome()
    expect(outcome).to.deep.include({ status: 'error', code: 'TOOL_TRANSIENT', output: 'busy It was tried 2 times.' })
    expect(runs()).to.equal(2)
  })

  for (const [surelyNotRun, runsExpected] of [
    [false, 1],
    [true, 2],
  ] as const) {
    it(`T2: when not idempotent, is ${surelyNotRun ? '' : 'not '}tried again when it ${surelyNotRun ? 'surely did not run' : 'may have run'}`, async () => {
      const { tool, runs } = failing(1, { idempotent: false }, surelyNotRun)
      node = new ToolNode(tool)
      node.tell(invoke())
      await until(() => node.events.includes('InvocationFailed') || node.events.includes('InvocationFinished'))
      node.clock.advance(1_000)
      await node.outcome()
      expect(runs()).to.equal(runsExpected)
    })
  }

  it('is not tried again without a word that it is transient', async () => {
    let runs = 0
    const run = async () => {
      runs++
      throw new Error('broken')
    }
    node = new ToolNode(workTool({ run, retry: { attempts: 3, backoffMs: 1 } }))
    node.tell(invoke())
    expect(await node.outcome()).to.deep.include({ code: 'TOOL_FAILED' })
    expect(runs).to.equal(1)
  })

  it('goes on with its pause after its node died in it, and is not counted as interrupted', async () => {
    const { tool, runs } = failing(1, {})
    node = new ToolNode(tool)
    node.tell(invoke())
    await until(() => node.events.includes('InvocationFailed'))
    await node.crash()
    node.activate()
    await settled()
    expect(runs()).to.equal(1)
    node.clock.advance(100)
    expect(await node.outcome()).to.deep.include({ status: 'success' })
    expect(node.events).not.to.include('InvocationInterrupted')
  })

  it('is cancelled in its pause', async () => {
    const { tool, runs } = failing(1, {})
    node = new ToolNode(tool)
    node.tell(invoke())
    await until(() => node.events.includes('InvocationFailed'))
    node.tell(cancel)
    expect(await node.outcome()).to.deep.include({ status: 'cancelled' })
    node.clock.advance(1_000)
    await settled()
    expect(runs()).to.equal(1)
  })
})

describe('the progress of a tool', () => {
  afterEach(() => node.stop())

  it('I9: is shown at most four times a second, the newest last, bounded in size, and not after the run', async () => {
    const shown: ToolProgress[] = []
    const gate = new Gate()
    let late: (() => void) | undefined
    const run: Tool['run'] = async (_, { progress }) => {
      for (let n = 0; n < 1_000; n++) progress({ text: 'x'.repeat(10_000), fraction: n })
      progress(Number.NaN)
      progress(0.5)
      await gate.opened
      late = () => progress('late')
      progress('never shown')
      return 'done'
    }
    node = new ToolNode(workTool({ run }), { progress: (one) => shown.push(one) })
    node.tell(invoke())
    await until(() => shown.length > 0)
    node.clock.advance(250)
    await settled()
    gate.open()
    await node.outcome()
    late?.()
    node.clock.advance(1_000)
    expect(shown.map(({ text, fraction }) => [text?.length, fraction])).to.deep.equal([
      [500, 0],
      [undefined, 0.5],
    ])
    expect(shown[0]).to.deep.include({ callId, tool: 'work', turnId: 'turn-1', index: 0 })
  })
})

describe('output that is too long', () => {
  afterEach(() => node.stop())

  const flood = workTool({ run: async () => 'x'.repeat(50), maxOutput: 10 })

  it('is kept whole as an attachment that the cut output names', async () => {
    const saved: unknown[] = []
    const artifacts = {
      async save(file: { bytes: Uint8Array }) {
        saved.push({ ...file, bytes: file.bytes.length })
        return { id: 'att-1' }
      },
    }
    node = new ToolNode(flood, { artifacts })
    node.tell(invoke())
    const { output, truncated } = await node.outcome()
    expect(output).to.equal(
      'xxxxxxxxxx\n[cut: the first 10 of 50 characters]\n[the whole is the attachment att-1: GET /v1/attachments/att-1]',
    )
    expect(truncated).to.equal(true)
    const sessionId = '8c5f0000-0000-4000-8000-000000000001'
    const about = { tenant: 'acme', sessionId, filename: 'work-1.0.0.txt', mime: 'text/plain', source: 'tool' }
    expect(saved).to.deep.equal([{ ...about, bytes: 50 }])
  })

  it('is an outcome all the same when it cannot be kept, or is more than may be', async () => {
    node = new ToolNode(flood, { artifacts: { save: () => Promise.reject(new Error('full')) } })
    node.tell(invoke())
    const { status, output } = await node.outcome()
    expect([status, output.includes('could not be kept')]).to.deep.equal(['success', true])
    await node.stop()
    node = new ToolNode(flood, { artifacts: { save: async () => ({ id: 'a' }) }, maxArtifactBytes: 49 })
    node.tell(invoke())
    expect((await node.outcome()).output).to.contain('more than the 49 that are kept')
  })
})
