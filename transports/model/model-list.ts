/** Stands for a model that is not named: the first of GET /models, asked for when the call is made. */
export const FIRST_MODEL = 'auto'

/** Listed beside chat models by Ollama and LM Studio, and no use for a conversation. */
const NOT_FOR_CHAT = /embed|rerank|whisper|tts|moderation/i

/** Ids from the body of GET /models, those that can chat first. Undefined: not the protocol. */
export function modelIds(body: string): string[] | undefined {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return undefined
  }
  const data = (value as { data?: unknown } | null)?.data
  if (!Array.isArray(data)) return undefined
  const ids = data
    .map((model: { id?: unknown } | null) => model?.id)
    .filter((id): id is string => typeof id === 'string')
  return [...ids.filter((id) => !NOT_FOR_CHAT.test(id)), ...ids.filter((id) => NOT_FOR_CHAT.test(id))]
}

/** Ids of those that the list says take images: OpenRouter, LM Studio and llama.cpp each say so in a way of their own. */
export function modelsWithImages(body: string): string[] {
  const { data } = JSON.parse(body) as { data: readonly (Record<string, unknown> | null)[] }
  return data.flatMap((model) => {
    const { id, type, architecture, capabilities } = model ?? {}
    const modalities = (architecture as { input_modalities?: unknown } | undefined)?.input_modalities
    const told = [
      type,
      ...(Array.isArray(modalities) ? modalities : []),
      ...(Array.isArray(capabilities) ? capabilities : []),
    ]
    return typeof id === 'string' && told.some((one) => /^(vlm|image|vision|multimodal)$/.test(String(one))) ? [id] : []
  })
}

export function firstModel(body: string): string | undefined {
  return modelIds(body)?.[0]
}
