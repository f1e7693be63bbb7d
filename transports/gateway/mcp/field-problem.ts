import type { z } from 'zod'
import { closest } from '../../../actors/kernel/did-you-mean.ts'

type Issue = z.core.$ZodIssue

/** The others are found when these are mended. */
const SHOWN = 3

/**
 * What is wrong with a value, as one sentence for the person or the model that wrote it: each field by name, with what is
 * expected there. The check must have run with `reportInput`. `names` are those that an unknown field may have meant.
 */
export function sentenceOf(issues: readonly Issue[], names: readonly string[] = []): string {
  const shown = issues.slice(0, SHOWN).map((issue) => problemOf(issue, names))
  const more = issues.length > SHOWN ? ` (and ${issues.length - SHOWN} more)` : ''
  return `${shown.join('; ')}${more}.`
}

function problemOf(issue: Issue, names: readonly string[]): string {
  const field = issue.path.length === 0 ? 'it' : `\`${issue.path.map(String).join('.')}\``
  switch (issue.code) {
    case 'invalid_type':
      return mustBe(field, kind(issue.expected), issue.input)
    case 'invalid_union': {
      const kinds = issue.errors.flat().flatMap((one) => (one.code === 'invalid_type' ? [kind(one.expected)] : []))
      return mustBe(field, [...new Set(kinds)].join(' or ') || 'something else', issue.input)
    }
    case 'invalid_value':
      return mustBe(field, oneOf(issue.values.map((value) => JSON.stringify(value))), issue.input)
    case 'too_small':
      return `${field} must ${amount(issue.origin, 'at least', issue.minimum)}`
    case 'too_big':
      return `${field} must ${amount(issue.origin, 'at most', issue.maximum)}`
    case 'unrecognized_keys': {
      const key = issue.keys[0] as string
      const near = closest(key, names)
      return `\`${key.slice(0, 100)}\` is not known (${near ? `did you mean \`${near}\`?` : `known are ${listed(names)}`})`
    }
    default:
      return `${field} is not right: ${issue.message}`
  }
}

function mustBe(field: string, what: string, given: unknown): string {
  return given === undefined
    ? `${field} is missing; it must be ${what}`
    : `${field} must be ${what}, not ${shownAs(given)}`
}

const words: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'an integer',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

function kind(expected: string): string {
  return Object.hasOwn(words, expected) ? (words[expected] as string) : expected
}

function shownAs(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  const text = JSON.stringify(value)
  return text.length > 50 ? kind(typeof value) : text
}

function amount(origin: string, bound: string, size: number | bigint): string {
  if (origin === 'string') return `have ${bound} ${size} ${size === 1 ? 'character' : 'characters'}`
  if (origin === 'array') return `have ${bound} ${size} ${size === 1 ? 'entry' : 'entries'}`
  return `be ${bound} ${size}`
}

function oneOf(values: readonly string[]): string {
  return values.length === 1 ? (values[0] as string) : `one of ${values.join(', ')}`
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `\`${name}\``).join(', ')
}
