import type { Ajv } from 'ajv'
import { z } from 'zod'

/** Makes checks of arguments out of the JSON Schemas that servers give. */
export type ArgumentChecks = (schema: Readonly<Record<string, unknown>>) => z.ZodType

const OLD_DIALECT = /draft-0[3-7]/

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
  const validate = ajv.compile(schema)
  return z.record(z.string(), z.unknown()).superRefine((args, context) => {
    if (validate(args)) return
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
