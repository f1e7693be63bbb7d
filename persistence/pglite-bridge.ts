import type { SqlText } from './pglite-parameters.ts'

/** What passes between pglite-sql.ts and its thread (pglite-worker.ts). The reply with id 0 says that the database is open. */
export interface WorkerStart {
  readonly dataDir: string
  readonly fsync: boolean
}

export type WorkerRequest =
  | { readonly id: number; readonly kind: 'query'; readonly text: string; readonly params: readonly SqlText[] }
  | { readonly id: number; readonly kind: 'exec'; readonly text: string }
  | { readonly id: number; readonly kind: 'close' }

export interface WorkerReply {
  readonly id: number
  readonly rows?: readonly unknown[]
  readonly error?: { readonly message: string; readonly code: string | undefined }
}
