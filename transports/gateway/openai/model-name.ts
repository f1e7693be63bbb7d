import { Failure } from '../../../actors/kernel/failure.ts'
import type { GatewayDeps } from '../gateway.ts'

export const PERSONA_PREFIX = 'persona/'

/** What the OpenAI `model` means here: a model that some endpoint has, or a persona with its own prompt and tools. */
export function chooseModel(
  { models, personas }: Pick<GatewayDeps, 'models' | 'personas'>,
  name: string,
): { readonly model?: string; readonly personaId?: string } {
  if (name.startsWith(PERSONA_PREFIX)) {
    const personaId = name.slice(PERSONA_PREFIX.length)
    if (personas.get(personaId)) return { personaId }
  } else {
    if (models.choose('dialogue', name)) return { model: name }
    if (personas.get(name)) return { personaId: name }
  }
  throw new Failure('MODEL_NOT_FOUND', `\`${name}\` is none of ${modelNames({ models, personas }).join(', ')}.`)
}

type Named = Pick<GatewayDeps, 'models' | 'personas'>

export function modelNames(named: Named): string[] {
  return [...named.models.list().map(({ id }) => id), ...personaNames(named)]
}

/** With the prefix, which is always theirs, and bare, unless a model is called so. */
export function personaNames({ models, personas }: Named): string[] {
  const ids = personas.list().map(({ id }) => id)
  return [...ids.map((id) => `${PERSONA_PREFIX}${id}`), ...ids.filter((id) => !models.choose('dialogue', id))]
}
