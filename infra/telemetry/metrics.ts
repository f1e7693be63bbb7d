import type { ActorMetrics } from '../../actors/kernel/telemetry.ts'
import type { ToolMetrics } from '../../actors/tool/tool-metrics.ts'
import type { GatewayMetrics } from '../../transports/gateway/gateway.ts'
import { ClusterMetrics } from './metrics/cluster-metrics.ts'
import { slow } from './metrics/instruments.ts'

/**
 * Every metric of one service instance, on a registry of its own. Names without `soma_` are those that dashboards of the
 * old stack ask for. A label never takes a value that a client can invent (session, tenant, URL): its number must be bounded.
 * docs/METRICS.md is compared with this registry by a spec; docs-tables.ts writes it.
 */
export class Metrics extends ClusterMetrics implements ActorMetrics, ToolMetrics, GatewayMetrics {
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
  private readonly turnsFailed = this.counter(
    'soma_turns_failed_total',
    'Turns that ended with a failure, by its code.',
    ['code'],
  )
  private readonly modelTokens = this.counter('soma_model_tokens_total', 'Tokens used: prompt or completion.', ['kind'])
  private readonly modelDollars = this.counter(
    'soma_model_cost_dollars_total',
    'Cost of model calls at the configured prices.',
    [],
  )

  private memoryCounts: (() => { readonly shards: number; readonly memories: number }) | undefined
  /** Never read: the registry has it, and asks. */
  protected readonly memoriesHeld = this.askedGauge(
    'soma_memory_held',
    'Of the memory shards in memory here: how many shards, and how many memories their indexes hold.',
    'what',
    () => this.memoryCounts && new Map(Object.entries(this.memoryCounts())),
  )
  private readonly memoryRequests = this.counter(
    'soma_memory_requests_total',
    'Requests to memory made here, by remember, recall or forget: ok or error.',
    ['operation', 'result'],
  )
  private readonly memorySeconds = this.histogram(
    'soma_memory_request_seconds',
    'Of a change, until it is applied and searchable; of a recall, until it is answered.',
    ['operation'],
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

  private readonly toolWaiting = this.gauge('tool_executor_waiting', 'Tool calls waiting for a slot.', ['tool'])
  private readonly toolRefused = this.counter(
    'tool_executor_refused_total',
    'Tool calls that were not run: queue-full, circuit-open, disabled or no-slot.',
    ['tool', 'reason'],
  )
  private readonly toolRetried = this.counter(
    'tool_executor_retries_total',
    'Attempts that failed for now and are followed by another.',
    ['tool'],
  )
  private readonly toolRequeued = this.counter(
    'tool_executor_requeue_total',
    'Denied calls by what became of them: denied (waits for an operator), allow or deny (resolved).',
    ['tool', 'reason'],
  )
  private readonly circuits = {
    opened: this.counter('circuit_breaker_opened_total', 'Circuit breakers of tools that opened.', ['tool']),
    closed: this.counter('circuit_breaker_closed_total', 'Circuit breakers of tools that closed again.', ['tool']),
    trial: this.counter('circuit_breaker_trial_total', 'Calls that tried a tool whose breaker was open.', ['tool']),
  }

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
  private readonly spans = this.counter('soma_trace_spans_total', 'Spans sent to OTLP_ENDPOINT: ok or error (lost).', [
    'result',
  ])
  private deadLetterDepths: (() => Promise<ReadonlyMap<string, number>>) | undefined
  /** Never read: the registry has it, and asks. */
  protected readonly dlqDepth = this.askedGauge(
    'gateway_dlq_depth',
    'Dead letters waiting for an operator, by the topic of their kind; counted when asked.',
    'topic',
    () => this.deadLetterDepths?.(),
  )

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

  waiting(tool: string, change: 1 | -1): void {
    this.toolWaiting.inc({ tool }, change)
  }
  refused(tool: string, reason: string): void {
    this.toolRefused.inc({ tool, reason })
  }
  retried(tool: string): void {
    this.toolRetried.inc({ tool })
  }
  requeued(tool: string, reason: 'denied' | 'allow' | 'deny'): void {
    this.toolRequeued.inc({ tool, reason })
  }
  circuit(tool: string, change: 'opened' | 'closed' | 'trial'): void {
    this.circuits[change].inc({ tool })
  }

  // Turns (turn-metrics.ts)
  turnEnded(outcome: string, seconds: number): void {
    this.conversationSeconds.observe({ path: outcome }, seconds)
  }
  turnFailed(code: string): void {
    this.turnsFailed.inc({ code })
  }
  modelUsed(promptTokens: number, completionTokens: number, dollars: number): void {
    this.modelTokens.inc({ kind: 'prompt' }, promptTokens)
    this.modelTokens.inc({ kind: 'completion' }, completionTokens)
    this.modelDollars.inc(dollars)
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
  /** Asked at every scrape. */
  watchMemories(counts: () => { readonly shards: number; readonly memories: number }): void {
    this.memoryCounts = counts
  }
  /** `seconds`: of a change, from the request until it is applied; of a recall, until it is answered. */
  memoryAsked(operation: 'remember' | 'recall' | 'forget', result: 'ok' | 'error', seconds: number): void {
    this.memoryRequests.inc({ operation, result })
    this.memorySeconds.observe({ operation }, seconds)
  }
  spansSent(result: 'ok' | 'error', count: number): void {
    this.spans.inc({ result }, count)
  }
  /** `depths` is asked at every scrape. */
  watchDeadLetters(depths: () => Promise<ReadonlyMap<string, number>>): void {
    this.deadLetterDepths = depths
  }
}

const resultOf = { ok: 'success', failed: 'error', duplicate: 'duplicate', dead: 'dead_letter' } as const
