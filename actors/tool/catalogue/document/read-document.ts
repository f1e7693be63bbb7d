import { Worker } from 'node:worker_threads'
import { Failure } from '../../../kernel/failure.ts'
import type { DocumentAnswer, DocumentJob } from './document-job.ts'

/** A hostile document may take this much of one core and of memory, and then it is over. */
const LIMIT_MS = 30_000
const HEAP_MB = 256
/** More would only take memory from each other: the tool's concurrency. */
export const AT_ONCE = 2

/**
 * The pages of a document, read in a thread of its own: whatever the document does, this process goes on.
 * Throws DOCUMENT_UNREADABLE, or the signal's reason.
 */
export async function readDocument(
  job: DocumentJob,
  signal: AbortSignal,
): Promise<Extract<DocumentAnswer, { ok: true }>> {
  try {
    const answer = await inThread(job, AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]))
    if (!answer.ok) throw new Failure('DOCUMENT_UNREADABLE', `The document ${answer.why}.`)
    return answer
  } catch (error) {
    if (!signal.aborted && (error as Error).name === 'TimeoutError') {
      throw new Failure('DOCUMENT_UNREADABLE', `The document could not be read within ${LIMIT_MS / 1_000} s.`)
    }
    throw error
  }
}

function inThread(job: DocumentJob, signal: AbortSignal): Promise<DocumentAnswer> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./document-worker.js', import.meta.url), {
      workerData: job,
      // What a parser writes to the console is about its own affairs.
      stdout: true,
      stderr: true,
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 },
    })
    const end = () => {
      signal.removeEventListener('abort', stop)
      void worker.terminate()
    }
    const stop = () => {
      end()
      reject(signal.reason)
    }
    if (signal.aborted) return stop()
    signal.addEventListener('abort', stop, { once: true })
    worker.once('message', (answer: DocumentAnswer) => {
      end()
      resolve(answer)
    })
    worker.once('error', (error: NodeJS.ErrnoException) => {
      end()
      const memory = error.code === 'ERR_WORKER_OUT_OF_MEMORY'
      resolve({ ok: false, why: memory ? `needs more than ${HEAP_MB} MB to be read` : `is damaged (${error.message})` })
    })
    worker.once('exit', () => resolve({ ok: false, why: 'ended the thread that read it' }))
  })
}
