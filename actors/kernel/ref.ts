import type { Address } from './address.ts'

declare const accepts: unique symbol

/**
 * A handle on a local actor. Branded by its message type, because nact's own `Ref<T>` is structurally empty and lets
 * any ref pass for any other. A ref outlives restarts: it names the actor, not its incarnation.
 */
export interface Ref<in Message> {
  readonly path: string
  readonly address?: Address
  readonly [accepts]: (message: Message) => void
}

/** What became of a tell. Nothing is dropped in silence: the sender of anything but `accepted` still holds the message. */
export type TellResult = 'accepted' | 'mailbox-full' | 'stopped'
