import { address } from '../actors/kernel/address.ts'
import type { Clock } from '../actors/kernel/clock.ts'
import type { Quarantine, QuarantineEntry } from '../actors/kernel/dead-letters.ts'
import type { Envelope } from '../actors/kernel/envelope.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { Delegated } from '../actors/session/protocol.ts'
import type { SettledOutcome } from '../actors/tool/protocol.ts'
import type { Journal } from '../persistence/journal.ts'
import type { Mailbox } from '../transports/mailbox.ts'

export interface QuarantinedChildParts {
  readonly journal: Pick<Journal, 'read'>
  readonly mailbox: Pick<Mailbox, 'send'>
  readonly clock: Clock
  readonly log: Logger
}

/**
 * A quarantined session says nothing any more, so whoever delegated to it is told in its name, at once. Should the process
 * die in between, the call's own deadline tells. The envelope's id is the quarantine's, so telling twice is once.
 */
export function tellingWhoDelegated(quarantine: Quarantine, parts: QuarantinedChildParts): Quarantine {
  const told = new Set<string>()
  const tell = async (entry: Omit<QuarantineEntry, 'held'>, envelopes: readonly Envelope[]) => {
    const delegated = await delegatedOf(entry, envelopes, parts.journal)
    if (delegated === undefined) return
    const { callId } = delegated
    const now = parts.clock.now()
    const output =
      `The delegated session ${entry.address} failed again and again (${entry.code}) and was set aside; an operator has to ` +
      'look at it. The task is not done.'
    const outcome: SettledOutcome = { status: 'error', code: 'SESSION_QUARANTINED', output, finishedAt: now }
    await parts.mailbox.send({
      id: `${entry.address}/quarantined/${entry.since}`,
      to: address('tool', callId),
      from: entry.address,
      tenant: entry.tenant,
      priority: 'normal',
      trace: {},
      sentAt: now,
      body: { kind: 'Settle', v: 1, callId, outcome },
    })
  }
  return {
    async hold(entry, envelopes) {
      await quarantine.hold(entry, envelopes)
      const key = `${entry.address}/${entry.since}`
      if (!entry.address.startsWith('session:') || told.has(key)) return
      told.add(key)
      tell(entry, envelopes).catch((error) =>
        parts.log.warn({ address: entry.address, error }, 'nobody told its parent'),
      )
    },
    list: () => quarantine.list(),
    get: (of) => quarantine.get(of),
    held: (of) => quarantine.held(of),
    async release(of) {
      const released = await quarantine.release(of)
      for (const key of told) if (key.startsWith(`${of}/`)) told.delete(key)
      return released
    },
  }
}

/** From its first event; or, when its very first message is what it fails at, from that. */
async function delegatedOf(
  entry: Omit<QuarantineEntry, 'held'>,
  envelopes: readonly Envelope[],
  journal: Pick<Journal, 'read'>,
): Promise<Delegated | undefined> {
  const [born] = await journal.read(entry.address, 0, 1)
  const bodies = born ? [born.data] : [entry.suspect?.body, ...envelopes.map(({ body }) => body)]
  for (const body of bodies) {
    const { delegated } = (body ?? {}) as { readonly delegated?: Delegated }
    if (delegated !== undefined) return delegated
  }
  return undefined
}
