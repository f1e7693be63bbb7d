import { fdatasyncSync } from 'node:fs'
import { PGlite } from '@electric-sql/pglite'

interface Stream {
  /** The file descriptor of Node behind Emscripten's; directories have none. */
  readonly nfd?: number
  readonly stream_ops: { fsync?: (stream: Stream) => number }
}

/** PGlite starts Postgres with -F (fsync off). These are its arguments without it, and with the one method that reaches Node. */
export const fsyncParams = [...PGlite.defaultStartParams.filter((it) => it !== '-F'), '-c', 'wal_sync_method=fsync']

/**
 * Makes a commit wait for the disk, so that it survives the loss of power and not only of the process. Emscripten's file
 * system for Node has no fsync at all: without this hook `fsync = on` would be a promise that nothing keeps.
 */
export function syncToDisk(database: PGlite): void {
  // Not in PGlite's types: the operations that all its files share.
  const { FS } = (
    database as unknown as { Module: { FS: { open(path: string, flags: string): Stream; close(it: Stream): void } } }
  ).Module
  const file = FS.open('/pglite/data/PG_VERSION', 'r')
  file.stream_ops.fsync = ({ nfd }) => {
    if (nfd !== undefined) fdatasyncSync(nfd)
    return 0
  }
  FS.close(file)
}
