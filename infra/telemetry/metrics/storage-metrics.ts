import { Instruments, pieces } from './instruments.ts'

/** Journal, session records, snapshots, outbox. measured.ts stands around the contracts and counts here. */
export class StorageMetrics extends Instruments {
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
  private readonly snapshotSeconds = this.histogram(
    'soma_snapshot_load_seconds',
    'Time to load a snapshot: hit or miss.',
    ['result'],
  )
  private readonly journalAppends = this.counter(
    'soma_journal_appends_total',
    'Appends by what the journal answered.',
    ['kind', 'status'],
  )
  private readonly journalSeconds = this.histogram('soma_journal_append_seconds', 'Time until an append is durable.', [
    'kind',
  ])
  private readonly batchSize = this.histogram('soma_journal_batch_size', 'Appends that one commit carried.', [], pieces)
  private readonly batchSeconds = this.histogram('soma_journal_batch_seconds', 'Time of one commit: ok or error.', [
    'result',
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

  appended(kind: string, status: string, seconds: number): void {
    this.journalAppends.inc({ kind, status })
    this.journalSeconds.observe({ kind }, seconds)
  }
  journalBatch(size: number, seconds: number, result: 'ok' | 'error'): void {
    this.batchSize.observe(size)
    this.batchSeconds.observe({ result }, seconds)
  }
  recordWritten(operation: 'claim' | 'append', status: 'ok' | 'error', seconds: number): void {
    this.envelopeWrites.inc({ operation, status })
    this.envelopeSeconds.observe({ operation }, seconds)
  }
  snapshot(operation: 'load' | 'save' | 'remove', result: 'hit' | 'miss' | 'ok'): void {
    this.envelopeCache.inc({ operation, result })
  }
  snapshotLoaded(result: 'hit' | 'miss', seconds: number): void {
    this.snapshotSeconds.observe({ result }, seconds)
  }
  outbox(action: 'write' | 'relay', result: 'ok' | 'error', count: number): void {
    if (count > 0) this.outboxEvents.inc({ action, result }, count)
  }
  publishedAll(result: 'ok' | 'full' | 'error', count: number, seconds: number): void {
    this.published.inc({ result }, count)
    this.outboxSeconds.observe(seconds)
  }
}
