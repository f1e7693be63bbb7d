import type { Journal } from '../../persistence/journal.ts'
import type {
  DryRunCall,
  DryRunDifference,
  DryRunEnd,
  DryRunReport,
  DryRunRequest,
  DryRunSide,
  DryRuns,
} from '../../transports/gateway/dry-runs.ts'
import { address } from '../kernel/address.ts'
import { Failure } from '../kernel/failure.ts'
import { toAnnouncement } from './conversation-events.ts'
import { addUsage, noUsage, sessionCodec } from './events.ts'
import { ForkedSession, type ForkParts, type ForkPoint } from './forked-session.ts'
import { lineDifference } from './line-difference.ts'
import { type NumberedEvent, questionOf, RecordedOutcomes } from './recorded-outcomes.ts'
import { evolve, initialSession } from './state.ts'

export interface DryRunParts extends ForkParts {
  readonly journal: Pick<Journal, 'read'>
}

const READ_PAGE = 1_000
/** A fork is a whole session in memory, and its model calls are paid: a gateway runs few at once. */
const MAX_AT_ONCE = 4

const codec = sessionCodec()

/** In the gateway's own process, from the journal alone: so any gateway can do it for any session, whoever owns it. */
export function dryRuns(parts: DryRunParts): DryRuns {
  let running = 0
  return {
    async run(asked, signal) {
      if (running >= MAX_AT_ONCE) {
        throw new Failure('DRY_RUN_BUSY', `${MAX_AT_ONCE} dry runs are in progress here.`, { retryAfter: 5 })
      }
      running++
      try {
        return await dryRun(asked, signal, parts)
      } finally {
        running--
      }
    },
  }
}

async function dryRun(asked: DryRunRequest, signal: AbortSignal, parts: DryRunParts): Promise<DryRunReport> {
  const journal = await readAll(asked.sessionId, parts.journal)
  const head = journal.at(-1)?.seq ?? 0
  const at = asked.at ?? head
  if (at > head) throw new Failure('INVALID_CURSOR', `The journal ends at ${head}; there is no event ${at}.`)
  const past = journal.filter(({ seq }) => seq <= at)
  const state = past.reduce((folded, { event }) => evolve(folded, event), initialSession)
  const from: ForkPoint = { sessionId: asked.sessionId, state, seq: at, at: past.at(-1)?.at ?? parts.clock.now() }
  const recorded = new RecordedOutcomes(journal, at)
  const happened = asked.message === undefined ? comparable(journal, from) : undefined

  const run = async (injects: boolean) => {
    const fork = new ForkedSession(from, recorded, parts)
    if (injects) inject(fork, asked)
    goOn(fork, injects && asked.inject?.role === 'control' && asked.inject.command.name === 'pause')
    if (asked.message !== undefined) say(fork, asked.message)
    else if (!fork.state.turn && fork.events.every(({ event }) => event.kind !== 'TurnFinished')) {
      if (happened?.next) say(fork, happened.next.text, happened.next)
    }
    const ended = await fork.run(asked.limits, signal)
    return sideOf(asked.sessionId, fork.events, 'run', ended, fork.origins)
  }
  const fork = await run(true)
  const baseline = happened ? sideOf(asked.sessionId, happened.events, 'journal', 'final', new Map()) : await run(false)
  return {
    sessionId: asked.sessionId,
    at,
    head,
    limits: asked.limits,
    baseline,
    fork,
    difference: compare(baseline, fork),
  }
}

async function readAll(sessionId: string, journal: Pick<Journal, 'read'>): Promise<NumberedEvent[]> {
  const all: NumberedEvent[] = []
  for (;;) {
    const page = await journal.read(address('session', sessionId), all.at(-1)?.seq ?? 0, READ_PAGE)
    for (const stored of page) all.push({ seq: stored.seq, at: stored.at, event: codec.decode(stored) })
    if (page.length < READ_PAGE) return all
  }
}

type Accepted = Extract<NumberedEvent['event'], { kind: 'UserTurnAccepted' }>

/**
 * What the journal holds of the turns that were open at the fork; when none was, of the next one (which the fork then
 * runs too, unless the injected message began a turn itself). Undefined when there is none, or it has not ended.
 */
function comparable(
  journal: readonly NumberedEvent[],
  { state, seq: at }: ForkPoint,
): { readonly events: readonly NumberedEvent[]; readonly next?: Accepted } | undefined {
  const later = journal.filter(({ seq }) => seq > at)
  const open = [...(state.turn ? [state.turn.request.turnId] : []), ...state.queue.map(({ turnId }) => turnId)]
  const next =
    open.length > 0 ? undefined : later.map(({ event }) => event).find((event) => event.kind === 'UserTurnAccepted')
  const wanted = new Set(next ? [next.turnId] : open)
  if (wanted.size === 0) return undefined
  const end = later.findIndex(({ event }) => {
    if (event.kind === 'TurnFinished') wanted.delete(event.turnId)
    return wanted.size === 0
  })
  return end < 0 ? undefined : { events: later.slice(0, end + 1), ...(next && { next }) }
}

function inject(fork: ForkedSession, { inject: message, by, why }: DryRunRequest): void {
  if (message) fork.tell({ kind: 'Inject', v: 1, message, by, why })
}

/** A fork is neither held nor paused, as nobody could let it go on; but a pause that is injected is what is asked about. */
function goOn(fork: ForkedSession, pauses: boolean): void {
  if (fork.state.stepMode) fork.tell({ kind: 'SetStepMode', v: 1, on: false, by: 'dry run', why: 'dry run' })
  if (fork.state.paused && !pauses) fork.tell({ kind: 'Resume', v: 1 })
}

function say(fork: ForkedSession, text: string, as?: Accepted): void {
  const {
    kind: _,
    persona: _persona,
    action: _action,
    ...request
  } = as ?? {
    kind: 'UserTurnAccepted',
    turnId: 'dry-run/message',
    attachments: [],
    metadata: {},
  }
  fork.tell({ kind: 'AcceptUserTurn', v: 1, ...request, text })
}

function sideOf(
  sessionId: string,
  numbered: readonly NumberedEvent[],
  source: DryRunSide['source'],
  ended: DryRunEnd,
  origins: ReadonlyMap<string, DryRunCall['from']>,
): DryRunSide {
  const events = numbered.map(({ event }) => event)
  const final = events.findLast((event) => event.kind === 'TurnFinished')
  return {
    source,
    ended,
    events: numbered.map(({ seq, at, event }) => toAnnouncement(sessionId, { seq, at }, event).event),
    outcome: final?.outcome,
    finalText: final?.text,
    toolCalls: callsOf(events, source, origins),
    modelCalls: events.filter((event) => event.kind === 'ModelReplied').length,
    usage: events.reduce((sum, event) => (event.kind === 'ModelReplied' ? addUsage(sum, event.usage) : sum), noUsage),
  }
}

function callsOf(
  events: readonly NumberedEvent['event'][],
  source: DryRunSide['source'],
  origins: ReadonlyMap<string, DryRunCall['from']>,
): DryRunCall[] {
  return events.flatMap((event) => {
    if (event.kind !== 'ToolCallStarted') return []
    const { callId, tool, args } = event
    const end = events.find((one) => one.kind === 'ToolCallFinished' && one.callId === callId)
    const outcome = end?.kind === 'ToolCallFinished' ? end.outcome : undefined
    const from = source === 'journal' ? 'real' : (origins.get(callId) ?? 'refused')
    const decision = outcome?.decision
    return [{ tool, args, status: outcome?.status, output: outcome?.output, from, ...(decision && { decision }) }]
  })
}

function compare(baseline: DryRunSide, fork: DryRunSide): DryRunDifference {
  const text = lineDifference(baseline.finalText ?? '', fork.finalText ?? '')
  const [before, after] = [baseline, fork].map((side) => side.toolCalls.map(({ tool, args }) => questionOf(tool, args)))
  const callsOnlyInBaseline = without(before ?? [], after ?? [])
  const callsOnlyInFork = without(after ?? [], before ?? [])
  const changed =
    text.some(({ op }) => op !== '=') ||
    callsOnlyInBaseline.length + callsOnlyInFork.length > 0 ||
    baseline.outcome !== fork.outcome ||
    baseline.ended !== fork.ended
  const tokens = ({ usage }: DryRunSide) => usage.promptTokens + usage.completionTokens
  return {
    changed,
    text,
    callsOnlyInBaseline,
    callsOnlyInFork,
    tokens: tokens(fork) - tokens(baseline),
    costMicros: fork.usage.costMicros - baseline.usage.costMicros,
  }
}

/** Each call of `others` takes away one of the same: two of a kind against one leave one. */
function without(calls: readonly string[], others: readonly string[]): string[] {
  const left = [...others]
  return calls.filter((call) => {
    const found = left.indexOf(call)
    if (found >= 0) left.splice(found, 1)
    return found < 0
  })
}
