import type { MessageContext } from './message-context.ts'

/**
 * What waits for one actor, in order: a ring that grows to its bound and no further (I9).
 *   B1. At most `capacity` normal messages are admitted; control messages may use a reserve of a tenth more.
 *   B2. First in, first out, whatever the priority: a stop must follow what it stops (I7).
 *   B3. A message that was taken can always be put back at the head: its slot is kept until the next is taken.
 */
export class BoundedMailbox<M> {
  readonly capacity: number
  readonly reserve: number
  private slots: (M | undefined)[] = none
  /** Kept apart, and made at the first message that has a context, because most have none. */
  private contexts: (MessageContext | undefined)[] | undefined
  private head = 0
  private count = 0

  constructor(capacity: number) {
    this.capacity = Math.max(1, capacity)
    this.reserve = Math.ceil(this.capacity / 10)
  }

  get size(): number {
    return this.count
  }

  /** Whether a normal message would be refused. */
  get isFull(): boolean {
    return this.count >= this.capacity
  }

  offer(message: M, control: boolean, context?: MessageContext): boolean {
    const count = this.count
    if (count >= this.capacity && (!control || count >= this.capacity + this.reserve)) return false // B1
    if (count === this.slots.length) this.grow()
    const at = (this.head + count) & (this.slots.length - 1)
    this.slots[at] = message
    if (context !== undefined || this.contexts !== undefined) this.bind(at, context)
    this.count = count + 1
    return true
  }

  /** Context of the message that `take` returns next. */
  get nextContext(): MessageContext | undefined {
    return this.contexts?.[this.head]
  }

  /** Call only when `size` > 0. */
  take(): M {
    const at = this.head
    const message = this.slots[at] as M
    this.slots[at] = undefined
    this.head = (at + 1) & (this.slots.length - 1)
    this.count--
    return message
  }

  /** B3: beyond the bound by one at most, since there is one taken message. */
  putBack(message: M, context: MessageContext | undefined): void {
    if (this.count === this.slots.length) this.grow()
    this.head = (this.head - 1) & (this.slots.length - 1)
    this.slots[this.head] = message
    if (context !== undefined || this.contexts !== undefined) this.bind(this.head, context)
    this.count++
  }

  /** Takes everything, in order, and gives the memory back. */
  drain(): M[] {
    const rest: M[] = []
    while (this.count > 0) rest.push(this.take())
    this.release()
    return rest
  }

  /** Gives the ring's memory back once a burst is over, so that an idle actor costs next to nothing. */
  release(): void {
    if (this.count > 0 || this.slots.length <= SMALL_RING) return
    this.slots = none
    this.contexts = undefined
    this.head = 0
  }

  private bind(at: number, context: MessageContext | undefined): void {
    this.contexts ??= new Array(this.slots.length).fill(undefined)
    this.contexts[at] = context
  }

  private grow(): void {
    const old = this.slots
    if (old.length === 0) {
      this.slots = [undefined, undefined]
      return
    }
    const length = old.length * 2
    const unrolled = (ring: readonly unknown[]) =>
      [...ring.slice(this.head), ...ring.slice(0, this.head), ...new Array(length - ring.length)] as never[]
    this.slots = unrolled(old)
    if (this.contexts !== undefined) this.contexts = unrolled(this.contexts)
    this.head = 0
  }
}

/** Lengths are powers of two, so that wrapping is a mask. One this small is not worth making anew for the next message. */
const SMALL_RING = 4
const none: never[] = []
