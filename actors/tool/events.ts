import type { Address } from '../kernel/address.ts'
import type { Outgoing } from '../kernel/behaviour.ts'
import { Failure } from '../kernel/failure.ts'
import type { EventCodec } from '../kernel/journaled-kind.ts'
import type { PolicyDecision } from '../kernel/policy.ts'
import type { ToolOutcome } from './protocol.ts'

/** What a call asks for, as it was accepted. `args` is what the model wrote; each attempt validates it again. */
export interface Invocation {
  readonly callId: string
  readonly tool: string
  readonly args: unknown
  readonly tenant: string
  readonly sessionId: string
  readonly turnId: string
  readonly personaId: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly replyTo: Address
}

/** The journal of one invocation, in the order in which its life can go. */
export type ToolEvent =
  | { readonly kind: 'InvocationAccepted'; readonly invocation: Invocation }
  | { readonly kind: 'InvocationAuthorized'; readonly decision: PolicyDecision }
  /** Written before the tool runs: from here on a crash can no longer know by itself whether it took effect. */
  | {
      readonly kind: 'InvocationStarted'
      readonly attempt: number
      /** As the tool said when it started: a later version of it cannot make this attempt safe to repeat. */
      readonly idempotent: boolean
      readonly startedAt: number
    }
  /** The tool ran and left its outcome to a message: a Settle of one of `settledBy`, before `deadline`. */
  | ({ readonly kind: 'InvocationDeferred' } & Deferral)
  /** A node died, or handed over, while the tool ran or was being reconciled. */
  | { readonly kind: 'InvocationInterrupted' }
  | { readonly kind: 'InvocationFinished'; readonly outcome: ToolOutcome }

export interface Deferral {
  /** Epoch milliseconds. */
  readonly deadline: number
  readonly settledBy: readonly string[]
  readonly ifAbandoned: readonly Outgoing[]
}

const VERSION = 1

const kinds: ReadonlySet<string> = new Set<ToolEvent['kind']>([
  'InvocationAccepted',
  'InvocationAuthorized',
  'InvocationStarted',
  'InvocationDeferred',
  'InvocationInterrupted',
  'InvocationFinished',
])

export const toolEventCodec: EventCodec<ToolEvent> = {
  encode({ kind, ...data }) {
    return { kind, version: VERSION, data }
  },
  decode(stored) {
    if (!kinds.has(stored.kind) || stored.version > VERSION) {
      throw new Failure('UNREADABLE_EVENT', `tool event ${stored.kind} v${stored.version} at seq ${stored.seq}`)
    }
    return { kind: stored.kind, ...(stored.data as object) } as ToolEvent
  },
}
