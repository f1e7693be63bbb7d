import { expect } from 'chai'
import fc from 'fast-check'
import type { Behaviour } from '../../../actors/kernel/behaviour.ts'
import { type OwnCommand, type ToolEffect, type ToolState, toolBehaviour } from '../../../actors/tool/behaviour.ts'
import { toolCatalogue } from '../../../actors/tool/catalogue.ts'
import type { ToolEvent } from '../../../actors/tool/events.ts'
import type { ToolCommand } from '../../../actors/tool/protocol.ts'
import { deferred } from '../../../actors/tool/tool.ts'
import { allowed, callId, cancel, deniedBy, invoke, metaOf, session, workTool } from '../../support/given-tool.ts'

type Command = ToolCommand | OwnCommand
type ToolBehaviour = Behaviour<ToolState, Command, ToolEvent, ToolEffect>

/** What can happen to an invocation, in any order, any number of times. */
type Happening =
  | { readonly do: 'tell'; readonly command: Command; readonly envelope: string; readonly crash: CrashPoint }
  | { readonly do: 'crash' }

/** The node dies before the append, between the append and its effects, or not. */
type CrashPoint = 'no' | 'before append' | 'after append'

const [repeatable, unrepeatable] = [true, false].map((idempotent) =>
  toolBehaviour(toolCatalogue([workTool({ idempotent })])),
) as [ToolBehaviour, ToolBehaviour]

/** The harness in ten lines: inbox, journal, fold, effects; and the world, which counts what the tool really did. */
class World {
  state: ToolState
  readonly journal: ToolEvent[] = []
  readonly applied = new Set<string>()
  readonly returned: unknown[] = []
  /** Runs that began while no own check had said, since the last one, that it surely did not run. */
  unsafeRuns = 0
  runs = 0
  #clearedToRun = true
  readonly #behaviour: ToolBehaviour

  constructor(idempotent: boolean) {
    this.#behaviour = idempotent ? repeatable : unrepeatable
    this.state = this.#behaviour.initial
  }

  happen(happening: Happening): void {
    if (happening.do === 'crash') this.#recover()
    else this.tell(happening.command, happening.envelope, happening.crash)
  }

  tell(command: Command, envelope: string, crash: CrashPoint): void {
    if (crash === 'before append') {
      this.#recover()
      return
    }
    if (this.applied.has(envelope)) return
    const { phase } = this.state
    const decision = this.#behaviour.decide(this.state, command, metaOf({ nextSeq: this.journal.length + 1 }))
    if (decision.deadLetter) return
    if (decision.events.length > 0) this.applied.add(envelope)
    for (const event of decision.events) {
      this.journal.push(event)
      this.state = this.#behaviour.evolve(this.state, event)
    }
    this.returned.push(...(decision.outbox ?? []))
    if (phase === 'reconciling' && command.kind === 'Reconciled' && command.finding.kind === 'not-run') {
      this.#clearedToRun = true
    }
    if (crash === 'after append') this.#recover()
    else for (const effect of decision.effects ?? []) this.#perform(effect)
  }

  #perform(effect: ToolEffect): void {
    if (effect.kind !== 'Run') return
    this.runs++
    if (!this.#clearedToRun) this.unsafeRuns++
    this.#clearedToRun = false
    const started = this.journal.at(-1)
    expect(started, 'T1').to.deep.include({ kind: 'InvocationStarted', attempt: effect.attempt })
    expect(
      this.journal.map(({ kind }) => kind),
      'T1',
    ).to.include('InvocationAuthorized')
  }

  #recover(): void {
    this.state = this.journal.reduce(this.#behaviour.evolve, this.#behaviour.initial)
    if (this.#behaviour.pendingEffects(this.state).length === 0) return
    this.tell({ kind: 'Recovered' }, `recovered/${this.journal.length}`, 'no')
  }

  /** Whatever happened, a node that stays up brings it to its end. */
  finish(): void {
    for (let step = 0; step < 20 && this.state.phase !== 'finished'; step++) {
      this.tell(invoke(), 'invoke', 'no')
      this.tell({ kind: 'Decided', verdict: { kind: 'decision', decision: allowed } }, 'decided', 'no')
      const attempt = 'attempt' in this.state ? this.state.attempt : 0
      this.tell({ kind: 'Reconciled', attempt, finding: { kind: 'unknown' } }, `end/reconciled/${step}`, 'no')
      const result = { kind: 'output', output: 'x', truncated: false } as const
      this.tell({ kind: 'Ran', attempt, result }, `end/ran/${step}`, 'no')
      this.tell(settle, `end/settle/${step}`, 'no')
    }
  }
}

const settle: Command = {
  kind: 'Settle',
  v: 1,
  callId,
  outcome: { status: 'success', output: 'x', finishedAt: 0 },
}
const attempts = fc.integer({ min: 1, max: 4 })

function commands(findings: readonly ('unknown' | 'not-run')[]): fc.Arbitrary<{ command: Command; envelope: string }> {
  const invocations = fc.constantFrom('invoke', 'invoke again').map((envelope) => ({ command: invoke(), envelope }))
  const cancels = fc.constant({ command: cancel, envelope: 'cancel' })
  const decisions = fc.constantFrom(allowed, allowed, allowed, deniedBy).map((decision) => ({
    command: { kind: 'Decided', verdict: { kind: 'decision', decision } } as const,
    envelope: 'decided',
  }))
  const results = attempts.map((attempt) => ({
    command: { kind: 'Ran', attempt, result: { kind: 'output', output: 'x', truncated: false } } as const,
    envelope: `ran/${attempt}`,
  }))
  const deferrals = attempts.map((attempt) => ({
    command: { kind: 'Ran', attempt, result: deferred({ settledBy: [session], send: [] }) } as const,
    envelope: `ran/${attempt}`,
  }))
  const settlements = fc.nat(2).map((n) => ({ command: settle, envelope: `settle/${n}` }))
  const expiries = attempts.map((attempt) => ({
    command: { kind: 'Expired', attempt } as const,
    envelope: `expired/${attempt}`,
  }))
  const reconciliations = fc.tuple(attempts, fc.constantFrom(...findings), fc.nat(3)).map(([attempt, kind, n]) => ({
    command: { kind: 'Reconciled', attempt, finding: { kind } } as const,
    envelope: `reconciled/${n}`,
  }))
  return fc.oneof(
    { weight: 4, arbitrary: invocations },
    { weight: 1, arbitrary: cancels },
    { weight: 4, arbitrary: decisions },
    { weight: 2, arbitrary: results },
    { weight: 2, arbitrary: reconciliations },
    { weight: 2, arbitrary: deferrals },
    { weight: 1, arbitrary: settlements },
    { weight: 1, arbitrary: expiries },
  )
}

function lives(findings: readonly ('unknown' | 'not-run')[]): fc.Arbitrary<Happening[]> {
  const crashes = fc.constantFrom<CrashPoint>('no', 'no', 'no', 'before append', 'after append')
  const told = fc
    .tuple(commands(findings), crashes)
    .map(([{ command, envelope }, crash]): Happening => ({ do: 'tell', command, envelope, crash }))
  return fc.array(
    fc.oneof({ weight: 6, arbitrary: told }, { weight: 1, arbitrary: fc.constant<Happening>({ do: 'crash' }) }),
    { maxLength: 30 },
  )
}

function live(idempotent: boolean, life: Happening[]): World {
  const world = new World(idempotent)
  for (const happening of life) world.happen(happening)
  world.finish()
  return world
}

describe('a tool call, whatever is redelivered and whenever its node dies', () => {
  it('T2: runs at most once when it is not idempotent and cannot tell what became of it', () => {
    fc.assert(
      fc.property(lives(['unknown']), (life) => live(false, life).runs <= 1),
      { numRuns: 500 },
    )
  })

  it('T2: runs again only after its own check said that it surely did not run', () => {
    fc.assert(
      fc.property(lives(['unknown', 'not-run']), (life) => live(false, life).unsafeRuns === 0),
      {
        numRuns: 500,
      },
    )
  })

  it('T3: ends, and answers with exactly one ToolReturned', () => {
    fc.assert(
      fc.property(fc.boolean(), lives(['unknown', 'not-run']), (idempotent, life) => {
        const world = live(idempotent, life)
        expect(world.state.phase).to.equal('finished')
        expect(world.returned).to.have.length(1)
        expect(world.journal.filter(({ kind }) => kind === 'InvocationFinished')).to.have.length(1)
      }),
      { numRuns: 500 },
    )
  })
})
