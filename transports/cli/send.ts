import type { ConversationEvent } from '../outbound.ts'
import type { CommandContext } from './command-context.ts'
import { exitCodes, failedTurn, ServiceProblem } from './problem.ts'
import { TurnPrinter } from './turn-printer.ts'

export interface SendOptions {
  readonly session?: string
  readonly persona?: string
  readonly wait: boolean
}

/** One message: accepted durably, then the answer. */
export async function send(context: CommandContext, message: string, options: SendOptions): Promise<number> {
  const { client, print } = context
  const after = options.session === undefined ? 0 : await headOf(context, options.session)
  const accepted = await client.say(message, options)
  if (!options.wait) {
    print(accepted, () => `accepted as ${accepted.event_id} in session ${accepted.session_id}`)
    return exitCodes.ok
  }
  const final = await answer(context, accepted.session_id, accepted.event_id, after)
  if (context.json) print(final, () => '')
  else if (final.metadata.outcome === 'failed') throw failedTurn(final.metadata)
  return final.metadata.outcome === 'completed' ? exitCodes.ok : exitCodes.failed
}

/** The cursor before a new message: what came earlier is not part of its answer. A name not used yet starts at 0. */
export async function headOf({ client }: CommandContext, session: string): Promise<number> {
  try {
    return (await client.session(session)).head
  } catch (error) {
    if (error instanceof ServiceProblem && error.code === 'SESSION_NOT_FOUND') return 0
    throw error
  }
}

async function answer(
  context: CommandContext,
  session: string,
  turnId: string,
  after: number,
): Promise<ConversationEvent> {
  const printer = new TurnPrinter((text) => context.terminal.output.write(text), context.paint)
  const leave = new AbortController()
  try {
    for await (const event of context.client.follow(session, after, leave.signal)) {
      if (event.metadata.turn_id !== turnId) continue
      if (!context.json) printer.print(event)
      if (event.type === 'assistant.final') return event
    }
  } finally {
    leave.abort()
  }
  throw new ServiceProblem({
    code: 'STREAM_ENDED',
    status: 502,
    detail: 'The stream ended before the answer.',
    remedy: `The turn goes on; see \`soma show ${session}\`.`,
  })
}
