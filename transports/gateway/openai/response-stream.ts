import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Failure } from '../../../actors/kernel/failure.ts'
import type { ConversationEvent } from '../../outbound.ts'
import type { GatewayContext } from '../gateway.ts'
import { problemOf } from '../problem.ts'
import {
  callItems,
  messageItem,
  type OutputItem,
  outputText,
  type ResponseFrame,
  responseEnded,
  responseInProgress,
} from './response-object.ts'
import { TurnStream } from './turn-stream.ts'

/** A turn as the numbered events of a streamed Response: one message item, then the calls of the client's tools. */
export class ResponseStream extends TurnStream {
  readonly #frame: ResponseFrame
  #text = ''
  #number = 0

  constructor(context: GatewayContext, request: FastifyRequest, reply: FastifyReply, frame: ResponseFrame) {
    super(context, request, reply)
    this.#frame = frame
  }

  protected begin(): void {
    this.#send('response.created', { response: responseInProgress(this.#frame) })
    this.#send('response.in_progress', { response: responseInProgress(this.#frame) })
  }

  protected say(delta: string): void {
    if (this.#text === '') this.#openMessage()
    this.#text += delta
    this.#send('response.output_text.delta', { ...this.#place(), delta, logprobs: [] })
  }

  protected finish(final: ConversationEvent): void {
    const output: OutputItem[] = []
    if (this.#text !== '') output.push(this.#closeMessage())
    for (const item of callItems(this.#frame, final)) {
      this.#call(item, output.length)
      output.push(item)
    }
    const response = responseEnded(this.#frame, final, output)
    this.#send(`response.${response.status}`, { response })
  }

  protected fail(failure: Failure): void {
    const { code, detail } = problemOf(failure)
    this.#send('error', { code, message: detail, param: null })
  }

  #openMessage(): void {
    const item = { ...messageItem(this.#frame, ''), status: 'in_progress', content: [] }
    this.#send('response.output_item.added', { output_index: 0, item })
    this.#send('response.content_part.added', { ...this.#place(), part: outputText('') })
  }

  #closeMessage(): OutputItem {
    const item = messageItem(this.#frame, this.#text)
    this.#send('response.output_text.done', { ...this.#place(), text: this.#text, logprobs: [] })
    this.#send('response.content_part.done', { ...this.#place(), part: outputText(this.#text) })
    this.#send('response.output_item.done', { output_index: 0, item })
    return item
  }

  #call(item: OutputItem, index: number): void {
    if (item.type !== 'function_call') return
    const place = { output_index: index, item_id: item.id }
    const begun = { ...item, status: 'in_progress', arguments: '' }
    this.#send('response.output_item.added', { output_index: index, item: begun })
    this.#send('response.function_call_arguments.delta', { ...place, delta: item.arguments })
    this.#send('response.function_call_arguments.done', { ...place, arguments: item.arguments })
    this.#send('response.output_item.done', { output_index: index, item })
  }

  #place() {
    return { item_id: messageItem(this.#frame, '').id, output_index: 0, content_index: 0 }
  }

  #send(type: string, fields: object): void {
    const event = JSON.stringify({ type, sequence_number: this.#number++, ...fields })
    this.sent(this.sse.send(event, { event: type }))
  }
}
