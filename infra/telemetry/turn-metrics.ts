import { LRUCache } from 'lru-cache'
import type { Announcement } from '../../transports/outbound.ts'
import type { Metrics } from './metrics.ts'

/**
 * Counts turns from the events that sessions announce, each once by the process that journaled it; so the actors need
 * no hook for it. A turn that began before a restart has no known start and counts tokens only.
 */
export function turnMetrics(metrics: Metrics): (announcement: Announcement) => void {
  const startedAt = new LRUCache<string, number>({ max: 20_000 })
  return ({ event, at }) => {
    const turnId = event.metadata.turn_id
    if (typeof turnId !== 'string') return
    if (event.type === 'user.message') startedAt.set(turnId, at)
    if (event.type !== 'assistant.final') return
    const from = startedAt.get(turnId)
    startedAt.delete(turnId)
    const { code } = event.metadata
    if (typeof code === 'string') metrics.turnFailed(code)
    if (from !== undefined) metrics.turnEnded(String(event.metadata.outcome), Math.max(0, at - from) / 1_000)
    const usage = event.metadata.usage
    if (typeof usage !== 'object' || usage === null) return
    const { prompt_tokens, completion_tokens, cost_usd } = usage as Record<string, unknown>
    metrics.modelUsed(counted(prompt_tokens), counted(completion_tokens), counted(cost_usd))
  }
}

function counted(value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : 0
}
