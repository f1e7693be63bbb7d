import type { ModelChoice, ModelRequest, Models } from '../../transports/model/client.ts'
import { Failure } from '../kernel/failure.ts'
import type { Persona, Personas } from '../persona.ts'
import type { ToolCatalogue } from '../tool/tool.ts'
import { contextWindow, modelTools } from './prompt.ts'
import type { SessionState } from './state.ts'

/** Which model a session calls now, and with what: the same for the session itself and for a dry run of it. */
export interface ModelRequestParts {
  readonly models: Models
  readonly personas: Personas
  readonly tools: ToolCatalogue
}

export interface PreparedCall {
  readonly persona: Persona
  readonly choice: ModelChoice
  readonly request: ModelRequest
}

export function prepareModelCall(state: SessionState, parts: ModelRequestParts, now: number): PreparedCall | Failure {
  const { turn } = state
  const persona = parts.personas.get(state.personaId) ?? parts.personas.get(parts.personas.defaultId)
  const choice = persona && chooseModel(state, persona, parts.models)
  if (!persona || !choice) {
    const asked = turn?.request.model ?? persona?.model.name ?? persona?.model.role
    return new Failure('MODEL_NOT_FOUND', `no model answers to "${asked}"`)
  }
  const window = contextWindow(state, persona, choice.contextTokens, now)
  if (!window) {
    const detail = `the turn alone exceeds the ${choice.contextTokens} tokens that ${choice.model} takes`
    return new Failure('HISTORY_TOO_LONG', detail)
  }
  const temperature = turn?.request.temperature ?? persona.model.temperature
  const maxTokens = turn?.request.maxTokens ?? persona.model.maxTokens
  const request = {
    model: choice.model,
    messages: window.messages,
    tools: modelTools(state, persona, parts.tools),
    deadline: turn?.deadline ?? now,
    ...(temperature !== undefined && { temperature }),
    ...(maxTokens !== undefined && { maxTokens }),
  }
  return { persona, choice, request }
}

/** A turn's own choice, the persona's, the role's; `metadata.escalate` asks for the escalation role, where there is one. */
function chooseModel(state: SessionState, persona: Persona, models: Models): ModelChoice | undefined {
  const asked = state.turn?.request.model ?? persona.model.name
  if (asked !== undefined) return models.choose(persona.model.role, asked)
  const escalate = state.turn?.request.metadata.escalate === true || persona.model.role === 'escalation'
  return (escalate ? models.choose('escalation') : undefined) ?? models.choose('dialogue')
}
