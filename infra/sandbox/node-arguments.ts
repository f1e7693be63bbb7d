import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageRoot } from '../package-root.ts'

/** What of node_modules a capsule reads. */
const packages = [
  'pyodide',
  'quickjs-emscripten-core',
  '@jitl/quickjs-wasmfile-release-sync',
  '@jitl/quickjs-ffi-types',
]
const sources = fileURLToPath(new URL('.', import.meta.url))

export const capsuleProgram = path.join(sources, 'inside', 'main.js')
export const snapshotProgram = path.join(sources, 'inside', 'snapshot-main.js')

/** Arguments of Node for a capsule: it may read its own sources and interpreters, and do nothing else to the system. */
export function nodeArguments(program: string, args: readonly string[], heapMb: number): string[] {
  // Named so since Node 22.13; before, by the name of the experiment.
  const flags = process.allowedNodeEnvironmentFlags
  const permission = flags.has('--permission') ? '--permission' : '--experimental-permission'
  const folders = [sources, path.dirname(program), ...packages.map(folderOf)].map((folder) => path.join(folder, '*'))
  const readable = [...folders, path.join(packageRoot, 'package.json'), '/proc/self/status']
  const reads = readable.map((place) => `--allow-fs-read=${place}`)
  return [permission, ...reads, '--no-warnings', `--max-old-space-size=${heapMb}`, program, ...args]
}

/** Wherever npm put it: hoisted beside us or further up. */
function folderOf(name: string): string {
  const entry = fileURLToPath(import.meta.resolve(name))
  const within = path.join('node_modules', name)
  return entry.slice(0, entry.lastIndexOf(within) + within.length)
}
