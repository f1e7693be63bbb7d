/** What infra/telemetry/metrics.ts counts of tools: tool_executor_* and circuit_breaker_*. */
export interface ToolMetrics {
  finished(tool: string, outcome: string): void
  decided(tool: string, decision: 'allow' | 'deny' | 'unavailable'): void
  ran(tool: string, seconds: number): void
  inflight(tool: string, change: 1 | -1): void
  waiting(tool: string, change: 1 | -1): void
  /** `reason`: the kind of a Refusal (results.ts). */
  refused(tool: string, reason: string): void
  retried(tool: string): void
  requeued(tool: string, reason: 'denied' | 'allow' | 'deny'): void
  circuit(tool: string, change: 'opened' | 'closed' | 'trial'): void
}

export const silentToolMetrics: ToolMetrics = {
  finished() {},
  decided() {},
  ran() {},
  inflight() {},
  waiting() {},
  refused() {},
  retried() {},
  requeued() {},
  circuit() {},
}
