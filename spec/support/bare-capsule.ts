import { createRequire } from 'node:module'
import { serve } from '../../infra/sandbox/inside/serve.ts'

/**
 * A capsule without its first wall, for specs: the program is JavaScript that runs in the process itself, with all that
 * Node has, as if it had broken out of its interpreter.
 */
await serve(async () => {
  const require = createRequire(import.meta.url)
  // Kept from before the capsule takes it out, to show what the system holds by itself.
  const { _kill: kill } = process as unknown as { _kill(pid: number, signal: number): number }
  return ({ code }, output) => {
    const print = (...texts: unknown[]) => output.stdout(Buffer.from(`${texts.map(String).join(' ')}\n`))
    const hostile = new Function('require', 'process', 'print', 'kill', code) as (...given: unknown[]) => unknown
    try {
      const value = hostile(require, process, print, kill)
      return { end: 'finished', value: String(value) }
    } catch (error) {
      return { end: 'failed', detail: String(error) }
    }
  }
})
