import type { ModelsConfig, RoleConfig } from '../../transports/model/models.ts'
import type { Values } from './config-variables.ts'

const microDollars = 1_000_000

/** Which model answers in which role, and what it costs. */
export function modelsOf(v: Values): ModelsConfig {
  return { dialogue: dialogueModel(v), escalation: escalationModel(v), discover: v.SOMA_MODEL_DISCOVERY }
}

function dialogueModel(v: Values): RoleConfig {
  // A key in the shell is no consent to spend: OpenAI's own address is taken only together with a model's name.
  const openai = v.OPENAI_API_KEY && v.SOMA_MODEL && !v.SOMA_MODEL.startsWith('rehearsal/')
  return {
    model: v.SOMA_MODEL,
    baseUrl: v.OPENAI_BASE_URL ?? (openai ? 'https://api.openai.com/v1' : undefined),
    apiKey: v.OPENAI_API_KEY,
    promptPrice: Math.round(v.SOMA_MODEL_PROMPT_PRICE * microDollars),
    completionPrice: Math.round(v.SOMA_MODEL_COMPLETION_PRICE * microDollars),
    contextTokens: v.SOMA_MODEL_CONTEXT_TOKENS,
    images: v.SOMA_MODEL_IMAGES,
  }
}

function escalationModel(v: Values): RoleConfig | undefined {
  if (!v.SOMA_ESCALATION_MODEL && !v.SOMA_ESCALATION_BASE_URL) return undefined
  // A key goes only to the endpoint it was given for; a key alone is another key for the dialogue role's endpoint.
  const baseUrl = v.SOMA_ESCALATION_BASE_URL ?? (v.SOMA_ESCALATION_API_KEY ? dialogueModel(v).baseUrl : undefined)
  return {
    model: v.SOMA_ESCALATION_MODEL,
    baseUrl,
    apiKey: v.SOMA_ESCALATION_API_KEY,
    promptPrice: Math.round(v.SOMA_ESCALATION_PROMPT_PRICE * microDollars),
    completionPrice: Math.round(v.SOMA_ESCALATION_COMPLETION_PRICE * microDollars),
    contextTokens: v.SOMA_ESCALATION_CONTEXT_TOKENS,
    images: v.SOMA_MODEL_IMAGES,
  }
}
