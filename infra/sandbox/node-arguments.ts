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

/** Named so since Node 22.13; before, and still, by the name of the experiment. */
const permission = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission'

export const capsuleProgram = path.join(sources, 'inside', 'main.js')

/** Arguments of Node for a capsule: it may read its own sources and interpreters, and do nothing else to the system. */
export function nodeArguments(program: string, args: readonly string[], heapMb: number): string[] {
  const readable = [
    sources,
    path.dirname(program),
    ...packages.map((name) => path.join(folderOf(name))),
    path.join(packageRoot, 'package.json'),
    '/proc/self/status',
  ]
  const reads = readable.map(
    (place) => `--allow-fs-read=${place}${place.endsWith('.json') ? '' : place.includes('/proc/') ? '' : '/*'}`,
  )
  return [permission, ...reads, '--no-warnings', `--max-old-space-size=${heapMb}`, program, ...args]
}

/** Wherever npm put it: hoisted beside us or further up. */
function folderOf(name: string): string {
  const entry = fileURLToPath(import.meta.resolve(name))
  const at = entry.lastIndexOf(path.join('node_modules', name))
  return entry.slice(0, at + path.join('node_modules', name).length)
}
