import type { Ajv } from 'ajv'
import { z } from 'zod'
import { withinMs } from './time-limit.ts'

/** Makes checks of arguments out of the JSON Schemas that servers give. */
export type ArgumentChecks = (schema: Readonly<Record<string, unknown>>) => z.ZodType

const OLD_DIALECT = /draft-0[3-7]/

/**
 * A few lines of `$ref` to two `$ref`s, forty deep, ask for 2^40 comparisons, and nothing else of the process runs
 * meanwhile. Measured in milliseconds otherwise; a whole second, as a busy machine must not refuse what is right.
 */
const CHECK_MS = 1_000
const COMPILE_MS = 2_000

/**
 * Ajv and not zod's fromJSONSchema, which throws for what it does not know: servers use every corner of the language.
 * A schema comes from outside, so nothing in it is run that could hang us: `pattern` is left to the server, because a
 * regular expression can take for ever, and so is `format`. Loaded by the first server there is.
 */
export async function argumentChecks(): Promise<ArgumentChecks> {
  const [{ Ajv }, { Ajv2020 }] = await Promise.all([import('ajv'), import('ajv/dist/2020.js')])
  const options = {
    strict: false,
    validateSchema: false,
    validateFormats: false,
    allErrors: false,
    addUsedSchema: false,
    logger: false as const,
    // A parameter may be called `constructor`, which every object has.
    ownProperties: true,
    code: { regExp: Object.assign(() => ({ test: () => true }), { code: 'undefined' }) },
  }
  return (schema) => {
    // One instance for each: an `$id` that two servers share must not be one schema.
    const old = typeof schema.$schema === 'string' && OLD_DIALECT.test(schema.$schema)
    return checkedBy(old ? new Ajv(options) : new Ajv2020(options), schema)
  }
}

/** Throws what Ajv throws when the schema is none. */
function checkedBy(ajv: Ajv, schema: Readonly<Record<string, unknown>>): z.ZodType {
  const validate = withinMs(COMPILE_MS, () => ajv.compile(schema))
  return z.record(z.string(), z.unknown()).superRefine((args, context) => {
    try {
      if (withinMs(CHECK_MS, () => validate(args))) return
    } catch (error) {
      // Its time was over, or it recurs without end.
      const why = error instanceof Error ? error.message : String(error)
      context.addIssue({ code: 'custom', path: [], message: `cannot be checked by the schema of the server: ${why}` })
      return
    }
    for (const { instancePath, message = 'is not right', params } of validate.errors ?? []) {
      const path = instancePath.split('/').slice(1)
      context.addIssue({ code: 'custom', path, message: `${message}${allowedOf(params)}` })
    }
  })
}

function allowedOf(params: Record<string, unknown>): string {
  if (Array.isArray(params.allowedValues)) return `: ${params.allowedValues.map(String).join(', ').slice(0, 300)}`
  return typeof params.additionalProperty === 'string' ? `: "${params.additionalProperty}"` : ''
}
