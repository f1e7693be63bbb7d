import { Failure } from '../../actors/kernel/failure.ts'
import { isNestedDeeper } from '../json-depth.ts'

/** A body as JSON. */
export function parseJson(text: string, maxDepth: number): unknown {
  if (text.trim() === '') return undefined
  if (isNestedDeeper(text, maxDepth)) {
    throw new Failure('INVALID_REQUEST', `The body is nested deeper than ${maxDepth}.`)
  }
  try {
    return JSON.parse(text, dropPrototypeKeys(text))
  } catch (error) {
    throw new Failure('MALFORMED_JSON', (error as Error).message, { cause: error })
  }
}

/** A reviver slows parsing threefold, so it is given only to a text that may name what it removes. */
function dropPrototypeKeys(text: string): ((key: string, value: unknown) => unknown) | undefined {
  if (!['__proto__', '\\u005f', '\\u005F'].some((name) => text.includes(name))) return undefined
  return (key, value) => (key === '__proto__' ? undefined : value)
}
