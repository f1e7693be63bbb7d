import { z } from 'zod'
import type { PolicyInput } from '../../actors/kernel/policy.ts'

const actions = [
  'tool.execute',
  'memory.write',
  'conversation.send',
] as const satisfies readonly PolicyInput['action'][]

/** One pattern or several; `*` stands for any run of characters, `?` for one. */
const patterns = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)], 'must be a pattern or a list of patterns')
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

/**
 * The whole glob language is `*` and `?`. A library's would bring braces, classes and the rule that `*` skips names with
 * a leading dot, and in a deny rule each of those is a hole.
 */
function matcher(globs: readonly string[]): (text: string) => boolean {
  const sources = globs.map((glob) =>
    glob
      .replace(/\*+/g, '*')
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/\*/g, '.*')
      .replace(/\?/g, '.'),
  )
  const pattern = new RegExp(`^(?:${sources.join('|')})$`, 'su')
  return (text) => pattern.test(text)
}
