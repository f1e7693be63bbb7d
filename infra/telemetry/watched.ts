import type { HealthReport } from '../../transports/gateway/health.ts'
import { mailboxTopics } from '../../transports/kafka/topics.ts'
import type { Mailbox } from '../../transports/mailbox.ts'
import type { Metrics } from './metrics.ts'

/** What is not counted where it happens, but asked for when somebody looks. */

/** For soma_dependency_up: each dependency by its name in /readyz. */
export function watchDependencies(metrics: Metrics, health: () => Promise<HealthReport>): void {
  metrics.watchDependencies(async () => {
    const { dependencies } = await health()
    return new Map(dependencies.map(({ name, ok }) => [name, ok ? 1 : 0]))
  })
}

/** The in-process mailbox has one backlog for each kind, shown by the topic that would carry it. */
export function lookAtBacklog(metrics: Metrics, mailbox: Mailbox): void {
  for (const kind of ['session', 'tool'] as const) {
    const [topic] = mailboxTopics[kind]
    if (topic) metrics.mailboxLag(topic.name, mailbox.backlog(kind))
  }
}

export function scrapedWithBacklog(metrics: Metrics, mailbox: Mailbox): () => Promise<string> {
  return () => {
    lookAtBacklog(metrics, mailbox)
    return metrics.registry.metrics()
  }
}
