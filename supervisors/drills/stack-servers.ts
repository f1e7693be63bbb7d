import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'

/** The servers of a stack (`node infra/stack.mjs`), which a drill may stop and start one by one. */
export class StackServers {
  readonly #program: string
  readonly #folder: string
  readonly #servers: readonly { readonly name: string }[]

  private constructor(program: string, folder: string) {
    this.#program = program
    this.#folder = folder
    this.#servers = (JSON.parse(readFileSync(`${folder}/stack.json`, 'utf8')) as Stack).servers
  }

  /** Undefined when no stack is kept in that folder. */
  static find(program: string, folder: string): StackServers | undefined {
    try {
      return new StackServers(program, folder)
    } catch {
      return undefined
    }
  }

  /** kafka-1, kafka-2, kafka-3, postgres, redis… */
  get names(): readonly string[] {
    return this.#servers.map(({ name }) => name)
  }

  get brokers(): readonly string[] {
    return this.names.filter((name) => name.startsWith('kafka'))
  }

  do(verb: 'stop' | 'start' | 'restart' | 'kill', name: string): Promise<unknown> {
    const args = [this.#program, verb, name, '--data', this.#folder]
    return promisify(execFile)(process.execPath, args).catch((error: Error & { stderr?: string }) => {
      // Its first line; the rest is the server's own log, which is where it says it is.
      throw new Error(`stack ${verb} ${name}: ${(error.stderr?.trim() || error.message).split('\n')[0]}`)
    })
  }
}

interface Stack {
  readonly servers: readonly { readonly name: string }[]
}
