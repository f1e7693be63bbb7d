import type { ModelMessage, ModelTool } from '../../transports/model/client.ts'
import { messageTokens } from '../kernel/tokens.ts'
import type { Persona } from '../persona.ts'
import type { ToolCatalogue } from '../tool/tool.ts'
import { beginsTurn, summaryMessage } from './condensing.ts'
import type { RecordedMessage, SessionState } from './state.ts'

/** History -> model request (pure). Guarantees what endpoints insist on: every tool call is followed by its result, once. */

/** The line that names one (shown-attachments.ts). */
const ATTACHMENT_TOKENS = 60

export interface ContextWindow {
  readonly messages: readonly ModelMessage[]
  readonly tokens: number
  /** Messages that did not fit and are in no summary. */
  readonly omitted: number
}

/**
 * Undefined when even the last turn alone does not fit `contextTokens`. What was condensed is told as its summary; what lies
 * between that and what fits is left out, with a note.
 */
export function contextWindow(
  state: SessionState,
  persona: Persona,
  contextTokens: number,
  now: number,
): ContextWindow | undefined {
  const system: ModelMessage = { role: 'system', content: systemPrompt(state, persona, now) }
  const { condensed } = state
  const window = condensed && windowBehind(state, [system, summaryMessage(condensed)], condensed.to, contextTokens)
  // Should the summary not fit beside the last turn, that turn matters more.
  return window ?? windowBehind(state, [system], 0, contextTokens)
}

/** `head`, then as much of the end of the history as fits: nothing before `base`. */
function windowBehind(
  { history }: SessionState,
  head: readonly ModelMessage[],
  base: number,
  contextTokens: number,
): ContextWindow | undefined {
  let tokens = head.reduce((sum, message) => sum + messageTokens(message), 0)
  let start = history.length
  // Whole turns only: half of one would leave tool results without their calls.
  let kept = history.length
  while (start > base) {
    start--
    const message = history[start]
    if (!message) break
    tokens += messageTokens(message) + (message.attachments?.length ?? 0) * ATTACHMENT_TOKENS
    if (tokens > contextTokens) break
    if (beginsTurn(message)) kept = start
    if (start === base) kept = base
  }
  if (kept === history.length && history.length > base) return undefined
  const note: ModelMessage[] = kept > base ? [leftOut(kept - base, base)] : []
  return {
    messages: [...head, ...note, ...answered(history.slice(kept))],
    tokens: Math.min(tokens, contextTokens),
    omitted: kept - base,
  }
}

function leftOut(count: number, base: number): ModelMessage {
  const which = base === 0 ? `The ${count} earliest messages of this conversation` : `${count} messages after that`
  return { role: 'system', content: `(${which} are left out here for length.)` }
}

function systemPrompt(state: SessionState, persona: Persona, now: number): string {
  const day = new Date(now).toISOString().slice(0, 10)
  const instructions = state.turn?.request.instructions
  return [persona.prompt.trim(), `Today is ${day} (UTC).`, ...(instructions ? [instructions] : [])].join('\n\n')
}

/** Puts each result right behind the message that asked for it, and a stand-in where none ever came. */
function answered(history: readonly RecordedMessage[]): ModelMessage[] {
  const results = new Map<string, string>()
  for (const message of history) {
    if (message.role === 'tool' && !results.has(message.toolCallId)) results.set(message.toolCallId, message.content)
  }
  const messages: ModelMessage[] = []
  for (const message of history) {
    if (message.role === 'tool') continue
    const { turnId: _, ...plain } = message
    if (plain.role !== 'assistant' || !plain.toolCalls?.length) {
      messages.push(plain.role === 'assistant' ? { role: 'assistant', content: plain.content } : plain)
      continue
    }
    messages.push(plain)
    for (const call of plain.toolCalls) {
      messages.push({
        role: 'tool',
        toolCallId: call.id,
        content: results.get(call.id) ?? 'No result was given for this call.',
      })
    }
  }
  return messages
}

/** What the model may call: the persona's tools, then those the client runs itself (which win a shared name). */
export function modelTools(state: SessionState, persona: Persona, catalogue: ToolCatalogue): ModelTool[] {
  const clientTools = state.turn?.request.clientTools ?? []
  const taken = new Set(clientTools.map((tool) => tool.name))
  const offered = catalogue
    .list()
    .filter(
      (tool) =>
        !tool.internal &&
        !catalogue.off?.(tool.name, state.tenant) &&
        !taken.has(tool.name) &&
        (persona.tools.includes('*') || persona.tools.includes(tool.name)),
    )
    .map((tool) => ({ name: tool.name, description: tool.description, parameters: catalogue.parameters(tool.name) }))
  return [...offered, ...clientTools]
}
