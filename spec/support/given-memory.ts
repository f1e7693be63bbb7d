import type { CommandMeta } from '../../actors/kernel/behaviour.ts'
import type { PolicyDecision } from '../../actors/kernel/policy.ts'
import type { Command, KnownRemember } from '../../actors/memory/behaviour.ts'
import { contentHashOf } from '../../actors/memory/content-hash.ts'
import { shardAddressOf } from '../../actors/memory/place.ts'
import type { Author, MemoryContent } from '../../actors/memory/protocol.ts'
import type { NewMemoryRow } from '../../persistence/memory-rows.ts'
import { AT } from './given-append.ts'

export const mayWrite: PolicyDecision = { id: 'd-1', allow: true, reason: 'It may.', policy: 'spec#0' }
export const author: Author = { role: 'user', requestId: 'r-1' }

export function aContent(over: Partial<MemoryContent> = {}): MemoryContent {
  return { key: 'k', text: 'hello', value: null, tags: [], universe: 'real', importance: 0.5, ...over }
}

export function remember(
  over: Partial<MemoryContent> = {},
  more: Partial<Pick<KnownRemember, 'known' | 'ttlSeconds' | 'namespace'>> = {},
): KnownRemember {
  return {
    kind: 'Remember',
    v: 1,
    namespace: 'default',
    memory: aContent(over),
    author,
    decision: mayWrite,
    ...more,
  }
}

export function forget(keys: readonly string[], there: readonly string[] = keys): Command {
  return { kind: 'Forget', v: 1, namespace: 'default', keys, there, author, decision: mayWrite }
}

export function metaAt(now: number, over: Partial<CommandMeta> = {}): CommandMeta {
  return { now, envelopeId: 'e-1', tenant: 'acme', from: 'memory', nextSeq: 1, ...over }
}

/** A row as an append puts it. */
export function aRow(over: Partial<NewMemoryRow> = {}): NewMemoryRow {
  const content = aContent({ ...(over.key !== undefined && { key: over.key }), text: over.text ?? 'hello' })
  return {
    ...content,
    tenant: 'acme',
    namespace: 'default',
    contentHash: contentHashOf({ ...content, ...over }),
    seq: 1,
    createdAt: AT,
    updatedAt: AT,
    ...over,
  }
}

export function placeOf(row: Pick<NewMemoryRow, 'tenant' | 'namespace' | 'key'>) {
  return { address: shardAddressOf(row.tenant, row.namespace, row.key), key: row.key }
}
