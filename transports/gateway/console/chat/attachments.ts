import { postForm } from '../api/call.ts'

/** A file on its way to the next message. */
export interface Attachment {
  readonly key: string
  readonly name: string
  readonly size: number
  readonly state: 'uploading' | 'ready' | 'refused'
  /** What the message names it by. */
  readonly path?: string
  /** Why it is refused. */
  readonly reason?: string
}

interface Uploaded {
  readonly id: string
  readonly filename: string
  readonly mime: string
  readonly size: number
  readonly status: string
  readonly quarantine_reason: string | null
  readonly path: string
}

/** Uploads one file for the session. A quarantined one is no attachment: the service will not give it to a model. */
export async function upload(sessionId: string, key: string, file: File): Promise<Attachment> {
  const form = new FormData()
  form.append('session_id', sessionId)
  form.append('files', file)
  const about = { key, name: file.name, size: file.size }
  const [uploaded] = await postForm<readonly Uploaded[]>('/v1/uploads', form)
  if (!uploaded) return { ...about, state: 'refused', reason: 'The service took no file.' }
  if (uploaded.quarantine_reason) return { ...about, state: 'refused', reason: uploaded.quarantine_reason }
  return { ...about, state: 'ready', path: uploaded.path }
}

export function sizeWords(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`
  return bytes < 1_048_576 ? `${Math.round(bytes / 1_024)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`
}
