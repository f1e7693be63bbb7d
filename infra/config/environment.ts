import { closest } from '../../actors/kernel/did-you-mean.ts'
import { ofTheOldStack, variableNames, variables } from './config-variables.ts'

/** The raw environment: what is given, what is secret in it, and what looks like ours and is not. */
export type Environment = Readonly<Record<string, string | undefined>>

export const masked = '********'

/** An empty variable is an unset one: compose files and CI systems cannot leave one out. */
export function given(env: Environment, name: string): string | undefined {
  const raw = env[name]?.trim()
  return raw === '' ? undefined : raw
}

/** For `soma doctor`: every variable as it stands, secrets masked. */
export function explain(env: Environment): { name: string; value: string; set: boolean; meaning: string }[] {
  return variableNames.map((name) => {
    const { meaning, shownDefault, secret } = variables[name]
    const raw = given(env, name)
    return { name, set: raw !== undefined, meaning, value: raw === undefined ? shownDefault : secret ? masked : raw }
  })
}

/** Of an address only the password is secret: its host is what a person needs to see in the log. */
export function secretsIn(env: Environment): string[] {
  return variableNames
    .filter((name) => variables[name].secret)
    .flatMap((name) => {
      const raw = given(env, name)
      if (raw === undefined) return []
      if (name === 'SOMA_JOURNALS')
        return raw.split(',').flatMap((entry) => passwordsIn(entry.replace(/^[^=]*=/, '').trim()))
      return passwordsIn(raw)
    })
}

/** Of what is no address, all of it. */
function passwordsIn(raw: string): string[] {
  if (!URL.canParse(raw)) return [raw]
  const { password } = new URL(raw)
  return password ? [password, decodeURIComponent(password)] : []
}

export function unknownNames(env: Environment): string[] {
  const warnings: string[] = []
  for (const name of Object.keys(env).sort()) {
    if (!/^(SOMA|GATEWAY)_/.test(name) || name in variables || /^SOMA_(TEST|STACK)_/.test(name)) continue
    if (ofTheOldStack.has(name)) warnings.push(`${name} belongs to SomaAgent01 and has no effect here`)
    else {
      const near = closest(name, variableNames)
      warnings.push(`${name} is not a variable of SomaAgent${near ? `; did you mean ${near}?` : ''}`)
    }
  }
  return warnings
}
