import { kindOf } from '../../actors/kernel/address.ts'
import type { BatchObserver } from '../../actors/kernel/batcher.ts'
import { isFailure } from '../../actors/kernel/failure.ts'
import type { Epochs } from '../../persistence/epochs.ts'
import type { Journal, SessionRecords } from '../../persistence/journal.ts'
import { journalAround } from '../../persistence/journal-around.ts'
import type { Snapshots } from '../../persistence/snapshots.ts'
import type { Mailbox } from '../../transports/mailbox.ts'
import type { Metrics } from './metrics.ts'
import { UnsettledDeliveries } from './unsettled.ts'

/**
 * The storage and mailbox contracts, counted. Measuring stands around an implementation, so that every one of them is
 * counted alike and none knows of it.
 */

/** `seconds` is monotonic time: a corrected wall clock must not make a negative duration. */
export type Seconds = () => number
export const monotonicSeconds: Seconds = () => performance.now() / 1_000

export function measuredJournal(journal: Journal, metrics: Metrics, seconds: Seconds = monotonicSeconds): Journal {
  return journalAround(journal, {
    async append(append) {
      const from = seconds()
      const kind = kindOf(append.address)
      try {
        const result = await journal.append(append)
        metrics.appended(kind, result.status, seconds() - from)
        if (result.status === 'appended') metrics.outbox('write', 'ok', append.outbox.length)
        if (append.record) metrics.recordWritten('append', 'ok', seconds() - from)
        return result
      } catch (error) {
        metrics.appended(kind, 'error', seconds() - from)
        metrics.outbox('write', 'error', append.outbox.length)
        if (append.record) metrics.recordWritten('append', 'error', seconds() - from)
        throw error
      }
    },
    async relayed(ids) {
      await journal.relayed(ids)
      metrics.outbox('relay', 'ok', ids.length)
    },
  })
}

export function measuredRecords(records: SessionRecords, metrics: Metrics, seconds = monotonicSeconds): SessionRecords {
  return {
    async claim(record) {
      const from = seconds()
      try {
        const claimed = await records.claim(record)
        metrics.recordWritten('claim', 'ok', seconds() - from)
        return claimed
      } catch (error) {
        metrics.recordWritten('claim', 'error', seconds() - from)
        throw error
      }
    },
    get: (id) => records.get(id),
    list: (query) => records.list(query),
  }
}

/** For the journal's commits: `persistence.observeAppends(measuredBatches(metrics))`. */
export function measuredBatches(metrics: Metrics, seconds: Seconds = monotonicSeconds): BatchObserver {
  return (size) => {
    const from = seconds()
    return (result) => metrics.journalBatch(size, seconds() - from, result)
  }
}

/** Epochs taken, and the shards of a process that is alone; in a cluster ownership counts its own. */
export function measuredEpochs(epochs: Epochs, metrics: Metrics): Epochs {
  return {
    async claim(nodeId, kind, shards) {
      const leases = await epochs.claim(nodeId, kind, shards)
      metrics.shardsOwned(kind, leases.length)
      for (const { epoch } of leases) metrics.epochTaken(kind, epoch)
      return leases
    },
    async takeOver(nodeId, seen) {
      const leases = await epochs.takeOver(nodeId, seen)
      for (const { kind, epoch } of leases) metrics.epochTaken(kind, epoch)
      return leases
    },
    release: (leases) => epochs.release(leases),
    list: (kind) => epochs.list(kind),
  }
}

export function measuredSnapshots(snapshots: Snapshots, metrics: Metrics, seconds = monotonicSeconds): Snapshots {
  return {
    async load(address) {
      const from = seconds()
      const snapshot = await snapshots.load(address)
      const result = snapshot ? 'hit' : 'miss'
      metrics.snapshot('load', result)
      metrics.snapshotLoaded(result, seconds() - from)
      return snapshot
    },
    async save(address, snapshot) {
      await snapshots.save(address, snapshot)
      metrics.snapshot('save', 'ok')
    },
    async remove(address) {
      await snapshots.remove(address)
      metrics.snapshot('remove', 'ok')
    },
  }
}

export function measuredMailbox(mailbox: Mailbox, metrics: Metrics, seconds: Seconds = monotonicSeconds): Mailbox {
  const counted = async (count: number, send: () => Promise<void>) => {
    const from = seconds()
    try {
      await send()
      metrics.publishedAll('ok', count, seconds() - from)
    } catch (error) {
      metrics.publishedAll(isFailure(error, 'MAILBOX_FULL') ? 'full' : 'error', count, seconds() - from)
      throw error
    }
  }
  const unsettled = new UnsettledDeliveries(seconds)
  metrics.watchUnsettled(() => unsettled.oldest())
  return {
    send: (envelope) => counted(1, () => mailbox.send(envelope)),
    sendAll: (envelopes) => counted(envelopes.length, () => mailbox.sendAll(envelopes)),
    receive: (kind, shards, receive) => unsettled.watch(receive, (watched) => mailbox.receive(kind, shards, watched)),
    backlog: (kind) => mailbox.backlog(kind),
    close: () => mailbox.close(),
  }
}
