import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import type { Ids } from '../../actors/kernel/clock.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import type { Policy, PolicyDecision, PolicyInput } from '../../actors/kernel/policy.ts'
import { compileRules, policyFileSchema, type Rule } from './rules.ts'

/**
 * Allow and deny rules in a YAML file (SOMA_POLICY_FILE; default.yaml is shipped).
 *   F1. The first rule that matches decides; when none does, the answer is no (I10).
 *   F2. Every decision is made by the file as it is now. It is read each time, because the times in a directory entry
 *       are too coarse to show two edits in one tick; it is parsed only when its text is another.
 *   F3. A file that cannot be read or understood is POLICY_UNAVAILABLE until it is mended. Its last good rules are not
 *       used: whoever broke it may have been about to deny something.
 */
export class FilePolicy implements Policy {
  readonly #path: string
  readonly #ids: Ids
  #text: string | undefined
  #rules: readonly Rule[] | Failure = []

  constructor(path: string, ids: Ids) {
    this.#path = path
    this.#ids = ids
  }

  /** For the start and for `soma doctor`: CONFIG_INVALID when the file is not usable. */
  async check(): Promise<void> {
    try {
      await this.#current()
    } catch (error) {
      const detail = error instanceof Failure ? error.detail : String(error)
      throw new Failure('CONFIG_INVALID', `SOMA_POLICY_FILE: ${detail}`, { cause: error })
    }
  }

  async decide(input: PolicyInput, signal: AbortSignal): Promise<PolicyDecision> {
    signal.throwIfAborted()
    const rules = await this.#current()
    const index = rules.findIndex((rule) => rule.matches(input))
    const rule = rules[index]
    const file = basename(this.#path)
    const id = this.#ids.uuid()
    if (rule) return { id, allow: rule.allow, reason: rule.reason, policy: `${file}#rules.${index}` }
    const reason = `No rule of ${file} allows ${input.action} on ${input.resource}.`
    return { id, allow: false, reason, policy: `${file}#no-match` } // F1
  }

  async #current(): Promise<readonly Rule[]> {
    const text = await readFile(this.#path, 'utf8').catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error)
      throw new Failure('POLICY_UNAVAILABLE', `the policy file cannot be read: ${why}`, { cause: error })
    })
    if (text !== this.#text) {
      this.#text = text
      this.#rules = parseRules(text, this.#path)
    }
    if (this.#rules instanceof Failure) throw this.#rules // F3
    return this.#rules
  }
}

function parseRules(text: string, path: string): readonly Rule[] | Failure {
  const unusable = (why: string) => new Failure('POLICY_UNAVAILABLE', `the policy file ${path} is not usable: ${why}`)
  const document = parseDocument(text)
  const [broken] = document.errors
  if (broken) return unusable(broken.message)
  const parsed = policyFileSchema.safeParse(document.toJS({ maxAliasCount: 100 }))
  return parsed.success ? compileRules(parsed.data) : unusable(z.prettifyError(parsed.error))
}
