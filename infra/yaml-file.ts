import { parseDocument } from 'yaml'
import type { z } from 'zod'
import { Failure } from '../actors/kernel/failure.ts'

/** The text of a YAML file as what its schema says, or CONFIG_INVALID with file, field and what is wrong there. */
export function parseYaml<Schema extends z.ZodType>(text: string, path: string, schema: Schema): z.infer<Schema> {
  const document = parseDocument(text)
  const [broken] = document.errors
  if (broken) throw new Failure('CONFIG_INVALID', `${path} is not YAML: ${broken.message}`)
  const parsed = schema.safeParse(document.toJS({ maxAliasCount: 100 }))
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => {
    const field = issue.path.map(String).join('.')
    return field === '' ? issue.message : `${field}: ${issue.message}`
  })
  throw new Failure('CONFIG_INVALID', `${path}: ${problems.join('; ')}`)
}
