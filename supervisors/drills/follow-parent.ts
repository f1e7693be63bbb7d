/**
 * Preloaded into every process that service-process.ts starts (D2). File descriptor 3 is a pipe that the parent never
 * writes to: it ends when the parent does, kill -9 included, and then this process drains like on any SIGTERM instead of
 * living on with nobody to stop it.
 */
import { Socket } from 'node:net'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  const parent = new Socket({ fd: 3, readable: true, writable: false })
  parent.on('error', () => {})
  parent.on('close', () => process.kill(process.pid, 'SIGTERM'))
  parent.resume()
  parent.unref()
}
