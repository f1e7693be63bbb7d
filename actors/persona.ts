import { z } from 'zod'

/**
 * A persona is a YAML file in the personas folder: added without code, read at start and when it changes.
 * Durations in seconds, prices in US dollars, tokens in tokens. docs/PERSONAS.md is made from the descriptions.
 */
export const personaSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/)
    .describe(
      'What sessions name it by: small letters, digits, `_`, `-`. An id that is shipped replaces the shipped one.',
    ),
  name: z.string().max(100).describe('What people are shown.'),
  prompt: z.string().max(50_000).describe('The system prompt.'),
  model: z
    .strictObject({
      role: z
        .enum(['dialogue', 'escalation'])
        .default('dialogue')
        .describe('Which of the two configured models answers (SOMA_MODEL, SOMA_ESCALATION_MODEL).'),
      name: z.string().optional().describe('A certain model of that role’s endpoint, instead of the configured one.'),
      temperature: z.number().min(0).max(2).optional().describe('Left out: the endpoint’s own.'),
      maxTokens: z.int().positive().optional().describe('Of one answer of the model. Left out: the endpoint’s own.'),
    })
    .prefault({}),
  tools: z
    .array(z.string())
    .default(['*'])
    .describe('Names of the tools it may call; `*` is all. Policy decides besides.'),
  limits: z
    .strictObject({
      steps: z.int().min(1).max(200).default(20).describe('Model calls of one turn (STEP_LIMIT).'),
      identicalCalls: z
        .int()
        .min(1)
        .max(50)
        .default(3)
        .describe('The same tool with the same arguments, so often in a row; once more ends the turn (REPEATED_CALL).'),
      parallelCalls: z
        .int()
        .min(1)
        .max(64)
        .default(8)
        .describe('Tool calls of one step; the model is told to ask for the others again.'),
      queuedTurns: z
        .int()
        .min(1)
        .max(1_000)
        .default(32)
        .describe('Turns that wait behind the running one (TURN_QUEUE_FULL).'),
      turnSeconds: z
        .int()
        .min(1)
        .max(86_400)
        .default(600)
        .describe('A turn from its start to its end, pauses of the process included (TURN_DEADLINE).'),
      tokensPerTurn: z.int().min(0).default(0).describe('Tokens of one turn; 0 is no limit (BUDGET_EXCEEDED).'),
      tokensPerSession: z.int().min(0).default(0).describe('Tokens of a session in all its turns; 0 is no limit.'),
      tokensPerDay: z.int().min(0).default(0).describe('Tokens of a tenant and this persona a UTC day; 0 is no limit.'),
      dollarsPerTurn: z
        .number()
        .min(0)
        .default(0)
        .describe('Cost of one turn by the configured prices; 0 is no limit.'),
      dollarsPerDay: z
        .number()
        .min(0)
        .default(0)
        .describe('Cost of a tenant and this persona a UTC day; 0 is no limit.'),
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
