/** What the text of a user offers for the arguments of a tool. */
export interface Hints {
  readonly text: string
  readonly url: string | undefined
  /** Id of a file that came with it. */
  readonly attachment?: string | undefined
}

type Schema = Readonly<Record<string, unknown>>

/** Arguments that fit a tool's JSON Schema well enough to show the tool at work; optional fields are left out. */
export function exampleArguments(parameters: Schema, hints: Hints): string {
  return JSON.stringify(exampleObject(parameters, hints))
}

function exampleObject(schema: Schema, hints: Hints): Record<string, unknown> {
  const properties = (schema.properties ?? {}) as Readonly<Record<string, Schema>>
  const required = Array.isArray(schema.required) ? (schema.required as string[]) : []
  return Object.fromEntries(required.map((name) => [name, exampleValue(name, properties[name] ?? {}, hints)]))
}

function exampleValue(name: string, schema: Schema, hints: Hints): unknown {
  if (schema.default !== undefined) return schema.default
  if (schema.const !== undefined) return schema.const
  if (Array.isArray(schema.enum)) return schema.enum[0]
  switch (schema.type) {
    case 'integer':
    case 'number':
      return typeof schema.minimum === 'number' ? schema.minimum : 1
    case 'boolean':
      return true
    case 'array':
      return []
    case 'object':
      return exampleObject(schema, hints)
    default:
      if (name === 'attachment_id' && hints.attachment !== undefined) return hints.attachment
      return /ur[li]/i.test(name) || schema.format === 'uri' ? (hints.url ?? 'https://example.com/') : hints.text
  }
}
