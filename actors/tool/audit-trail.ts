import type { Journal, PlacedEvent } from '../../persistence/journal.ts'
import type { ToolSwitch, ToolSwitches } from '../../persistence/tool-switches.ts'
import type { AuditQuery, AuditRow, AuditTrail } from '../../transports/gateway/audit-trail.ts'
import { type Address, SHARDS_PER_KIND } from '../kernel/address.ts'
import { assertNever } from '../kernel/behaviour.ts'
import { type Invocation, type ToolEvent, toolEventCodec } from './events.ts'

export interface AuditSources {
  readonly journal: Pick<Journal, 'recent' | 'read'>
  readonly switches: Pick<ToolSwitches, 'changes'>
}

const PAGE = 500
const everyShard = Array.from({ length: SHARDS_PER_KIND }, (_, shard) => shard)

/** Nothing is written for it: an audit of its own could disagree with what happened. */
export function auditTrail({ journal, switches }: AuditSources): AuditTrail {
  async function* calls({ since, until, tenant }: AuditQuery): AsyncGenerator<AuditRow> {
    let after: { readonly address: Address; readonly seq: number } | undefined
    let known: { readonly address: Address; readonly invocation: Invocation | undefined } | undefined
    for (;;) {
      const page = await journal.recent('tool', everyShard, since, PAGE, after)
      for (const stored of page) {
        if (stored.at > until) continue
        const { address } = stored
        if (known?.address !== address) known = { address, invocation: await invocationOf(stored) }
        const { invocation } = known
        if (!invocation || (tenant !== undefined && invocation.tenant !== tenant)) continue
        yield rowOf(stored, toolEventCodec.decode(stored), invocation)
      }
      if (page.length < PAGE) return
      after = page.at(-1)
    }
  }

  /** A call that began before `since` shows its first event no more. */
  async function invocationOf(stored: PlacedEvent): Promise<Invocation | undefined> {
    const first = stored.seq === 1 ? stored : (await journal.read(stored.address, 0, 1))[0]
    const event = first && toolEventCodec.decode(first)
    return event?.kind === 'InvocationAccepted' ? event.invocation : undefined
  }

  return {
    async *rows(query) {
      const { since, until, tenant, limit } = query
      let left = limit
      const changes = await switches.changes({ since, limit, ...(tenant !== undefined && { tenant }) })
      for (const change of changes) {
        if (change.at > until) continue
        if (left-- <= 0) return
        yield switched(change)
      }
      for await (const row of calls(query)) {
        if (left-- <= 0) return
        yield row
      }
    },
  }
}

function rowOf({ at, envelopeId }: PlacedEvent, event: ToolEvent, invocation: Invocation): AuditRow {
  const { sessionId, tenant, personaId, tool, callId } = invocation
  return {
    at: new Date(at).toISOString(),
    request_id: envelopeId,
    session_id: sessionId,
    tenant,
    subject: personaId,
    resource: tool,
    target_id: callId,
    ...told(event, invocation),
  }
}

function told(event: ToolEvent, { args, metadata, tenant, personaId, tool, turnId, approval }: Invocation) {
  const input = { tenant, persona_id: personaId, action: 'tool.execute', resource: tool, context: { args, metadata } }
  const { kind, ...details } = event
  switch (event.kind) {
    case 'InvocationAccepted':
      return { action: 'tool.request.enqueue', details: { args, metadata, turn_id: turnId, approval } } as const
    case 'InvocationAuthorized':
      return { action: 'tool.policy.decision', details: { input, decision: event.decision } } as const
    case 'InvocationStarted':
      return { action: 'tool.execute.start', details } as const
    case 'InvocationFailed':
      return { action: 'tool.execute.retry', details } as const
    case 'InvocationInterrupted':
      return { action: 'tool.execute.interrupted', details } as const
    case 'InvocationDeferred':
      return {
        action: 'tool.execute.deferred',
        details: { deadline: event.deadline, settled_by: event.settledBy },
      } as const
    case 'InvocationSettledEarly':
      return { action: 'tool.execute.deferred', details } as const
    case 'InvocationFinished': {
      const { outcome } = event
      return outcome.decision?.allow === false
        ? ({ action: 'tool.request.denied', details: { input, outcome } } as const)
        : ({ action: 'tool.execute.finish', details: { outcome } } as const)
    }
    default:
      return assertNever(event)
  }
}

function switched({ tool, tenant, enabled, by, why, at }: ToolSwitch): AuditRow {
  return {
    at: new Date(at).toISOString(),
    request_id: '',
    session_id: '',
    tenant,
    subject: by,
    action: 'tool.switch',
    resource: tool,
    target_id: '',
    details: { enabled, why },
  }
}
