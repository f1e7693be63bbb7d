import { z } from 'zod'

/**
 * A persona is a YAML file in the personas folder: added without code, read at start and when it changes.
 * Durations in seconds, prices in US dollars, tokens in tokens.
 */
export const personaSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/),
  name: z.string().max(100),
  prompt: z.string().max(50_000),
  model: z
    .strictObject({
      role: z.enum(['dialogue', 'escalation']).default('dialogue'),
      name: z.string().optional(),
      temperature: z.number().min(0).max(2).optional(),
      maxTokens: z.int().positive().optional(),
    })
    .prefault({}),
  /** Names from the tool catalogue; `*` is all. */
  tools: z.array(z.string()).default(['*']),
  limits: z
    .strictObject({
      steps: z.int().min(1).max(200).default(20),
      identicalCalls: z.int().min(1).max(50).default(3),
      parallelCalls: z.int().min(1).max(64).default(8),
      queuedTurns: z.int().min(1).max(1_000).default(32),
      turnSeconds: z.int().min(1).max(86_400).default(600),
      tokensPerTurn: z.int().min(0).default(0),
      tokensPerSession: z.int().min(0).default(0),
      tokensPerDay: z.int().min(0).default(0),
      dollarsPerTurn: z.number().min(0).default(0),
      dollarsPerDay: z.number().min(0).default(0),
    })
    .prefault({}),
})

/** 0 in a token or dollar limit means no limit. */
export type Persona = z.infer<typeof personaSchema>

export interface Personas {
  get(id: string): Persona | undefined
  list(): readonly Persona[]
  readonly defaultId: string
}
