/** What went wrong in words that name the remedy; printed without a stack. */
export class Refusal extends Error {
  constructor(message, { exitCode = 1 } = {}) {
    super(message)
    this.exitCode = exitCode
  }
}

/** A mistake on the command line. */
export const misused = (message) =>
  new Refusal(`${message}\n  \`node infra/stack.mjs --help\` shows what there is.`, { exitCode: 2 })

/** Said on stderr: stdout belongs to what is asked for (`env`, `status --json`, the wrapped command). */
export const say = (text) => process.stderr.write(`stack: ${text}\n`)
