import type { Page, Wanted } from './pages.ts'

/** What the thread that reads documents is asked and answers. */
export interface DocumentJob {
  readonly bytes: Uint8Array
  readonly mime: string
  readonly wanted: Wanted
  /** As much text as anybody will see: pages beyond it are not read. */
  readonly characters: number
}

export type DocumentAnswer =
  | { readonly ok: true; readonly pages: readonly Page[]; readonly total: number }
  /** Completes "the document …". */
  | { readonly ok: false; readonly why: string }

export const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'
