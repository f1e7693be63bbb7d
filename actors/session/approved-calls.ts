import type { ToolReturned } from './commands.ts'
import type { InjectedMessage } from './protocol.ts'
import type { SessionState } from './state.ts'

/**
 * A call that policy denied has run after all, because an operator allowed it. Its own turn was answered with `blocked` long ago, so
 * the result comes as an injected message, with the operator's name and reason.
 */
export interface ApprovedResult {
  readonly message: InjectedMessage
  readonly by: string
  readonly why: string
}

export function approvedResult(
  { approvals, toolRequests }: SessionState,
  { callId, outcome }: ToolReturned,
): ApprovedResult | undefined {
  const approval = approvals?.[callId]
  if (!approval) return undefined
  const { by, why } = approval
  const content = `The call of ${toolRequests[callId]} that policy denied earlier was allowed by an operator and has run (${outcome.status}). Its output:\n${outcome.output}`
  return { message: { role: 'system', content }, by, why }
}
