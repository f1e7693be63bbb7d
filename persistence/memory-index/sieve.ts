import { countBits, hasBit, type OrdinalSet, ordinalsOf } from './ordinal-set.ts'

/** Of all ordinals, how many are looked at to estimate how many are young enough. */
const SAMPLED = 1_024

/** What is asked of an entry besides the values it has. */
export interface Standing {
  /** The ordinal after the last. */
  readonly end: number
  /** How many entries are there. */
  readonly size: number
  /** There, not over its time and, where that is asked, young enough. */
  isCurrent(ordinal: number): boolean
  /** Of `among`, or of all: those that are, ascending. */
  current(among?: Uint32Array): Uint32Array
  readonly isAgeAsked: boolean
}

/** What a query's filters leave. */
export class Sieve {
  /** An upper bound of how many pass: those that have the values asked for. */
  readonly atMost: number
  readonly #standing: Standing
  /** Those that have all values asked for; undefined when none is asked for. */
  readonly #bits: Uint32Array<ArrayBuffer> | undefined
  #all: Uint32Array | undefined

  /** `sets` are of the values asked for: what passes is in each. */
  constructor(standing: Standing, sets: readonly OrdinalSet[]) {
    this.#standing = standing
    const [first, ...others] = [...sets].sort((a, b) => a.size - b.size)
    this.#bits = first?.bits(standing.end)
    for (const set of others) set.intersect(this.#bits as Uint32Array)
    this.atMost = this.#bits === undefined ? standing.size : Math.min(countBits(this.#bits), standing.size)
  }

  passes(ordinal: number): boolean {
    return (this.#bits === undefined || hasBit(this.#bits, ordinal)) && this.#standing.isCurrent(ordinal)
  }

  /** About what part of all entries passes. Only age is estimated. */
  get share(): number {
    const { end, size, isAgeAsked } = this.#standing
    if (size === 0) return 0
    const share = this.atMost / size
    if (!isAgeAsked) return share
    const step = Math.max(1, end / SAMPLED)
    let current = 0
    let looked = 0
    for (let at = 0; at < end; at += step, looked++) if (this.#standing.isCurrent(Math.floor(at))) current++
    // Dead ordinals are among those looked at, and not among the entries.
    return share * Math.min(1, ((current / looked) * end) / size)
  }

  /** All that pass, ascending. */
  get all(): Uint32Array {
    this.#all ??= this.#standing.current(this.#bits && ordinalsOf(this.#bits))
    return this.#all
  }
}
