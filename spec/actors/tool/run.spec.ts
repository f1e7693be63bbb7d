import { expect } from 'chai'
import { Failure } from '../../../actors/kernel/failure.ts'
import { reconcileTool, runTool } from '../../../actors/tool/run.ts'
import type { Tool, ToolContext } from '../../../actors/tool/tool.ts'
import { workTool } from '../../support/given-tool.ts'
import { Gate, settled } from '../../support/probe.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

function contextOf(clock: VirtualClock, signal = new AbortController().signal): ToolContext {
  const means = { signal, now: () => clock.now(), progress() {} }
  return { callId: 'c', tenant: 'acme', sessionId: 's', personaId: 'soma', ...means }
}

async function run(over: Partial<Tool>, during: (clock: VirtualClock) => void = () => {}) {
  const clock = new VirtualClock()
  const result = runTool(workTool(over), { text: 'x' }, contextOf(clock), clock)
  await settled()
  during(clock)
  const ended = await result
  expect(clock.pending, 'timers left').to.equal(0)
  return ended
}

const forever = () => new Promise<never>(() => {})

describe('running a tool', () => {
  it('gives its output', async () => {
    expect(await run({})).to.deep.equal({ kind: 'output', output: 'done', truncated: false })
  })

  for (const [what, thrown, detail] of [
    ['an error', new Error('no such file'), 'The tool failed: no such file'],
    ['an error without a message', new TypeError(), 'The tool failed: TypeError'],
    ['text', 'out of paper', 'The tool failed: out of paper'],
    ['nothing', undefined, 'The tool failed: undefined'],
    ['what cannot be shown', Object.create(null), 'The tool failed: it threw something that cannot be shown'],
  ] as const) {
    it(`is told that it failed when it throws ${what}, at once or later`, async () => {
      const failed = { kind: 'failed', code: 'TOOL_FAILED', detail }
      const rejects = async () => {
        throw thrown
      }
      const throws = (() => {
        throw thrown
      }) as unknown as Tool['run']
      expect(await run({ run: rejects })).to.deep.equal(failed)
      expect(await run({ run: throws })).to.deep.equal(failed)
    })
  }

  it('keeps the code of a failure from the catalogue', async () => {
    const refuses = async () => {
      throw new Failure('BLOCKED_ADDRESS', '10.0.0.1 is private')
    }
    expect(await run({ run: refuses })).to.deep.equal({
      kind: 'failed',
      code: 'BLOCKED_ADDRESS',
      detail: '10.0.0.1 is private',
    })
  })

  for (const [value, what] of [
    [undefined, 'undefined'],
    [null, 'null'],
    [{ a: 1 }, 'object'],
    [[1], 'an array'],
    [7, 'number'],
  ] as const) {
    it(`says so when it returns ${what} instead of text`, async () => {
      const result = await run({ run: async () => value as unknown as string })
      expect(result).to.deep.include({ kind: 'failed', code: 'TOOL_FAILED' })
      expect('detail' in result && result.detail).to.include(`returned ${what} instead of text`)
    })
  }

  it('cuts a flood, and says how much there was', async () => {
    const result = await run({ maxOutput: 10, run: async () => 'x'.repeat(5_000_000) })
    expect(result).to.deep.equal({
      kind: 'output',
      output: 'xxxxxxxxxx\n[cut: the first 10 of 5000000 characters]',
      truncated: true,
    })
  })

  it('cuts at 16,000 characters when the tool names no limit, and never leaves half a character', async () => {
    const result = await run({ run: async () => `x${'😀'.repeat(10_000)}` })
    if (result.kind !== 'output') throw new Error(result.kind)
    expect(result.output).to.match(/\ufffd\n\[cut: the first 16000 of 20001 characters\]$/)
    expect(result.output).to.not.match(/\p{Surrogate}/u)
  })

  it('cuts a flood of an error message too', async () => {
    const result = await run({ run: () => Promise.reject(new Error('x'.repeat(1_000_000))) })
    expect('detail' in result && result.detail.length).to.equal(2_000)
  })

  it('abandons a tool that outlives its time, with its signal aborted', async () => {
    let signal: AbortSignal | undefined
    const result = await run(
      {
        run: (_, context) => {
          signal = context.signal
          return forever()
        },
      },
      (clock) => {
        clock.advance(999)
        expect(signal?.aborted).to.equal(false)
        clock.advance(1)
      },
    )
    expect(result).to.deep.equal({ kind: 'timeout', afterMs: 1_000 })
    expect(signal?.reason).to.have.property('name', 'TimeoutError')
  })

  it('discards what an abandoned tool still returns or throws', async () => {
    const gate = new Gate()
    const late = async () => {
      await gate.opened
      throw new Error('too late: must not become an unhandled rejection')
    }
    expect(await run({ run: late }, (clock) => clock.advance(1_000))).to.deep.include({ kind: 'timeout' })
    gate.open()
    await settled()
  })

  it('ends at once when the call is aborted, though the tool ignores it', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const result = runTool(workTool({ run: forever }), {}, contextOf(clock, stop.signal), clock)
    stop.abort(new Error('cancelled'))
    expect(await result).to.deep.include({ kind: 'failed' })
    expect(clock.pending).to.equal(0)
  })
})

describe('reconciling a tool', () => {
  for (const [what, reconcile, finding] of [
    ['has no check', undefined, { kind: 'unknown' }],
    ['finds its output', async () => ({ output: 'receipt' }), { kind: 'output', output: 'receipt', truncated: false }],
    ['is sure that it did not run', async () => 'not-run', { kind: 'not-run' }],
    ['cannot tell', async () => 'unknown', { kind: 'unknown' }],
    ['throws', () => Promise.reject(new Error('down')), { kind: 'unknown' }],
    ['answers something else', async () => ({ output: 7 }), { kind: 'unknown' }],
    ['answers nothing', async () => undefined, { kind: 'unknown' }],
  ] as const) {
    it(`is ${finding.kind} when it ${what}`, async () => {
      const clock = new VirtualClock()
      const tool = workTool({ ...(reconcile && { reconcile: reconcile as NonNullable<Tool['reconcile']> }) })
      expect(await reconcileTool(tool, {}, contextOf(clock), clock)).to.deep.equal(finding)
    })
  }

  it('is unknown when the check never ends', async () => {
    const clock = new VirtualClock()
    const finding = reconcileTool(workTool({ reconcile: forever }), {}, contextOf(clock), clock)
    clock.advance(1_000)
    expect(await finding).to.deep.equal({ kind: 'unknown' })
  })
})
