import type { Journal } from '../../persistence/journal.ts'
import type { MemoryRows } from '../../persistence/memory-rows.ts'
import type { Mailbox } from '../../transports/mailbox.ts'
import type { Address } from '../kernel/address.ts'
import type { Clock } from '../kernel/clock.ts'
import { asFailure, Failure } from '../kernel/failure.ts'
import { pause } from '../kernel/pause.ts'
import type { Policy } from '../kernel/policy.ts'
import { traceId } from '../kernel/tracing.ts'
import { checkForgetting, checkRemembering, DEFAULT_NAMESPACE } from './asked.ts'
import { authorizeWrite } from './authorize.ts'
import { coordinateOf } from './coordinate.ts'
import type { Embedder } from './index/memory-index.ts'
import { itemOf } from './item.ts'
import type {
  Forgetting,
  Forgotten,
  Memory,
  MemoryCaller,
  MemoryItem,
  MemoryList,
  Recalled,
  Recalling,
  Remembered,
  Remembering,
} from './memory.ts'
import { outcomeInJournal } from './outcome.ts'
import type { MemoryOwners } from './owners.ts'
import { layerOf, shardAddressOf } from './place.ts'
import type { Author, MemoryCommand, MemoryOutcome } from './protocol.ts'
import { recall } from './recall.ts'

export interface MemoryDoorParts {
  readonly mailbox: Pick<Mailbox, 'send'>
  readonly owners: MemoryOwners
  readonly rows: Pick<MemoryRows, 'get' | 'list' | 'namespaces' | 'namespaceNames'>
  readonly journal: Pick<Journal, 'wasApplied' | 'head' | 'read'>
  readonly policy: Policy
  readonly embedder?: Embedder | undefined
  readonly clock: Clock
}

/** How long a writer waits to hear that its change is applied. A takeover takes 3 s. */
const APPLIED_MS = 15_000
const ASK_MS = 2_000
const FIRST_RETRY_MS = 25
const LAST_RETRY_MS = 500
/** Of what a query finds, only what is clearly meant is forgotten. */
export const MIN_FORGET_SCORE = 0.5
const LONG_AGO = 'This request was applied long ago; what exactly it did is no longer at hand.'

/** The one implementation of Memory, the same in every process: its parts know who owns what. */
export class MemoryDoor implements Memory {
  private readonly parts: MemoryDoorParts

  constructor(parts: MemoryDoorParts) {
    this.parts = parts
  }

  async remember(asked: Remembering, by: MemoryCaller): Promise<Remembered> {
    const { namespace, memory, ttlSeconds } = checkRemembering(asked)
    const { key, universe, tags } = memory
    const write = { operation: 'remember', namespace, keys: [key], universe, tags } as const
    const decision = await authorizeWrite(this.parts.policy, write, by, this.parts.clock) // D3
    const outcome = await this.apply(shardAddressOf(by.tenant, namespace, key), by, by.requestId, {
      ...{ kind: 'Remember', v: 1, namespace, memory, author: authorOf(by), decision },
      ...(ttlSeconds !== undefined && { ttlSeconds }),
    })
    const told = { key, namespace, universe, layer: layerOf(namespace), coordinate: coordinateOf(universe, key) }
    if (outcome === 'long-ago') return { ...told, replaced: false, evicted: [], warnings: [LONG_AGO] }
    if (outcome.kind === 'refused') throw new Failure(outcome.code, outcome.detail)
    if (outcome.kind === 'forgotten') throw new Failure('IDEMPOTENCY_CONFLICT', 'This request id was one to forget.')
    const { replaced, duplicateOf, evicted, expiresAt } = outcome
    return {
      ...{ ...told, replaced, evicted, warnings: [] },
      ...(duplicateOf !== undefined && { duplicateOf }),
      ...(expiresAt !== undefined && { expiresAt }),
    }
  }

  recall(asked: Recalling, by: MemoryCaller): Promise<Recalled> {
    return recall(this.parts, asked, by)
  }

  async forget(asked: Forgetting, by: MemoryCaller): Promise<Forgotten> {
    const { keys: given, query, ...scope } = checkForgetting(asked)
    const warnings: string[] = []
    const meant: { namespace: string; key: string }[] = []
    if (query !== undefined) {
      const found = await this.recall({ ...scope, query, minScore: scope.minScore ?? MIN_FORGET_SCORE }, by)
      warnings.push(...found.warnings)
      meant.push(...found.results)
    } else {
      const namespace = scope.namespace ?? DEFAULT_NAMESPACE
      for (const key of new Set(given)) meant.push({ namespace, key })
    }
    const keys = (await Promise.all(byNamespace(meant).map(([of, some]) => this.forgetIn(of, some, by)))).flat()
    if (keys.includes(undefined)) warnings.push(LONG_AGO)
    const forgotten = keys.filter((key) => key !== undefined)
    return { forgotten: forgotten.length, keys: forgotten, warnings }
  }

  async get(tenant: string, namespace: string, key: string): Promise<MemoryItem | undefined> {
    const places = [{ address: shardAddressOf(tenant, namespace, key), key }]
    const [row] = await this.parts.rows.get(tenant, places, this.parts.clock.now())
    return row && itemOf(row)
  }

  async list({ tenant, namespace, universe, tag, search, limit, before }: MemoryList) {
    const { rows, next } = await this.parts.rows.list({
      ...{ tenant, limit, now: this.parts.clock.now() },
      ...(namespace !== undefined && { namespace }),
      ...(universe !== undefined && { universe }),
      ...(tag !== undefined && { tag }),
      ...(search !== undefined && { search }),
      ...(before !== undefined && { before }),
    })
    return { memories: rows.map(itemOf), ...(next !== undefined && { next }) }
  }

  namespaces(tenant: string) {
    return this.parts.rows.namespaces(tenant, this.parts.clock.now())
  }

  /** Undefined in place of keys that can no longer be told. */
  private async forgetIn(
    namespace: string,
    keys: readonly string[],
    by: MemoryCaller,
  ): Promise<(string | undefined)[]> {
    const decision = await authorizeWrite(
      this.parts.policy,
      { operation: 'forget', namespace, keys },
      by,
      this.parts.clock,
    )
    const shards = new Map<Address, string[]>()
    for (const key of keys) {
      const address = shardAddressOf(by.tenant, namespace, key)
      shards.set(address, [...(shards.get(address) ?? []), key])
    }
    const outcomes = await Promise.all(
      [...shards].map(([address, own]) =>
        this.apply(address, by, by.requestId, {
          ...{ kind: 'Forget', v: 1, namespace, keys: own, author: authorOf(by), decision },
        }),
      ),
    )
    return outcomes.flatMap((outcome): readonly (string | undefined)[] => {
      if (outcome === 'long-ago') return [undefined]
      if (outcome.kind === 'forgotten') return outcome.keys
      throw new Failure('IDEMPOTENCY_CONFLICT', 'This request id was one to remember.')
    })
  }

  /** D2: sent once for all attempts, as the id is that of the request; then asked for until it is known to be applied. */
  private async apply(
    address: Address,
    { tenant, trace = {} }: MemoryCaller,
    envelopeId: string,
    body: MemoryCommand,
  ): Promise<MemoryOutcome | 'long-ago'> {
    const { mailbox, owners, journal, clock } = this.parts
    const sentAt = clock.now()
    await mailbox.send({ id: envelopeId, to: address, from: 'memory', tenant, priority: 'normal', trace, sentAt, body })
    let why = 'nobody was asked'
    for (let delay = FIRST_RETRY_MS; clock.now() - sentAt < APPLIED_MS; delay = Math.min(delay * 2, LAST_RETRY_MS)) {
      try {
        return await owners.outcome(address, envelopeId, ASK_MS)
      } catch (error) {
        why = asFailure(error).detail
      }
      // Whoever cannot be asked may have applied it all the same: the journal knows.
      const known = await outcomeInJournal(journal, address, envelopeId).catch(() => undefined)
      if (known) return known
      await pause(clock, delay)
    }
    throw new Failure(
      'MEMORY_UNAVAILABLE',
      `The change is accepted and not lost, but was not applied within ${APPLIED_MS} ms: ${why}.`,
      { retryAfter: 5 },
    )
  }
}

function authorOf({ role, sessionId, personaId, requestId, trace = {} }: MemoryCaller): Author {
  const id = traceId(trace.traceparent)
  return {
    ...{ role, requestId },
    ...(sessionId !== undefined && { sessionId }),
    ...(personaId !== undefined && { personaId }),
    ...(id !== undefined && { traceId: id }),
  }
}

function byNamespace(memories: readonly { namespace: string; key: string }[]): [string, string[]][] {
  const groups = new Map<string, string[]>()
  for (const { namespace, key } of memories) groups.set(namespace, [...(groups.get(namespace) ?? []), key])
  return [...groups]
}
