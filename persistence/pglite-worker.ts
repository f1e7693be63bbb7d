import { setFlagsFromString } from 'node:v8'
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import type { WorkerReply, WorkerRequest, WorkerStart } from './pglite-bridge.ts'
import { fsyncParams, syncToDisk } from './pglite-fsync.ts'
import { PreparedStatements } from './pglite-statements.ts'
import { PgliteUpkeep } from './pglite-upkeep.ts'

/** The thread that PGlite runs in. Statements arrive and are answered in order; an error without SQLSTATE ends the thread. */
const port = parentPort
if (port === null) throw new Error('pglite-worker.js is started by pglite-sql.ts')

// By default V8 optimises a function of WebAssembly after so little work that it does so for what only a start needs:
// half of all the CPU that a start takes (1.1 s, with two cores in demand of it). Eleven times later costs no turn anything.
setFlagsFromString('--wasm-tiering-budget=20000000')

const { dataDir, fsync } = workerData as WorkerStart
// The 128 MB of shared buffers that initdb writes down are cleared at every start (0.1 s) and resident ever after; reads
// beyond a quarter of them come from the system's cache, and appends are as fast. Nobody reads the statistics.
const settings = ['shared_buffers=32MB', 'wal_buffers=4MB', 'track_counts=off', 'track_activities=off']
const startParams = [...(fsync ? fsyncParams : PGlite.defaultStartParams), ...settings.flatMap((it) => ['-c', it])]
const database = await PGlite.create({ dataDir, startParams })
if (fsync) syncToDisk(database)
const statements = await PreparedStatements.on(database)
const upkeep = new PgliteUpkeep(database, statements)
let queue: Promise<void> = Promise.resolve()

port.on('message', (request: WorkerRequest) => {
  queue = queue.then(() => answer(request))
})
port.postMessage({ id: 0, rows: [] } satisfies WorkerReply)

async function answer(request: WorkerRequest): Promise<void> {
  try {
    port?.postMessage({ id: request.id, rows: await run(request) } satisfies WorkerReply)
    await upkeep.afterStatement()
  } catch (error) {
    const { message, code, severity } = error as Error & { code?: string; severity?: string }
    port?.postMessage({ id: request.id, error: { message, code } } satisfies WorkerReply)
    // A PANIC (no room for the write-ahead log), or a fault of WebAssembly, which has no SQLSTATE: this memory is not to be
    // trusted any more, and the next statement would hang. What was acknowledged is in the log, from which the next thread
    // recovers.
    if (code === undefined || severity === 'PANIC' || severity === 'FATAL') process.exit(1)
  }
}

async function run(request: WorkerRequest): Promise<unknown[]> {
  switch (request.kind) {
    case 'query':
      return statements.query(request.text, request.params)
    case 'exec':
      await database.exec(request.text)
      return []
    case 'close':
      await database.close()
      return []
  }
}
