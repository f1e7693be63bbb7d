import type { FailureCode } from '../../actors/kernel/failure.ts'
import type { IndexEntry, IndexHit, IndexQuery } from '../../actors/memory/index/memory-index.ts'

/** What goes to an index thread, handled in this order; `index` names one of the indexes that it holds. */
export type IndexRequest =
  | { readonly kind: 'put'; readonly index: number; readonly id: number; readonly entries: readonly IndexEntry[] }
  | { readonly kind: 'remove'; readonly index: number; readonly id: number; readonly keys: readonly string[] }
  | { readonly kind: 'search'; readonly index: number; readonly id: number; readonly query: IndexQuery }
  | { readonly kind: 'close'; readonly index: number; readonly id: number }

/** Every request is answered once. */
export type IndexReply =
  | { readonly id: number; readonly hits?: readonly IndexHit[] }
  | { readonly id: number; readonly error: { readonly code: FailureCode; readonly detail: string } }

/** Said once, before any answer. */
export interface IndexThreadReady {
  /** Whether vectors are indexed; without, they are compared one by one. */
  readonly approximate: boolean
}
