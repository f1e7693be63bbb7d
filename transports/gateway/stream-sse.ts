import type { FastifyReply } from 'fastify'
import type { Failure } from '../../actors/kernel/failure.ts'
import type { Caller } from './auth.ts'
import { eventJson, PreviewFrames, type PreviewStyle, progressEvent } from './frames.ts'
import type { GatewayContext } from './gateway.ts'
import { problemOf } from './problem.ts'
import { SseResponse } from './sse.ts'
import { followSession } from './stream.ts'

export function streamOverSse(
  context: GatewayContext,
  caller: Caller,
  wanted: { readonly sessionId: string; readonly after: number; readonly previews: PreviewStyle },
  reply: FastifyReply,
): void {
  const sse = new SseResponse(reply, { drain: () => stream.drained(), gone: leave })
  const kept = {
    heartbeat() {
      sse.comment('keep-alive')
      stream.check()
    },
    cut: (failure: Failure) => end(failure),
  }
  const remove = context.streams.add(caller.tenant, kept, caller.expiresAt)
  const previews = new PreviewFrames(wanted.previews)
  sse.open()
  sse.comment('open')
  const stream = followSession(
    context,
    { sessionId: wanted.sessionId, after: wanted.after },
    {
      event(announcement) {
        previews.persona = announcement.event.persona_id
        // No `event:` field: the type is in the data, and a plain EventSource hears only unnamed events.
        return sse.send(eventJson(announcement), { id: announcement.seq })
      },
      preview(preview) {
        const frame = previews.frame(preview)
        return frame === undefined || sse.send(JSON.stringify(frame))
      },
      progress: (progress) => sse.send(JSON.stringify(progressEvent(progress, previews.persona))),
      end,
    },
  )

  function end(failure: Failure): void {
    sse.send(JSON.stringify({ ...problemOf(failure), cursor: stream.cursor }), { event: 'error' })
    sse.end()
    leave()
  }

  function leave(): void {
    remove()
    stream.close()
  }
}
