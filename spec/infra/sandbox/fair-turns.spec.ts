import { expect } from 'chai'
import { address } from '../../../actors/kernel/address.ts'
import { codeExecute } from '../../../actors/tool/catalogue/code-execute.ts'
import type { Tool } from '../../../actors/tool/tool.ts'
import type { CapsulePool } from '../../../infra/sandbox/capsule-pool.ts'
import { eventually } from '../../support/eventually.ts'
import { invoke } from '../../support/given-tool.ts'
import { poolOf } from '../../support/sandbox-run.ts'
import { ToolNode } from '../../support/tool-node.ts'

const FLOOD = 40
/** Long beside the start of an interpreter, and no work for the processor. */
const long = 'await new Promise((wake) => setTimeout(wake, 400)); print("at", Date.now())'
const short = 'print("at", Date.now())'

/** Calls of code_execute as they come in, through the tool's slots, to one sandbox. */
describe('one sandbox for a flood of programs', function () {
  this.timeout(120_000)
  let pool: CapsulePool
  let node: ToolNode
  beforeEach(() => {
    pool = poolOf({ atOnce: 1 })
    node = new ToolNode(codeExecute(pool) as unknown as Tool)
  })
  afterEach(async () => {
    await node.stop()
    await pool.close()
  })

  const call = (name: string, code: string, { tenant = 'acme', sessionId = 'chat' }) =>
    node.tell(
      invoke({ callId: name, sessionId, tool: 'code_execute', args: { language: 'javascript', code } }),
      `e-${name}`,
      tenant,
    )
  const accepted = (name: string) => node.journal.kinds(address('tool', name)).includes('InvocationAccepted')

  /** When the program of each call that is done said that it was there, in order. */
  function told(): { name: string; at: number }[] {
    return node.journal.sent.map(({ body }) => {
      const { callId, outcome } = body as { callId: string; outcome: { output: string } }
      expect(outcome.output).to.match(/^finished/)
      return { name: callId, at: Number(/at (\d+)/.exec(outcome.output)?.[1]) }
    })
  }

  for (const [what, flood, other] of [
    ['of another tenant', { tenant: 'flood' }, { tenant: 'acme' }],
    ['of another session of the same tenant', { sessionId: 'flood' }, { sessionId: 'chat' }],
  ] as const) {
    it(`L2: the first program ${what} starts after at most one of the flood is done`, async () => {
      const names = Array.from({ length: FLOOD }, (_, n) => `flood-${n}`)
      for (const name of names) call(name, long, flood)
      await eventually(() => names.every(accepted), 60_000)
      call('other', short, other)
      // The place in line is taken in the turn after.
      await eventually(() => accepted('other'))
      const asked = Date.now()
      await eventually(() => told().some(({ name }) => name === 'other'), 60_000)
      const began = told().find(({ name }) => name === 'other')?.at as number
      const between = told().filter(({ name, at }) => name !== 'other' && at > asked && at < began)
      expect(between.length).to.be.at.most(1)
    })
  }
})
