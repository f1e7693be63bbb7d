import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../actors/kernel/clock.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import { type Persona, type Personas, personaSchema } from '../../actors/persona.ts'
import { parseYaml } from '../yaml-file.ts'

export interface PersonaFilesOptions {
  /** Later folders override earlier ones by id: the shipped folder first, then SOMA_PERSONAS_DIR. */
  readonly directories: readonly string[]
  readonly defaultId?: string
  readonly clock: Clock
  readonly log: Logger
}

/** A watcher would keep the process alive and miss changes on network folders; one look a second is enough. */
const LOOK_EVERY_MS = 1_000

/**
 * Personas from YAML files.
 *   P1. At start, a file that is not a persona is CONFIG_INVALID with file, field and remedy.
 *   P2. Later, a bad change is logged and the personas stay as they were, all of them: sessions in the middle of a turn
 *       must not lose their persona to a half-saved file. The first good reading after it counts.
 */
export class PersonaFiles implements Personas {
  readonly defaultId: string
  readonly #options: PersonaFilesOptions
  #byId: ReadonlyMap<string, Persona>
  #state: string
  #lookedAt: number

  constructor(options: PersonaFilesOptions) {
    this.#options = options
    this.defaultId = options.defaultId ?? 'soma'
    this.#lookedAt = options.clock.now()
    this.#state = stateOf(options.directories)
    this.#byId = this.#read()
  }

  get(id: string): Persona | undefined {
    this.#look()
    return this.#byId.get(id)
  }

  list(): readonly Persona[] {
    this.#look()
    return [...this.#byId.values()]
  }

  #look(): void {
    const now = this.#options.clock.now()
    if (now - this.#lookedAt < LOOK_EVERY_MS) return
    this.#lookedAt = now
    try {
      const state = stateOf(this.#options.directories)
      if (state === this.#state) return
      // Remembered before reading: a bad file is complained of once, not every second.
      this.#state = state
      this.#byId = this.#read()
      this.#options.log.info({ personas: [...this.#byId.keys()] }, 'personas changed')
    } catch (error) {
      const detail = error instanceof Failure ? error.detail : String(error)
      this.#options.log.error({ detail }, 'personas could not be read again; the former ones stay in use') // P2
    }
  }

  #read(): Map<string, Persona> {
    const byId = new Map<string, Persona>()
    for (const directory of this.#options.directories) {
      for (const [id, persona] of readDirectory(directory)) byId.set(id, persona)
    }
    if (byId.has(this.defaultId)) return byId
    const where = this.#options.directories.join(', ')
    throw new Failure('CONFIG_INVALID', `no persona has the id of the default, "${this.defaultId}"; looked in ${where}`)
  }
}

function readDirectory(directory: string): Map<string, Persona> {
  const found = new Map<string, { persona: Persona; path: string }>()
  for (const path of filesOf(directory)) {
    const persona = parseYaml(readFileSync(path, 'utf8'), path, personaSchema) // P1
    const other = found.get(persona.id)
    if (other) {
      throw new Failure('CONFIG_INVALID', `${path}: id: "${persona.id}" is taken by ${other.path}; choose another`)
    }
    found.set(persona.id, { persona, path })
  }
  return new Map([...found].map(([id, { persona }]) => [id, persona]))
}

function filesOf(directory: string): string[] {
  try {
    const names = readdirSync(directory).filter((name) => /^[^.].*\.ya?ml$/.test(name))
    return names.sort().map((name) => join(directory, name))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Failure('CONFIG_INVALID', `the personas folder cannot be read (SOMA_PERSONAS_DIR): ${why}`)
  }
}

/** Equal while nothing changed. */
function stateOf(directories: readonly string[]): string {
  const files = directories.flatMap(filesOf).map((path) => {
    const { mtimeMs, ctimeMs, size } = statSync(path)
    return `${path} ${mtimeMs} ${ctimeMs} ${size}`
  })
  return files.join('\n')
}
