import { kindOf } from '../../actors/kernel/address.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { asFailure } from '../../actors/kernel/failure.ts'
import { during, type Span, type Tracer } from '../../actors/kernel/tracing.ts'
import type { Journal } from '../../persistence/journal.ts'
import { journalAround } from '../../persistence/journal-around.ts'
import type { Mailbox } from '../../transports/mailbox.ts'

/** Without a tracer a part is what it was, and costs what it did. */
export function traced<Part>(part: Part, wrap: (part: Part, tracer: Tracer) => Part, tracer: Tracer | undefined): Part {
  return tracer ? wrap(part, tracer) : part
}

/** A journal whose appends have a span each, although many share a commit: what an actor waited for. */
export function tracedJournal(journal: Journal, tracer: Tracer): Journal {
  return journalAround(journal, {
    async append(append) {
      const { address, events, outbox, trace = {} } = append
      const span = tracer.start('journal.append', trace, {
        'soma.kind': kindOf(address),
        'soma.events': events.map((event) => event.kind).join(','),
        'soma.outbox': outbox.length,
      })
      try {
        const result = await journal.append(append)
        span.end(result.status === 'appended' || result.status === 'duplicate' ? undefined : result.status)
        return result
      } catch (error) {
        span.end(asFailure(error).code)
        throw error
      }
    },
  })
}

/**
 * A mailbox whose envelopes carry their spans: one for the sending, one from delivery until it is settled. Like measuring
 * it stands around an implementation, so that every one is traced alike. The id of an envelope is not touched: sent again
 * it is the same envelope (I4), only in another span.
 */
export function tracedMailbox(mailbox: Mailbox, tracer: Tracer): Mailbox {
  return {
    send(envelope) {
      const span = sending(tracer, envelope)
      return during(span, () => mailbox.send({ ...envelope, trace: span.trace }))
    },
    async sendAll(envelopes) {
      const spans = envelopes.map((envelope) => sending(tracer, envelope))
      try {
        await mailbox.sendAll(envelopes.map((envelope, i) => ({ ...envelope, trace: (spans[i] as Span).trace })))
        for (const span of spans) span.end()
      } catch (error) {
        for (const span of spans) span.end(asFailure(error).code)
        throw error
      }
    },
    receive(kind, shards, receive) {
      return mailbox.receive(kind, shards, (delivery) => {
        const { envelope } = delivery
        const span = tracer.start('mailbox.deliver', envelope.trace, { 'soma.kind': kind })
        // Answered `full`, it is offered again: that span is let go, and the next offer has one of its own.
        return receive({
          ...delivery,
          envelope: { ...envelope, trace: span.trace },
          settle() {
            delivery.settle()
            span.end()
          },
        })
      })
    },
    backlog: (kind) => mailbox.backlog(kind),
    close: () => mailbox.close(),
  }
}

function sending(tracer: Tracer, { to, priority, trace }: Envelope): Span {
  return tracer.start('mailbox.send', trace, { 'soma.kind': kindOf(to), 'soma.priority': priority })
}
