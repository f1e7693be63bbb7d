import type { Clock } from '../../actors/kernel/clock.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import { pause } from '../../actors/kernel/pause.ts'
import { callTokens, estimatePrompt, estimateTokens } from '../../actors/kernel/tokens.ts'
import { modelBackoff, waitBefore } from './backoff.ts'
import type { ModelChunk, ModelClient, ModelRequest } from './client.ts'
import { type RehearsalStep, say, streamed } from './rehearsal-acts.ts'
import { demoStep } from './rehearsal-demo.ts'
import { lastUserText } from './rehearsal-history.ts'
import { rubbishCall, scriptStep } from './rehearsal-script.ts'

type Play = (request: ModelRequest) => RehearsalStep

/**
 * Models without a network. Each is a pure function from the request to the acts of one answer; all memory is in the
 * history that the request carries, so a rehearsal goes on after a crash like any model.
 */
const plays: Readonly<Record<string, Play>> = {
  'rehearsal/demo': demoStep,
  'rehearsal/echo': (request) => [say(lastUserText(request.messages))],
  'rehearsal/script': scriptStep,
  /** Ten seconds of streaming: long enough to stop, pause, intervene and kill. */
  'rehearsal/slow': (request) => [streamed(101, 100, slowText(request))],
  'rehearsal/hang': () => [{ kind: 'hang' }],
  'rehearsal/fail': () => [{ kind: 'fail', status: 503 }],
  'rehearsal/rubbish': (request) => [{ kind: 'calls', calls: [rubbishCall(request.tools)] }],
}

export const rehearsalNames: readonly string[] = Object.keys(plays)

export function isRehearsal(name: string): boolean {
  return Object.hasOwn(plays, name)
}

export function createRehearsal({ clock }: { readonly clock: Clock }): ModelClient {
  return {
    async *stream(request, signal): AsyncGenerator<ModelChunk, void, void> {
      signal.throwIfAborted()
      const play = Object.hasOwn(plays, request.model) ? plays[request.model] : undefined
      if (!play)
        throw new Failure('MODEL_NOT_FOUND', `there is no ${request.model}; there are ${rehearsalNames.join(', ')}`)
      let completionTokens = 0
      let calls = 0
      for (const act of play(request)) {
        switch (act.kind) {
          case 'text':
            completionTokens += estimateTokens(act.pieces.join(''))
            yield* inPieces(clock, act, signal)
            break
          case 'calls':
            for (const call of act.calls) {
              completionTokens += callTokens(call.name, call.arguments)
              yield { kind: 'tool-call', index: calls++, name: call.name, argumentsDelta: call.arguments }
            }
            break
          case 'wait':
            await pause(clock, act.ms, signal)
            break
          case 'hang':
            await untilAborted(signal)
            break
          case 'fail':
            await failing(clock, act.status, act.times, signal)
            break
          case 'garble':
            throw new Failure('MODEL_GARBLED', 'the rehearsal model was told to answer with garbage')
        }
      }
      yield { kind: 'usage', promptTokens: estimatePrompt(request.messages, request.tools), completionTokens }
      yield { kind: 'finish', reason: calls > 0 ? 'tool_calls' : 'stop' }
    },
  }
}

async function* inPieces(
  clock: Clock,
  { pieces, everyMs }: { readonly pieces: readonly string[]; readonly everyMs: number },
  signal: AbortSignal,
): AsyncGenerator<ModelChunk, void, void> {
  for (const [index, delta] of pieces.entries()) {
    if (index > 0 && everyMs > 0) await pause(clock, everyMs, signal)
    if (delta !== '') yield { kind: 'text', delta }
  }
}

/** A status that passes after a number of times is backed off like a real one; without a number it never passes. */
async function failing(clock: Clock, status: number, times: number | undefined, signal: AbortSignal): Promise<void> {
  const isPassing = status === 429 || status >= 500
  if (!isPassing) throw new Failure('MODEL_REJECTED', `the rehearsal model was told to answer ${status}`)
  for (let failed = 1; ; failed++) {
    if (times !== undefined && failed > times) return
    if (times === undefined || failed >= modelBackoff.attempts) {
      throw new Failure('MODEL_UNAVAILABLE', `the rehearsal model was told to answer ${status}`)
    }
    await pause(clock, waitBefore(modelBackoff, failed, 0, undefined), signal)
  }
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

function slowText(request: ModelRequest): string {
  const said = lastUserText(request.messages)
  const words = Array.from({ length: 100 }, (_, i) => `word ${i + 1}`)
  return `You said: ${said}\n${words.join(' ')}`
}
