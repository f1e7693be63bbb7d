import { Failure } from '../../actors/kernel/failure.ts'
import type { ModelChunk } from './client.ts'

type Fields = Readonly<Record<string, unknown>>
type CallPart = Extract<ModelChunk, { kind: 'tool-call' }>

interface OpenCall {
  readonly index: number
  readonly wireIndex: number | undefined
  readonly id: string | undefined
  named: boolean
  text: string
}

const MAX_CALLS = 128

/**
 * Says which call a part of a streamed tool call belongs to. OpenAI sends an index with every part and the id and name
 * in the first. Others send whole calls with no index, all with index 0, the id and name again in each part, a fresh id
 * in each part, the same id for every call, or none. The rule:
 *   1. A part without a name never begins a call while one is open: its index tells which it continues, else its id,
 *      else it is the last.
 *   2. A part with a name continues the call at its index, unless its id is another or that call's arguments are
 *      already whole; without an index a name always begins a call.
 *   3. An id that an earlier call of this answer has is no id: the session draws its own.
 */
export class ToolCallSorter {
  readonly #calls: OpenCall[] = []

  get count(): number {
    return this.#calls.length
  }

  sort(part: Fields): CallPart | undefined {
    const fn = typeof part.function === 'object' && part.function !== null ? (part.function as Fields) : {}
    const id = typeof part.id === 'string' && part.id !== '' ? part.id : undefined
    const name = typeof fn.name === 'string' && fn.name !== '' ? fn.name : undefined
    const wireIndex = typeof part.index === 'number' ? part.index : undefined
    const argumentsDelta = argumentsOf(fn.arguments)

    const open =
      name === undefined ? this.#continued(wireIndex, id) : this.#continuedByName(wireIndex, id, argumentsDelta)
    if (!open && name === undefined && argumentsDelta === '') return undefined
    const call = open ?? this.#begin(wireIndex, id)
    const names = name !== undefined && !call.named
    if (names) call.named = true
    call.text += argumentsDelta
    return {
      kind: 'tool-call',
      index: call.index,
      ...(open === undefined && call.id !== undefined && { id: call.id }),
      ...(names && { name }),
      argumentsDelta,
    }
  }

  #continued(wireIndex: number | undefined, id: string | undefined): OpenCall | undefined {
    if (wireIndex !== undefined) return this.#at(wireIndex)
    return (id !== undefined && this.#calls.findLast((call) => call.id === id)) || this.#calls.at(-1)
  }

  #continuedByName(wireIndex: number | undefined, id: string | undefined, delta: string): OpenCall | undefined {
    if (wireIndex === undefined) return undefined
    const open = this.#at(wireIndex)
    if (!open?.named) return open
    const isOther = (id !== undefined && id !== open.id) || (delta !== '' && isWhole(open.text))
    return isOther ? undefined : open
  }

  #at(wireIndex: number): OpenCall | undefined {
    return this.#calls.findLast((call) => call.wireIndex === wireIndex)
  }

  #begin(wireIndex: number | undefined, id: string | undefined): OpenCall {
    if (this.#calls.length === MAX_CALLS) {
      throw new Failure('MODEL_GARBLED', `the model asked for more than ${MAX_CALLS} tool calls in one answer`)
    }
    const isTaken = this.#calls.some((call) => call.id === id)
    const call: OpenCall = {
      index: this.#calls.length,
      wireIndex,
      id: isTaken ? undefined : id,
      named: false,
      text: '',
    }
    this.#calls.push(call)
    return call
  }
}

function isWhole(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object'
  } catch {
    return false
  }
}

/** Some servers send the arguments parsed. */
function argumentsOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined || value === null ? '' : JSON.stringify(value)
}
