import type { Envelope } from '../../actors/kernel/envelope.ts'
import { topicOf } from '../../transports/kafka/topics.ts'
import type { Delivery, Mailbox, Subscription } from '../../transports/mailbox.ts'

type Receive = Parameters<Mailbox['receive']>[2]

/**
 * Since when the deliveries that nobody settled have been here, for soma_mailbox_unsettled_seconds. Counted from the first
 * offer by our own clock: the sender's may differ. One that is offered again, because its address is full, stays as old as it is.
 */
export class UnsettledDeliveries {
  readonly #seconds: () => number
  readonly #open = new Set<Map<Envelope, number>>()

  constructor(seconds: () => number) {
    this.#seconds = seconds
  }

  /** What a subscription delivers is watched until it is settled, or the subscription closes. */
  async watch(receive: Receive, subscribe: (receive: Receive) => Promise<Subscription>): Promise<Subscription> {
    const since = new Map<Envelope, number>()
    this.#open.add(since)
    const forget = () => this.#open.delete(since)
    try {
      const subscription = await subscribe((delivery) => receive(this.#watched(delivery, since)))
      return {
        close: () => {
          forget()
          return subscription.close()
        },
      }
    } catch (error) {
      forget()
      throw error
    }
  }

  /** Seconds that the oldest has waited, by topic; nothing of a topic of which none waits. */
  oldest(): ReadonlyMap<string, number> {
    const now = this.#seconds()
    const ages = new Map<string, number>()
    for (const since of this.#open) {
      const found = new Set<string>()
      for (const [envelope, from] of since) {
        // In the order of arrival: the first of a topic is its oldest here.
        const topic = topicOf(envelope).name
        if (found.has(topic)) continue
        found.add(topic)
        ages.set(topic, Math.max(ages.get(topic) ?? 0, now - from))
        if (found.size === TOPICS) break
      }
    }
    return ages
  }

  #watched(delivery: Delivery, since: Map<Envelope, number>): Delivery {
    const { envelope } = delivery
    if (!since.has(envelope)) since.set(envelope, this.#seconds())
    return {
      ...delivery,
      settle() {
        since.delete(envelope)
        delivery.settle()
      },
    }
  }
}

/** Of one kind, at most: what sessions are told, and what tools answer them. */
const TOPICS = 2
