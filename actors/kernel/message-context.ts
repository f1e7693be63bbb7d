import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * The trace and log fields of the message being handled, wherever its handling leads. Bound to each message when it is
 * told, because the asynchronous context of a nact handler is that of whoever woke the actor first: the messages
 * queued behind would run in a stranger's trace (facts: B and C ran in A's context).
 */
export interface MessageContext {
  /** W3C trace context, as in the envelope. */
  readonly trace: Readonly<Record<string, string>>
  readonly fields: Readonly<Record<string, unknown>>
}

const storage = new AsyncLocalStorage<MessageContext | undefined>()

/** False until the first context: a look costs 5 ns, but entering switches on Node's promise hooks, for the whole process. */
let inUse = false

export function messageContext(): MessageContext | undefined {
  return inUse ? storage.getStore() : undefined
}

/** Log fields of the message being handled, for the logger to mix in. */
export function messageFields(): Readonly<Record<string, unknown>> {
  return messageContext()?.fields ?? noFields
}

export function inContext<T>(context: MessageContext | undefined, run: () => T): T {
  if (context === undefined && !inUse) return run()
  inUse = true
  return storage.run(context, run)
}

/**
 * Runs as the process did at its start, in nobody's context, ours or a library's: what an actor is woken by must not
 * become the context of what it does. 100 ns a call, so: once per wake-up, not once per message.
 */
export const inNoContext = AsyncLocalStorage.snapshot()

const noFields = Object.freeze({})
