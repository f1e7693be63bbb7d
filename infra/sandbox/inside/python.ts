import { constants } from 'node:fs'
import { loadPyodide } from 'pyodide'
import type { Ended } from '../frames.ts'
import { ClosedImports } from './closed-imports.ts'
import { type Interpreter, type Job, MAX_TOLD, type Output } from './interpreter.ts'
import { harness } from './python-harness.ts'

/** What of Pyodide's inside is used: a call into C that goes through none of its bridges, and its files in memory. */
interface PyodideModule {
  _PyRun_SimpleString(text: number): number
  stringToNewUTF8(text: string): number
  readonly FS: {
    writeFile(path: string, text: string): void
    unlink(path: string): void
    readFile(path: string, options: { encoding: 'utf8' }): string
    analyzePath(path: string): { exists: boolean }
  }
}

const nothing = new Uint8Array()
/** Where the harness says how a program ended. */
const END = '/tmp/end'

/** What Pyodide does not document: its memory right after it started, kept and put back. */
interface SnapshotOptions {
  readonly _makeSnapshot?: boolean
  readonly _loadSnapshot?: Uint8Array
}
const load = loadPyodide as (
  options: Parameters<typeof loadPyodide>[0] & SnapshotOptions,
) => ReturnType<typeof loadPyodide>
// Given all three, Pyodide leaves the process's own alone; it would make them non-blocking.
const streams = { stdin: () => null, stdout() {}, stderr() {} }
const options = { ...streams, env: { HOME: '/home/pyodide' }, enableRunUntilComplete: false }

/** The memory of a Python that has just started and run nothing: 30 MB that spare the next one 1.8 s of its 2.1. */
export async function pythonSnapshot(): Promise<Uint8Array> {
  barBinding()
  const python = await load({ ...options, _makeSnapshot: true })
  return (python as unknown as { makeMemorySnapshot(): Uint8Array }).makeMemorySnapshot()
}

/** CPython in WebAssembly, its imports closed behind it (ClosedImports). */
export async function loadPython(memoryBytes: number, snapshot: Uint8Array | undefined): Promise<Interpreter> {
  const imports = new ClosedImports(memoryBytes)
  const restore = wrapImports(imports)
  let stdin: Uint8Array = nothing
  let output: Output = { stdout() {}, stderr() {} }
  barBinding()
  const python = await load({ ...options, ...(snapshot && { _loadSnapshot: snapshot }) })
  restore()
  python.setStdin({
    read(buffer: Uint8Array) {
      const given = stdin.subarray(0, buffer.length)
      buffer.set(given)
      stdin = stdin.subarray(given.length)
      return given.length
    },
    isatty: false,
  })
  python.setStdout({ write: taken((bytes) => output.stdout(bytes)), isatty: false })
  python.setStderr({ write: taken((bytes) => output.stderr(bytes)), isatty: false })
  python.runPython(harness)
  const module = (python as unknown as { _module: PyodideModule })._module
  // Before the doors are shut, once through the whole way: what Python loads and fills in at its first program.
  module.FS.writeFile('/tmp/code', '1 + 1')
  module._PyRun_SimpleString(module.stringToNewUTF8('__soma_run()'))
  // Or a program that keeps the harness from writing its end would be told with the end of this one: "finished, 2".
  module.FS.unlink(END)
  const call = module.stringToNewUTF8('__soma_run()')
  imports.close()

  return (job: Job, to: Output): Ended => {
    output = to
    stdin = Buffer.from(job.stdin, 'utf8')
    module.FS.writeFile('/tmp/code', job.code)
    try {
      module._PyRun_SimpleString(call)
    } catch (error) {
      if (imports.breached !== undefined) return closed(imports.breached)
      // os._exit comes up as the object with which Emscripten unwinds.
      const { status } = error as { status?: unknown }
      if (typeof status === 'number') return { end: 'failed', detail: `It ended itself with code ${status}.` }
      const said = String(error).slice(0, 300)
      // Its files are the host's arrays, which no malloc of Python's is asked for.
      return /Array buffer allocation|typed array length/.test(said)
        ? { end: 'memory' }
        : { end: 'crashed', detail: said }
    }
    if (imports.breached !== undefined) return closed(imports.breached)
    return module.FS.analyzePath(END).exists
      ? endOf(module.FS.readFile(END, { encoding: 'utf8' }))
      : { end: 'crashed', detail: 'It left no word of how it ended.' }
  }
}

/** Written by the harness within the program's world, so a program may forge it: text to be shown, and no more. */
function endOf(text: string): Ended {
  const [end, ...rest] = text.split('\n')
  const more = rest.join('\n').slice(0, MAX_TOLD)
  if (end === 'value') return { end: 'finished', value: more }
  if (end === 'finished') return { end: 'finished' }
  if (end === 'memory') return { end: 'memory' }
  return { end: 'failed', detail: more.slice(0, 300) }
}

function closed(name: string): Ended {
  return { end: 'closed', detail: `It was the interpreter's "${name}".` }
}

function taken(give: (bytes: Uint8Array) => void): (bytes: Uint8Array) => number {
  return (bytes) => {
    give(bytes)
    return bytes.length
  }
}

/** Emscripten asks Node for the flags of files, by a way that the permission model bars. */
function barBinding(): void {
  Object.defineProperty(process, 'binding', { value: () => ({ fs: constants }), configurable: true })
}

type Imports = Record<string, Record<string, unknown> | undefined>

/** Node's types know no WebAssembly without those of a browser. */
interface WebAssemblyHere {
  instantiate: (bytes: Uint8Array, imports: Imports) => Promise<unknown>
  Suspending?: unknown
  promising?: unknown
}

/** Pyodide instantiates its module with the very object that it looks names up in for ever after. */
function wrapImports(closed: ClosedImports): () => void {
  const web = (globalThis as unknown as { WebAssembly: WebAssemblyHere }).WebAssembly
  const { instantiate } = web
  // Without these two it cannot suspend a program half way, and behaves alike on every version of Node.
  delete web.Suspending
  delete web.promising
  web.instantiate = (bytes, imports) => {
    const { env, wasi_snapshot_preview1: wasi } = imports ?? {}
    if (env && 'emscripten_resize_heap' in env) {
      closed.wrap(env)
      if (wasi && wasi !== env) closed.wrap(wasi)
    }
    return instantiate(bytes, imports)
  }
  return () => {
    web.instantiate = instantiate
  }
}
