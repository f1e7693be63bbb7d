import { z } from 'zod'
import { personaSchema } from '../actors/persona.ts'

interface Field {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly string[]
  readonly properties?: Readonly<Record<string, Field>>
  readonly required?: readonly string[]
}

/** Every field of a persona file, as its schema describes it. */
export function personaTable(): string {
  const schema = z.toJSONSchema(personaSchema, { io: 'input' }) as Field
  return ['| field | takes | default | meaning |', '|---|---|---|---|', ...rowsOf(schema, '')].join('\n')
}

function rowsOf({ properties = {}, required = [] }: Field, prefix: string): string[] {
  return Object.entries(properties).flatMap(([name, field]) => {
    if (field.properties) return rowsOf(field, `${prefix}${name}.`)
    const takes = field.enum ? `one of ${field.enum.join(', ')}` : (field.type ?? '')
    const standard = field.default === undefined ? '' : `\`${JSON.stringify(field.default)}\``
    const whenLeftOut = required.includes(name) ? 'needed' : standard
    return [`| \`${prefix}${name}\` | ${takes} | ${whenLeftOut} | ${field.description ?? ''} |`]
  })
}
