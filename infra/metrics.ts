import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { ActorMetrics } from '../actors/kernel/telemetry.ts'
import type { ToolMetrics } from '../actors/tool/tool-metrics.ts'
import type { GatewayMetrics } from '../transports/gateway/gateway.ts'

/**
 * Every metric of one service instance, on a registry of its own. Names without `soma_` are those that dashboards of the
 * old stack ask for. A label never takes a value that a client can invent (session, tenant, URL): its number must be bounded.
 * docs/METRICS.md is compared with this registry by a spec; docs-tables.ts writes it.
 */
export class Metrics implements ActorMetrics, ToolMetrics, GatewayMetrics {
  readonly registry = new Registry()

  private readonly actorActive = this.gauge('soma_actor_active', 'Actors in memory.', ['type'])
  private readonly actorMailbox = this.gauge(
    'soma_actor_mailbox_depth',
    'Messages waiting in the mailbox last looked at.',
    ['type'],
  )
  private readonly actorMessages = this.counter(
    'soma_actor_messages_total',
    'Messages handled: ok, failed, duplicate or dead.',
    ['type', 'outcome'],
  )
  private readonly actorSeconds = this.histogram('soma_actor_handling_seconds', 'Time to handle one message.', ['type'])
  private readonly actorRestarts = this.counter('soma_actor_restarts_total', 'Restarts after a failure, by its code.', [
    'type',
    'reason',
  ])
  private readonly actorActivations = this.counter('soma_actor_activations_total', 'Actors brought into memory.', [
    'type',
  ])
  private readonly actorPassivations = this.counter(
    'soma_actor_passivations_total',
    'Actors that left memory: idle, memory or drain.',
    ['type', 'reason'],
  )
  private readonly actorDeadLetters = this.counter(
    'soma_actor_dead_letters_total',
    'Messages parked as dead letters, by their code.',
    ['type', 'cause'],
  )
  private readonly actorQuarantined = this.gauge('soma_actor_quarantined', 'Addresses in quarantine.', ['type'])

  private readonly conversationMessages = this.counter(
    'conversation_worker_messages_total',
    'Messages that sessions handled: success, error, duplicate or dead_letter.',
    ['result'],
  )
  private readonly conversationSeconds = this.histogram(
    'conversation_worker_processing_seconds',
    'From an accepted user turn to its final answer, by how it ended.',
    ['path'],
    slow,
  )
  private readonly modelTokens = this.counter('soma_model_tokens_total', 'Tokens used: prompt or completion.', ['kind'])
  private readonly modelDollars = this.counter(
    'soma_model_cost_dollars_total',
    'Cost of model calls at the configured prices.',
    [],
  )

  private readonly toolRequests = this.counter('tool_executor_requests_total', 'Tool calls by outcome.', [
    'tool',
    'outcome',
  ])
  private readonly toolDecisions = this.counter(
    'tool_executor_policy_decisions_total',
    'Policy decisions before tool calls: allow, deny or unavailable.',
    ['tool', 'decision'],
  )
  private readonly toolSeconds = this.histogram(
    'tool_executor_execution_seconds',
    'Time that a tool ran.',
    ['tool'],
    slow,
  )
  private readonly toolInflight = this.gauge('tool_executor_inflight', 'Tool calls running now.', ['tool'])

  private readonly envelopeWrites = this.counter(
    'session_envelope_write_total',
    'Writes of session records: claim or append.',
    ['operation', 'status'],
  )
  private readonly envelopeSeconds = this.histogram('session_envelope_write_seconds', 'Time of such a write.', [
    'operation',
  ])
  private readonly envelopeCache = this.counter(
    'session_envelope_cache_events_total',
    'Snapshots loaded (hit, miss), saved and removed.',
    ['operation', 'result'],
  )
  private readonly journalAppends = this.counter(
    'soma_journal_appends_total',
    'Appends by what the journal answered.',
    ['kind', 'status'],
  )
  private readonly journalSeconds = this.histogram('soma_journal_append_seconds', 'Time until an append is durable.', [
    'kind',
  ])

  private readonly published = this.counter('durable_publish_total', 'Envelopes given to the durable mailbox.', [
    'result',
  ])
  private readonly outboxEvents = this.counter(
    'outbox_events_total',
    'Outbox rows written with their events, and relayed.',
    ['action', 'result'],
  )
  private readonly outboxSeconds = this.histogram(
    'outbox_publish_seconds',
    'Time to publish one batch of envelopes.',
    [],
  )

  private readonly gatewayRequests = this.counter('gateway_requests_total', 'Requests by route and status.', [
    'method',
    'route',
    'status',
  ])
  private readonly gatewaySeconds = this.histogram(
    'gateway_request_latency_seconds',
    'Time until the answer is written; streams are not counted.',
    ['method', 'route'],
  )
  private readonly gatewayStreams = this.gauge('soma_gateway_streams', 'Open event streams and sockets.', [])
  private readonly dlqDepth = new Gauge({
    name: 'gateway_dlq_depth',
    help: 'Dead letters waiting for an operator, by the topic of their kind; counted when asked.',
    labelNames: ['topic'],
    registers: [this.registry],
    collect: () => this.countDeadLetters(),
  })
  private deadLetterDepths: (() => Promise<ReadonlyMap<string, number>>) | undefined

  /** Node's own figures (memory, event loop, garbage collection) come along. */
  constructor() {
    collectDefaultMetrics({ register: this.registry })
  }

  async scrape(): Promise<{ contentType: string; body: string }> {
    return { contentType: this.registry.contentType, body: await this.registry.metrics() }
  }

  // Actors
  active(type: string, change: 1 | -1): void {
    this.actorActive.inc({ type }, change)
  }
  mailboxDepth(type: string, depth: number): void {
    this.actorMailbox.set({ type }, depth)
  }
  handled(type: string, outcome: 'ok' | 'failed' | 'duplicate' | 'dead', seconds: number): void {
    this.actorMessages.inc({ type, outcome })
    this.actorSeconds.observe({ type }, seconds)
    if (type === 'session') this.conversationMessages.inc({ result: resultOf[outcome] })
  }
  restarted(type: string, reason: string): void {
    this.actorRestarts.inc({ type, reason })
  }
  activated(type: string): void {
    this.actorActivations.inc({ type })
  }
  passivated(type: string, reason: 'idle' | 'memory' | 'drain'): void {
    this.actorPassivations.inc({ type, reason })
  }
  deadLettered(type: string, cause: string): void {
    this.actorDeadLetters.inc({ type, cause })
  }
  quarantined(type: string, change: 1 | -1): void {
    this.actorQuarantined.inc({ type }, change)
  }

  // Tools
  finished(tool: string, outcome: string): void {
    this.toolRequests.inc({ tool, outcome })
  }
  decided(tool: string, decision: 'allow' | 'deny' | 'unavailable'): void {
    this.toolDecisions.inc({ tool, decision })
  }
  ran(tool: string, seconds: number): void {
    this.toolSeconds.observe({ tool }, seconds)
  }
  inflight(tool: string, change: 1 | -1): void {
    this.toolInflight.inc({ tool }, change)
  }

  // Turns (turn-metrics.ts)
  turnEnded(outcome: string, seconds: number): void {
    this.conversationSeconds.observe({ path: outcome }, seconds)
  }
  modelUsed(promptTokens: number, completionTokens: number, dollars: number): void {
    this.modelTokens.inc({ kind: 'prompt' }, promptTokens)
    this.modelTokens.inc({ kind: 'completion' }, completionTokens)
    this.modelDollars.inc(dollars)
  }

  // Storage and mailbox (measured.ts)
  appended(kind: string, status: string, seconds: number): void {
    this.journalAppends.inc({ kind, status })
    this.journalSeconds.observe({ kind }, seconds)
  }
  recordWritten(operation: 'claim' | 'append', status: 'ok' | 'error', seconds: number): void {
    this.envelopeWrites.inc({ operation, status })
    this.envelopeSeconds.observe({ operation }, seconds)
  }
  snapshot(operation: 'load' | 'save' | 'remove', result: 'hit' | 'miss' | 'ok'): void {
    this.envelopeCache.inc({ operation, result })
  }
  outbox(action: 'write' | 'relay', result: 'ok' | 'error', count: number): void {
    if (count > 0) this.outboxEvents.inc({ action, result }, count)
  }
  publishedAll(result: 'ok' | 'full' | 'error', count: number, seconds: number): void {
    this.published.inc({ result }, count)
    this.outboxSeconds.observe(seconds)
  }

  // Gateway
  /** `route` is the pattern (`/v1/sessions/:id`), never the path asked for. */
  request(method: string, route: string, status: number, seconds: number): void {
    this.gatewayRequests.inc({ method, route, status: String(status) })
    this.gatewaySeconds.observe({ method, route }, seconds)
  }
  streams(open: number): void {
    this.gatewayStreams.set(open)
  }
  /** `depths` is asked at every scrape. */
  watchDeadLetters(depths: () => Promise<ReadonlyMap<string, number>>): void {
    this.deadLetterDepths = depths
  }
  private async countDeadLetters(): Promise<void> {
    // While the journal is down the rest of the scrape is what an operator needs; an old depth would be a false one.
    const depths = await this.deadLetterDepths?.().catch(() => undefined)
    this.dlqDepth.reset()
    for (const [topic, depth] of depths ?? []) this.dlqDepth.set({ topic }, depth)
  }

  private counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] })
  }
  private gauge<L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] })
  }
  private histogram<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets = quick,
  ): Histogram<L> {
    return new Histogram({ name, help, labelNames, buckets: [...buckets], registers: [this.registry] })
  }
}

/** Seconds. The goals to be seen lie between 0.3 ms (an append) and 25 ms (a delta). */
const quick: readonly number[] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]
/** Models and tools take seconds. */
const slow: readonly number[] = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

const resultOf = { ok: 'success', failed: 'error', duplicate: 'duplicate', dead: 'dead_letter' } as const
