import { setImmediate } from 'node:timers/promises'
import { Agent } from 'undici'
import type { Clock } from '../../actors/kernel/clock.ts'
import type { Failure } from '../../actors/kernel/failure.ts'
import { type Logger, silentLogger } from '../../actors/kernel/telemetry.ts'
import { systemClock } from '../../infra/clock.ts'
import type { ModelChunk, ModelClient, ModelRequest, ModelTool } from '../../transports/model/client.ts'
import { endpointOf } from '../../transports/model/endpoint.ts'
import { type CallLimits, OpenAiCompatible } from '../../transports/model/openai-compatible.ts'
import { countedIds } from './probe.ts'

export const signal = new AbortController().signal

export function askFor(text: string, over: Partial<ModelRequest> = {}): ModelRequest {
  return {
    model: 'model-a',
    messages: [{ role: 'user', content: text }],
    tools: [],
    deadline: Number.MAX_SAFE_INTEGER,
    ...over,
  }
}

export function tool(name: string, ...required: string[]): ModelTool {
  const properties = Object.fromEntries(required.map((key) => [key, { type: 'string' }]))
  return { name, description: `the ${name} tool`, parameters: { type: 'object', properties, required } }
}

export interface HeardAnswer {
  readonly text: string
  readonly calls: readonly { readonly id: string | undefined; readonly name: string; readonly arguments: string }[]
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number } | undefined
  readonly finish: string | undefined
  readonly kinds: readonly string[]
}

/** Reads an answer to its end, as a session would. */
export async function hear(chunks: AsyncIterable<ModelChunk> | Iterable<ModelChunk>): Promise<HeardAnswer> {
  const calls: { id: string | undefined; name: string; arguments: string }[] = []
  const kinds: string[] = []
  let text = ''
  let usage: HeardAnswer['usage']
  let finish: string | undefined
  for await (const chunk of chunks) {
    kinds.push(chunk.kind)
    if (chunk.kind === 'text') text += chunk.delta
    else if (chunk.kind === 'usage')
      usage = { promptTokens: chunk.promptTokens, completionTokens: chunk.completionTokens }
    else if (chunk.kind === 'finish') finish = chunk.reason
    else {
      calls[chunk.index] ??= { id: undefined, name: '', arguments: '' }
      const call = calls[chunk.index] as (typeof calls)[number]
      call.id ??= chunk.id
      call.name += chunk.name ?? ''
      call.arguments += chunk.argumentsDelta
    }
  }
  return { text, calls, usage, finish, kinds }
}

/** The failure an answer ends in. */
export async function failureOf(answer: Promise<unknown>): Promise<Failure> {
  try {
    await answer
  } catch (error) {
    return error as Failure
  }
  throw new Error('it did not fail')
}

/** Waits for what sockets bring. Bounded by wall time, because a busy machine may turn the loop thousands of times first. */
export async function eventually(condition: () => unknown): Promise<void> {
  const end = performance.now() + 5_000
  while (!condition()) {
    if (performance.now() > end) throw new Error(`never came true: ${condition}`)
    await setImmediate()
  }
}

export interface CallRig {
  readonly client: ModelClient
  close(): Promise<void>
}

/** A client at a base URL, without logs, with jitter 0. */
export function clientAt(
  baseUrl: string,
  over: { clock?: Clock; apiKey?: string; log?: Logger; limits?: Partial<CallLimits> } = {},
): CallRig {
  const dispatcher = new Agent()
  const { clock = systemClock, log = silentLogger } = over
  const endpoint = endpointOf({ baseUrl, apiKey: over.apiKey })
  return {
    client: new OpenAiCompatible(endpoint, { clock, ids: countedIds(), log, dispatcher }, over.limits),
    close: () => dispatcher.destroy(),
  }
}
