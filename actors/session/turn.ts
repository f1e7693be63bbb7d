import type { Persona } from '../persona.ts'
import type { ToolOutcome } from '../tool/protocol.ts'
import type { CallId, ModelReply } from './commands.ts'
import { type Draft, runningCalls } from './draft.ts'
import type { RequestedCall } from './events.ts'
import type { RunningTurn } from './state.ts'
import { unsentCalls } from './step-state.ts'
import { parseToolArguments } from './tool-arguments.ts'
import { requestReturned } from './tool-requests.ts'
import { overBudget } from './turn-budget.ts'

/** The reasoning loop of one turn: model -> tool calls -> model … -> final, with every limit that bounds it (I9). */

const MAX_GARBLED = 3
/** A model call that has crashed its process this often is not tried again: endless retries cost real money. */
const MAX_ATTEMPTS = 20

/** The turn whose model call this is; undefined for a result that came too late (stopped, nudged, restarted). */
function turnAwaiting(draft: Draft, call: CallId): RunningTurn | undefined {
  const { turn } = draft.state
  const current = turn?.phase === 'model' && turn.request.turnId === call.turnId && turn.step === call.step
  return current && turn.attempt === call.attempt ? turn : undefined
}

export function onModelReplied(draft: Draft, call: CallId, reply: ModelReply): void {
  const turn = turnAwaiting(draft, call)
  if (!turn) return
  const persona = draft.configuration.personas.get(draft.state.personaId)
  const clientTools = new Set(turn.request.clientTools?.map((tool) => tool.name))
  const calls = reply.calls.map(
    (one, index): RequestedCall => ({
      callId: `${draft.sessionId}/${draft.meta.nextSeq}.${index}`,
      modelCallId: uniqueCallId(one.id, draft.meta.nextSeq, index, reply),
      tool: one.name,
      arguments: one.arguments,
      by: clientTools.has(one.name) ? 'client' : 'server',
    }),
  )
  draft.record({
    kind: 'ModelReplied',
    turnId: call.turnId,
    step: call.step,
    // Without calls the text is the turn's final answer and is journaled there, once.
    text: calls.length > 0 ? reply.text : '',
    calls,
    finishReason: reply.finishReason,
    model: reply.model,
    usage: reply.usage,
  })
  const replied = draft.state.turn
  if (!replied) return
  if (calls.length === 0) answer(draft, replied, reply)
  else runCalls(draft, replied, calls, persona)
}

/** Models repeat ids or leave them out; endpoints refuse a history whose ids are not unique (and longer than 40). */
function uniqueCallId(id: string, seq: number, index: number, reply: ModelReply): string {
  const unique = id !== '' && id.length <= 40 && reply.calls.filter((call) => call.id === id).length === 1
  return unique && !/^call_?\d{0,2}$/.test(id) ? id : `call_${seq}_${index}`
}

function answer(draft: Draft, turn: RunningTurn, reply: ModelReply): void {
  if (reply.text.trim() === '' && reply.finishReason !== 'content_filter') {
    retryGarbled(draft, turn, 'the model gave an empty answer')
    return
  }
  const over = overBudget(draft, turn)
  if (over) draft.failTurn(turn, 'BUDGET_EXCEEDED', `${over} The answer so far: ${reply.text}`)
  else draft.finishTurn(turn, { outcome: 'completed', finishReason: reply.finishReason, text: reply.text })
}

function retryGarbled(draft: Draft, turn: RunningTurn, detail: string): void {
  if (turn.garbled + 1 >= MAX_GARBLED) draft.failTurn(turn, 'MODEL_GARBLED', `${detail}, ${MAX_GARBLED} times in a row`)
  else draft.callModel('garbled')
}

function runCalls(
  draft: Draft,
  turn: RunningTurn,
  calls: readonly RequestedCall[],
  persona: Persona | undefined,
): void {
  const { limits } = turn
  const over = overBudget(draft, turn)
  const halt: [string, string] | undefined = over
    ? ['BUDGET_EXCEEDED', over]
    : turn.step >= limits.steps
      ? ['STEP_LIMIT', `the turn reached its limit of ${limits.steps} steps`]
      : turn.streak.count > limits.identicalCalls
        ? [
            'REPEATED_CALL',
            `the model asked ${turn.streak.count} times in a row for ${calls[0]?.tool} with the same arguments`,
          ]
        : undefined
  if (halt) {
    for (const call of calls)
      draft.finishCall(turn, call, { status: 'cancelled', output: `Not run: ${halt[1]}.`, finishedAt: draft.meta.now })
    draft.failTurn(turn, ...halt)
    return
  }
  calls.forEach((call, index) => {
    if (call.by === 'server') runCall(draft, turn, call, index, persona)
  })
  afterCalls(draft)
}

/** A call that step mode held goes to its tool, with the arguments it has by now. */
export function sendCall(draft: Draft, callId: string): void {
  const { turn } = draft.state
  const call = turn && unsentCalls(turn).find((one) => one.callId === callId)
  if (!turn || !call) return
  const parsed = parseToolArguments(call.arguments)
  if (parsed.ok) draft.startCall(turn, call, parsed.value)
  else draft.refuseCall(turn, call, 'error', 'TOOL_ARGUMENTS', parsed.message)
}

function runCall(
  draft: Draft,
  turn: RunningTurn,
  call: RequestedCall,
  index: number,
  persona: Persona | undefined,
): void {
  if (index >= turn.limits.parallelCalls) {
    draft.refuseCall(
      turn,
      call,
      'error',
      'TOOL_ARGUMENTS',
      `At most ${turn.limits.parallelCalls} calls at once; this one was not run. Ask for it again.`,
    )
    return
  }
  if (persona && !persona.tools.includes('*') && !persona.tools.includes(call.tool)) {
    draft.refuseCall(
      turn,
      call,
      'blocked',
      'TOOL_NOT_FOUND',
      `There is no tool "${call.tool}" here. Tools: ${persona.tools.join(', ') || 'none'}.`,
    )
    return
  }
  const parsed = parseToolArguments(call.arguments)
  if (!parsed.ok) draft.refuseCall(turn, call, 'error', 'TOOL_ARGUMENTS', parsed.message)
  else if (!draft.state.stepMode) draft.startCall(turn, call, parsed.value)
}

/** When every server call has its outcome: the client's calls are handed over, or the model goes on. */
export function afterCalls(draft: Draft): void {
  const { turn } = draft.state
  if (turn?.phase !== 'tools') return
  holdNextCall(draft, turn)
  if (runningCalls(turn).length > 0) return
  const clientCalls = turn.calls.filter((call) => call.by === 'client')
  if (clientCalls.length > 0) {
    const asked = draft.state.history.findLast((message) => message.role === 'assistant')
    draft.finishTurn(turn, {
      outcome: 'client_tools',
      finishReason: 'tool_calls',
      text: asked?.content ?? '',
      clientCalls,
    })
  } else {
    continueTurn(draft, turn)
  }
}

/** Step mode holds one call at a time, in the order the model asked for them. */
function holdNextCall(draft: Draft, turn: RunningTurn): void {
  const [next] = unsentCalls(turn)
  if (!next || !draft.state.stepMode) return
  const { hold } = turn
  const waits = hold?.before === 'call' && unsentCalls(turn).some((call) => call.callId === hold.callId)
  if (!waits) draft.hold({ before: 'call', callId: next.callId })
}

export function continueTurn(draft: Draft, turn: RunningTurn): void {
  const heldMs = turn.hold ? draft.meta.now - turn.hold.since : 0
  // What was delegated is paid when its outcome comes.
  const over = overBudget(draft, turn)
  if (over) draft.failTurn(turn, 'BUDGET_EXCEEDED', over)
  else if (draft.meta.now - heldMs >= turn.deadline) {
    draft.failTurn(turn, 'TURN_DEADLINE', `the turn took longer than ${turn.limits.turnSeconds} s`)
  } else {
    draft.callModel('next')
  }
}

export function onToolReturned(draft: Draft, callId: string, outcome: ToolOutcome): void {
  const requested = draft.state.toolRequests[callId]
  if (requested !== undefined) {
    requestReturned(draft, callId, requested, outcome)
    return
  }
  const { turn } = draft.state
  const call = turn?.calls.find((one) => one.callId === callId)
  if (!turn || !call || call.outcome) return
  draft.finishCall(turn, call, outcome)
  afterCalls(draft)
}

export function onModelFailed(draft: Draft, call: CallId, code: string, detail: string): void {
  const turn = turnAwaiting(draft, call)
  if (!turn) return
  if (code === 'MODEL_GARBLED') retryGarbled(draft, turn, detail)
  else draft.failTurn(turn, code, detail)
}

/** The activation before this one died, or was moved, during a model call: it runs again and the client is told. */
export function onRecovered(draft: Draft): void {
  const { turn } = draft.state
  if (turn?.phase !== 'model') return
  if (turn.attempt >= MAX_ATTEMPTS) {
    draft.failTurn(
      turn,
      'MODEL_UNAVAILABLE',
      `the model call was interrupted ${turn.attempt} times and is not tried again`,
    )
  } else if (draft.meta.now >= turn.deadline) {
    draft.failTurn(
      turn,
      'TURN_DEADLINE',
      `the turn took longer than ${turn.limits.turnSeconds} s, the time its node was down included`,
    )
  } else {
    draft.callModel('recovered')
  }
}
