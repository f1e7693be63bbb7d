import type { Memory } from '../../actors/memory/memory.ts'
import { monotonicSeconds } from './measured.ts'
import type { Metrics } from './metrics.ts'

/** The door to memory, counted and timed for whoever asks through it. */
export function measuredMemory(memory: Memory, metrics: Metrics, seconds = monotonicSeconds): Memory {
  const counted = async <T>(operation: 'remember' | 'recall' | 'forget', work: () => Promise<T>): Promise<T> => {
    const from = seconds()
    try {
      const answer = await work()
      metrics.memoryAsked(operation, 'ok', seconds() - from)
      return answer
    } catch (error) {
      metrics.memoryAsked(operation, 'error', seconds() - from)
      throw error
    }
  }
  return {
    remember: (asked, by) => counted('remember', () => memory.remember(asked, by)),
    recall: (asked, by) => counted('recall', () => memory.recall(asked, by)),
    forget: (asked, by) => counted('forget', () => memory.forget(asked, by)),
    get: (tenant, namespace, key) => memory.get(tenant, namespace, key),
    list: (query) => memory.list(query),
    namespaces: (tenant) => memory.namespaces(tenant),
  }
}
