import { z } from 'zod'
import type { SessionRecords } from '../../../persistence/journal.ts'
import { address } from '../../kernel/address.ts'
import { Failure } from '../../kernel/failure.ts'
import type { Personas } from '../../persona.ts'
import { childSessionOf, DELEGATE } from '../../session/delegation.ts'
import type { Delegated, SessionCommand } from '../../session/protocol.ts'
import { type Lineage, TASK } from '../protocol.ts'
import { type Deferred, deferred, defineTool, type Tool } from '../tool.ts'

export interface DelegateParts {
  readonly personas: Personas
  /** Asked at the first call, long after the start. */
  readonly records: () => Promise<Pick<SessionRecords, 'claim'>>
  readonly limits: DelegationLimits
}

export interface DelegationLimits {
  /** Sessions below a person's; 0: nobody delegates. */
  readonly depth: number
  /** Calls of one turn. */
  readonly children: number
  readonly timeoutMs: number
}

const schema = z.object({
  task: z
    .string()
    .min(1)
    .max(TASK.maxTask)
    .describe('What is to be done, complete in itself: the other agent has seen nothing of this conversation.'),
  persona: z.string().max(TASK.maxPersona).optional().describe('Id of the persona that does it; yours when left out.'),
  context: z.string().max(TASK.maxContext).optional().describe('Facts and texts that it needs for the task.'),
})

const INSTRUCTIONS =
  'Another agent has handed you this task. Nobody can answer questions: decide what is left open, and say what you assumed. ' +
  'Your final answer is all that is returned: make it complete.'

/**
 * A child session does the task in one turn. Running this twice births and asks the same child (G1 of session/delegation.ts),
 * so a crash at any moment leaves one; its answer comes as a Settle.
 */
export function delegate({ personas, records, limits }: DelegateParts): Tool<typeof schema, Deferred> {
  return defineTool({
    name: DELEGATE,
    description:
      'Hands a task to another agent, which works on it in a conversation of its own, and returns its final answer. ' +
      'Use it for work that can be described completely; several calls at once are done side by side.',
    schema,
    idempotent: true,
    timeoutMs: limits.timeoutMs,
    reaches: ['sessions'],
    async run({ task, persona, context }, call) {
      const lineage = call.lineage ?? { depth: 0, delegations: 1 }
      refuseBeyond(limits, lineage)
      if (persona !== undefined && !personas.get(persona)) {
        const known = personas.list().map(({ id }) => id)
        throw new Failure('PERSONA_NOT_FOUND', `There is no persona "${persona}". There are: ${known.join(', ')}.`)
      }
      const personaId = persona ?? call.personaId
      const childId = childSessionOf(call.callId)
      const child = address('session', childId)
      const turnId = `${childId}/delegated`
      const depth = lineage.depth + 1
      const metadata = { parent_session_id: call.sessionId, delegation_depth: depth }
      await claim(await records(), childId, { tenant: call.tenant, personaId, metadata, now: call.now() })
      const { tokensLeft: tokens } = lineage
      const delegated: Delegated = {
        ...{ callId: call.callId, turnId, parent: call.sessionId, depth },
        ...(tokens !== undefined && { tokens }),
      }
      const turn: SessionCommand = {
        ...{ kind: 'AcceptUserTurn', v: 1, turnId, attachments: [], metadata, personaId },
        text: context === undefined ? task : `${task}\n\n${context}`,
        instructions: INSTRUCTIONS,
        delegated,
      }
      const reason = 'whoever delegated it no longer waits for the answer'
      const stop: SessionCommand = { kind: 'Stop', v: 1, turnId, reason }
      return deferred({
        // The gateway: for whoever did the task elsewhere (POST /v1/delegation/task/{id}/callback).
        settledBy: [child, 'gateway'],
        send: [{ to: child, body: turn }],
        ifAbandoned: [{ to: child, body: stop, priority: 'control' }],
      })
    },
  })
}

function refuseBeyond({ depth, children }: DelegationLimits, lineage: Lineage): void {
  if (lineage.depth >= depth) {
    const where = lineage.depth === 0 ? 'here' : `from ${lineage.depth} delegations below a person's session`
    throw new Failure('DELEGATION_LIMIT', `Nothing can be delegated ${where}: the limit is ${depth}. Do it yourself.`)
  }
  if (lineage.delegations > children) {
    throw new Failure('DELEGATION_LIMIT', `This turn has delegated ${children} tasks, its limit. Do the rest yourself.`)
  }
  if (lineage.tokensLeft !== undefined && lineage.tokensLeft < 1) {
    throw new Failure('BUDGET_EXCEEDED', 'Nothing is left of the budget that the task could be paid from.')
  }
}

interface Birth {
  readonly tenant: string
  readonly personaId: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly now: number
}

/** The id can be computed by others: should a stranger have taken it, nothing is told to their session. */
async function claim(
  records: Pick<SessionRecords, 'claim'>,
  sessionId: string,
  { now, ...birth }: Birth,
): Promise<void> {
  const record = { sessionId, ...birth, state: 'idle', createdAt: now, updatedAt: now } as const
  const claimed = await records.claim(record)
  if (claimed.tenant !== birth.tenant) {
    throw new Failure('SESSION_NOT_FOUND', 'The id of the session for this task is taken by somebody else. Ask again.')
  }
}
