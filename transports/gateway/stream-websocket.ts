import type { WebSocket } from '@fastify/websocket'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { asFailure, Failure, type FailureCode, failures } from '../../actors/kernel/failure.ts'
import type { SessionCommand } from '../../actors/session/protocol.ts'
import { givenMetadata } from '../given-metadata.ts'
import { eventJson, PreviewFrames, type PreviewStyle, progressEvent } from './frames.ts'
import type { GatewayContext } from './gateway.ts'
import { parseJson } from './json-body.ts'
import { problemOf } from './problem.ts'
import { followSession } from './stream.ts'

/** Bytes handed to the socket and not yet on the wire beyond which it counts as blocked. */
const BLOCKED_BYTES = 64 * 1024
/** Client messages that may wait for the mailbox at once on one socket. */
const MAX_WAITING = 32

/** 4000 + the HTTP status, so that a client may tell the cause without parsing the reason (SLOW_READER is 4408). */
function closeCodeOf(code: FailureCode): number {
  return code === 'DRAINING' ? 1012 : 4000 + failures[code].status
}

export function streamOverWebSocket(
  context: GatewayContext,
  request: FastifyRequest,
  wanted: { readonly sessionId: string; readonly after: number; readonly previews: PreviewStyle },
  socket: WebSocket,
): void {
  const clientMessage = clientMessageSchema(context.limits.messageChars)
  const previews = new PreviewFrames(wanted.previews)
  let alive = true
  let blocked = false
  let waiting: Promise<void> = Promise.resolve()
  let waitingCount = 0

  const kept = {
    heartbeat() {
      if (!alive) return socket.terminate()
      alive = false
      socket.ping()
      stream.check()
    },
    cut: end,
  }
  const remove = context.streams.add(request.caller.tenant, kept, request.caller.expiresAt)
  socket.on('pong', () => {
    alive = true
  })
  socket.on('close', leave)
  socket.on('error', leave)
  socket.on('message', (data: Buffer) => {
    alive = true
    // Cut off: what comes before the close frame is answered was said without a right to.
    if (socket.readyState !== socket.OPEN) return
    if (++waitingCount > MAX_WAITING) {
      waitingCount--
      return refuse(new Failure('MAILBOX_FULL', `${MAX_WAITING} messages of this socket wait already.`))
    }
    // One after another: two messages of one socket must reach the session in the order in which they were typed (I7).
    waiting = waiting
      .then(() => take(data.toString('utf8')))
      .catch((error: unknown) => refuse(asFailure(error)))
      .finally(() => {
        waitingCount--
      })
  })

  const stream = followSession(
    context,
    { sessionId: wanted.sessionId, after: wanted.after },
    {
      event(announcement) {
        previews.persona = announcement.event.persona_id
        return send(eventJson(announcement))
      },
      preview(preview) {
        const frame = previews.frame(preview)
        return frame === undefined || send(JSON.stringify(frame))
      },
      progress: (progress) => send(JSON.stringify(progressEvent(progress, previews.persona))),
      end,
    },
  )

  function send(json: string): boolean {
    socket.send(json, () => {
      if (!blocked || socket.bufferedAmount > 0) return
      blocked = false
      stream.drained()
    })
    blocked = socket.bufferedAmount >= BLOCKED_BYTES
    return !blocked
  }

  async function take(text: string): Promise<void> {
    const parsed = clientMessage.safeParse(parseJson(text, context.limits.jsonDepth))
    if (!parsed.success) {
      throw new Failure('INVALID_REQUEST', 'The message fits none of message, stop, intervene.', {
        errors: parsed.error.issues.map((issue) => ({ path: issue.path.join('/'), message: issue.message })),
      })
    }
    const { sessionId } = wanted
    const envelopeId = context.ids.uuid()
    const seating = parsed.data.type === 'stop' ? undefined : { intervenes: parsed.data.type === 'intervene' }
    const release = seating && (await context.door.seat(request.caller, sessionId, envelopeId, seating))
    const ticket = { sessionId, envelopeId, repeated: false, fresh: false, ...(release && { release }) }
    await context.door.send(request, ticket, commandOf(parsed.data, envelopeId))
    socket.send(
      JSON.stringify({
        type: 'accepted',
        session_id: wanted.sessionId,
        event_id: envelopeId,
        ...(parsed.data.ref === undefined ? {} : { ref: parsed.data.ref }),
      }),
    )
  }

  function refuse(failure: Failure): void {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify({ ...problemOf(failure), type: 'error' }))
  }

  function end(failure: Failure): void {
    refuse(failure)
    socket.close(closeCodeOf(failure.code), `${failure.code} cursor=${stream.cursor}`)
    // A reader that takes nothing would never see the close frame either.
    context.clock.after(2_000, () => socket.terminate())
    leave()
  }

  function leave(): void {
    remove()
    stream.close()
  }
}

function clientMessageSchema(messageChars: number) {
  /** Comes back in `accepted`, so that a client may match the two. */
  const ref = z.string().max(200).optional()
  return z.discriminatedUnion('type', [
    z.object({
      type: z.literal('message'),
      text: z.string().min(1).max(messageChars),
      metadata: givenMetadata.default({}),
      ref,
    }),
    z.object({ type: z.literal('stop'), turn_id: z.string().max(200).optional(), ref }),
    z.object({ type: z.literal('intervene'), text: z.string().min(1).max(messageChars), ref }),
  ])
}

type ClientMessage = z.infer<ReturnType<typeof clientMessageSchema>>

function commandOf(message: ClientMessage, envelopeId: string): SessionCommand {
  switch (message.type) {
    case 'message':
      return {
        kind: 'AcceptUserTurn',
        v: 1,
        turnId: envelopeId,
        text: message.text,
        attachments: [],
        metadata: message.metadata,
      }
    case 'stop':
      return {
        kind: 'Stop',
        v: 1,
        reason: 'asked for by the user',
        ...(message.turn_id === undefined ? {} : { turnId: message.turn_id }),
      }
    case 'intervene':
      return { kind: 'Intervene', v: 1, text: message.text }
  }
}
