import { createParser } from 'eventsource-parser'
import { Failure } from '../../actors/kernel/failure.ts'

export interface ByteLimits {
  /** One event, its line breaks included. */
  readonly maxEventChars: number
  readonly maxBytes: number
}

/** The `data` of each event in a byte stream, in the order sent. An endless line or stream is MODEL_GARBLED (I9). */
export async function* eventData(
  bytes: AsyncIterable<Uint8Array>,
  limits: ByteLimits,
  onBytes: () => void,
): AsyncGenerator<string, void, void> {
  let ready: string[] = []
  let overflow = false
  const parser = createParser({
    maxBufferSize: limits.maxEventChars,
    onEvent: (event) => ready.push(event.data),
    onError: (error) => {
      overflow ||= error.type === 'max-buffer-size-exceeded'
    },
  })
  const decoder = new TextDecoder()
  let total = 0
  for await (const chunk of bytes) {
    onBytes()
    total += chunk.byteLength
    if (total > limits.maxBytes)
      throw new Failure('MODEL_GARBLED', `the answer is larger than ${limits.maxBytes} bytes`)
    parser.feed(decoder.decode(chunk, { stream: true }))
    const events = ready
    ready = []
    yield* events
    if (overflow) throw new Failure('MODEL_GARBLED', `one event is longer than ${limits.maxEventChars} characters`)
  }
  // Some servers leave out the last blank line.
  parser.feed('\n\n')
  yield* ready
}

export async function readText(
  bytes: AsyncIterable<Uint8Array>,
  maxBytes: number,
  onBytes: () => void,
): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let total = 0
  for await (const chunk of bytes) {
    onBytes()
    total += chunk.byteLength
    if (total > maxBytes) throw new Failure('MODEL_GARBLED', `the answer is larger than ${maxBytes} bytes`)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
