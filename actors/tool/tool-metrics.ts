/** What infra/telemetry/logger.ts counts as tool_executor_requests_total, _policy_decisions_total, _execution_seconds, _inflight. */
export interface ToolMetrics {
  finished(tool: string, outcome: string): void
  decided(tool: string, decision: 'allow' | 'deny' | 'unavailable'): void
  ran(tool: string, seconds: number): void
  inflight(tool: string, change: 1 | -1): void
}

export const silentToolMetrics: ToolMetrics = {
  finished() {},
  decided() {},
  ran() {},
  inflight() {},
}
