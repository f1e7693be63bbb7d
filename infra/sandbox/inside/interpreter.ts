import type { Ended } from '../frames.ts'

export interface Job {
  readonly code: string
  readonly stdin: string
  readonly timeoutMs: number
}

/** Where a program's output goes, while it runs. */
export interface Output {
  stdout(bytes: Uint8Array): void
  stderr(bytes: Uint8Array): void
}

/** A loaded interpreter: it runs one program, to its end, and is never used again. */
export type Interpreter = (job: Job, output: Output) => Ended

/** Text of a program that goes into one frame: escaped as JSON it grows sixfold at worst. */
export const MAX_TOLD = 8_200

const encoder = new TextEncoder()

export function sayOn(write: (bytes: Uint8Array) => void, text: string): void {
  write(encoder.encode(text))
}
