import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { Failure } from '../actors/kernel/failure.ts'
import { parseYaml } from './yaml-file.ts'

/**
 * Tokens a tenant's persona may use per UTC day; 0 is no limit. The first of these that says anything decides:
 *   1. the tenant's entry in TENANT_CONFIG_PATH: budgets.<persona>, else its budgets.default
 *   2. the file's `default` entry, likewise
 *   3. BUDGET_LIMIT_<TENANT>_<PERSONA>   4. BUDGET_LIMIT_<TENANT>   5. BUDGET_LIMIT_TOKENS
 * In 3 and 4 a name is written in capitals with `_` for everything that is neither letter nor digit.
 */
export interface Tenants {
  dailyTokenLimit(tenant: string, persona: string): number
}

/** Other keys of the old stack's file (routing, fail_open) belong to other readers. */
const fileSchema = z.record(
  z.string(),
  z.looseObject({
    budgets: z
      .record(z.string(), z.int('must be a whole number of tokens').min(0, 'must be 0 (no limit) or more'))
      .optional(),
  }),
)

export function loadTenants(env: Readonly<Record<string, string | undefined>>): Tenants {
  const path = env.TENANT_CONFIG_PATH
  const file = path ? readTenants(path) : {}
  const limits = new Map<string, number>()
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('BUDGET_LIMIT_') || value === undefined || value.trim() === '') continue
    if (!/^\d{1,15}$/.test(value.trim())) {
      throw new Failure(
        'CONFIG_INVALID',
        `${name} is "${value}"; set it to a whole number of tokens per day, 0 for no limit`,
      )
    }
    limits.set(name, Number(value))
  }
  const budget = (entry: string, persona: string) => {
    const budgets = Object.hasOwn(file, entry) ? file[entry]?.budgets : undefined
    return ownValue(budgets, persona) ?? ownValue(budgets, 'default')
  }
  return {
    dailyTokenLimit: (tenant, persona) =>
      budget(tenant, persona) ??
      budget('default', persona) ??
      limits.get(`BUDGET_LIMIT_${constant(tenant)}_${constant(persona)}`) ??
      limits.get(`BUDGET_LIMIT_${constant(tenant)}`) ??
      limits.get('BUDGET_LIMIT_TOKENS') ??
      0,
  }
}

function readTenants(path: string): z.infer<typeof fileSchema> {
  try {
    return parseYaml(readFileSync(path, 'utf8'), path, fileSchema.nullable()) ?? {}
  } catch (error) {
    if (error instanceof Failure) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw new Failure('CONFIG_INVALID', `TENANT_CONFIG_PATH cannot be read: ${why}`)
  }
}

function ownValue(budgets: Readonly<Record<string, number>> | undefined, key: string): number | undefined {
  return budgets && Object.hasOwn(budgets, key) ? budgets[key] : undefined
}

function constant(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]/g, '_')
}
