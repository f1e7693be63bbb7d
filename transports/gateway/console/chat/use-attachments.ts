import { useState } from 'preact/hooks'
import { newUuid, uniqueKey } from '../browser.ts'
import { type Attachment, upload } from './attachments.ts'

/** Files that are dropped, pasted or chosen: uploaded at once, for the session that there is or will be. */
export function useAttachments(sessionId: string | undefined) {
  const [files, setFiles] = useState<readonly Attachment[]>([])
  // A session that is not begun yet gets its name here, so that its first message may carry files.
  const [name, setName] = useState<string>()

  function add(list: Iterable<File>) {
    const session = sessionId ?? name ?? newUuid()
    if (sessionId === undefined) setName(session)
    for (const file of list) {
      const key = uniqueKey()
      setFiles((now) => [...now, { key, name: file.name, size: file.size, state: 'uploading' }])
      const put = (fresh: Attachment) => setFiles((now) => now.map((one) => (one.key === key ? fresh : one)))
      upload(session, key, file).then(put, (error: Error) =>
        put({ key, name: file.name, size: file.size, state: 'refused', reason: error.message }),
      )
    }
  }

  return {
    files,
    add,
    remove: (key: string) => setFiles((now) => now.filter((one) => one.key !== key)),
    clear() {
      setFiles([])
      setName(undefined)
    },
    paths: files.flatMap(({ path }) => path ?? []),
    uploading: files.some(({ state }) => state === 'uploading'),
    /** Of the session that begins with these files. */
    newSession: files.length > 0 ? name : undefined,
  }
}
