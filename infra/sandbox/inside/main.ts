import { closeSync, fstatSync, readSync } from 'node:fs'
import { serve } from './serve.ts'

/**
 * The program of a capsule: its language, its memory in megabytes and, for a language whose memory is kept, the file
 * descriptor that the memory is read from, are the arguments.
 */
const [language, megabytes, descriptor] = process.argv.slice(2)
const memoryBytes = Number(megabytes) * 1_048_576

await serve(async () =>
  language === 'python'
    ? (await import('./python.ts')).loadPython(memoryBytes, kept(descriptor))
    : (await import('./javascript.ts')).loadJavaScript(memoryBytes),
)

/** By position, since the descriptor is shared with every other capsule; closed before anybody's program runs. */
function kept(descriptor: string | undefined): Uint8Array | undefined {
  if (descriptor === undefined) return undefined
  const file = Number(descriptor)
  const bytes = new Uint8Array(fstatSync(file).size)
  for (let at = 0; at < bytes.length; ) {
    const read = readSync(file, bytes, at, bytes.length - at, at)
    if (read === 0) throw new Error('the snapshot ends early')
    at += read
  }
  closeSync(file)
  return bytes
}
