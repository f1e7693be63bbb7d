import { z } from 'zod'
import type { PolicyInput } from '../../actors/kernel/policy.ts'
import { matchesGlob } from './glob.ts'

const actions = [
  'tool.execute',
  'memory.write',
  'conversation.send',
] as const satisfies readonly PolicyInput['action'][]

/** One pattern or several; `*` stands for any run of characters, `?` for one. */
const patterns = z
  .union([z.string().min(1), z.array(z.string().min(1))], 'must be a pattern or a list of patterns')
  .refine((value) => value.length > 0, 'must be a pattern or a list of patterns')
  .transform((value) => (typeof value === 'string' ? [value] : value))

const rule = z
  .strictObject({
    effect: z.enum(['allow', 'deny']),
    tenant: patterns.default(['*']),
    persona: patterns.default(['*']),
    /** Short for `action: tool.execute` with these names as `resource`. */
    tool: patterns.optional(),
    action: z.enum(actions).optional(),
    resource: patterns.optional(),
    reason: z.string().min(1).max(500).optional(),
  })
  .refine((value) => (value.tool === undefined) !== (value.action === undefined), {
    error: 'name either `tool` (which tools) or `action` (memory.write, conversation.send…), one of them',
  })
  .refine((value) => value.tool === undefined || value.resource === undefined, {
    error: '`resource` goes with `action`; with `tool` it means nothing',
    path: ['resource'],
  })
  .refine((value) => value.effect === 'allow' || value.reason !== undefined, {
    error: 'a rule that denies needs a reason: the model and the user are told it',
    path: ['reason'],
  })

export const policyFileSchema = z.strictObject({ rules: z.array(rule).max(10_000) })

export interface Rule {
  readonly allow: boolean
  readonly reason: string
  matches(input: PolicyInput): boolean
}

export function compileRules(file: z.infer<typeof policyFileSchema>): Rule[] {
  return file.rules.map(({ effect, tenant, persona, tool, action = 'tool.execute', resource, reason }, index) => {
    const isTenant = matcher(tenant)
    const isPersona = matcher(persona)
    const isResource = matcher(tool ?? resource ?? ['*'])
    return {
      allow: effect === 'allow',
      reason: reason ?? `Rule ${index + 1} allows it.`,
      matches: (input) =>
        input.action === action && isResource(input.resource) && isTenant(input.tenant) && isPersona(input.persona_id),
    }
  })
}

function matcher(globs: readonly string[]): (text: string) => boolean {
  return (text) => globs.some((glob) => matchesGlob(glob, text))
}
