import { z } from 'zod'
import type { Address } from '../../actors/kernel/address.ts'
import type { CommandMeta } from '../../actors/kernel/behaviour.ts'
import type { Policy, PolicyDecision } from '../../actors/kernel/policy.ts'
import type { ToolCommand } from '../../actors/tool/protocol.ts'
import type { Tool } from '../../actors/tool/tool.ts'

export const callId = '8c5f0000-0000-4000-8000-000000000001/1.0.0'
export const toolAddress: Address = `tool:${callId}`
export const session: Address = 'session:8c5f0000-0000-4000-8000-000000000001'

type Invoke = Extract<ToolCommand, { kind: 'Invoke' }>

export function invoke(over: Partial<Invoke> = {}): Invoke {
  return {
    kind: 'Invoke',
    v: 1,
    callId,
    tool: 'work',
    args: { text: 'hello' },
    sessionId: '8c5f0000-0000-4000-8000-000000000001',
    turnId: 'turn-1',
    personaId: 'soma',
    metadata: {},
    replyTo: session,
    ...over,
  }
}

export const cancel: ToolCommand = { kind: 'Cancel', v: 1, reason: 'the user stopped the turn' }

export function workTool(over: Partial<Tool> = {}): Tool {
  return {
    name: 'work',
    description: 'Works.',
    schema: z.object({ text: z.string() }),
    idempotent: true,
    timeoutMs: 1_000,
    reaches: ['nothing'],
    run: async () => 'done',
    ...over,
  }
}

export const allowed: PolicyDecision = { id: 'd-1', allow: true, reason: 'It may.', policy: 'spec#0' }
export const deniedBy: PolicyDecision = { id: 'd-2', allow: false, reason: 'Not on Sundays.', policy: 'spec#1' }

export const allowAll: Policy = { decide: async () => allowed }

export function metaOf(over: Partial<CommandMeta> = {}): CommandMeta {
  return { now: 1_000, envelopeId: 'e-1', tenant: 'acme', from: session, nextSeq: 1, ...over }
}
