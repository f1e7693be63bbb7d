/** I10: nothing runs without a decision. The input is the one that SomaAgent01 gave to OPA. */
export interface PolicyInput {
  readonly tenant: string
  readonly persona_id: string
  readonly action: 'tool.execute' | 'memory.write' | 'conversation.send'
  readonly resource: string
  readonly context: { readonly args: unknown; readonly metadata: Readonly<Record<string, unknown>> }
}

export interface PolicyDecision {
  readonly id: string
  readonly allow: boolean
  readonly reason: string
  /** Which rule or service decided, for the journal. */
  readonly policy: string
}

export interface Policy {
  /** Rejects with POLICY_UNAVAILABLE when no decision can be had; that is not a denial, and nothing runs. */
  decide(input: PolicyInput, signal: AbortSignal): Promise<PolicyDecision>
}
