import type { ConversationEvent } from '../../transports/outbound.ts'

/** What a drill reads from the public shape of an event. */

/** Equal for two readings of the same event. */
export function digestOf(event: ConversationEvent): string {
  return `${event.event_id} ${event.type} ${event.message}`
}

/** The key that the drill's client put into the message's metadata. */
export function keyOf({ type, metadata }: ConversationEvent): string | undefined {
  if (type !== 'user.message') return undefined
  const { drill } = (metadata.metadata ?? {}) as { readonly drill?: unknown }
  return typeof drill === 'string' ? drill : undefined
}
