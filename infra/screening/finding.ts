import type { QuarantineRule } from './quarantine-rules.ts'

/** What a file could be quarantined for, and why: the reason begins with what it is, "it is a program". */
export type Finding = readonly [QuarantineRule, string]

/** Of something inside the file. */
export function within(name: string, [rule, why]: Finding): Finding {
  return [rule, `${shown(name)} in it: ${why}`]
}

const SHOWN = 120

/** A name out of an archive, as a reason may tell it: it was chosen by who sent the file. */
export function shown(name: string): string {
  const plain = name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
  return plain.length <= SHOWN ? plain : `${plain.slice(0, SHOWN)}…`
}
