import variant from '@jitl/quickjs-wasmfile-release-sync'
import {
  newQuickJSWASMModuleFromVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
} from 'quickjs-emscripten-core'
import type { Ended } from '../frames.ts'
import { type Interpreter, type Job, MAX_TOLD, type Output, sayOn } from './interpreter.ts'
import { prelude } from './javascript-prelude.ts'

/** QuickJS counts the stack it uses itself; half of what Node gives a thread leaves room for the frames of WebAssembly. */
const STACK_BYTES = 256 * 1_024
/** One write of a program. Beyond what the capsule may write at all, so nothing is cut that would have been let out. */
const MAX_WRITE = 2_000_000

/**
 * The first wall for JavaScript: QuickJS in WebAssembly. Two functions of ours reach in, `write` and `wait`; they take
 * text and a number and hand nothing back that leads anywhere.
 */
export async function loadJavaScript(memoryBytes: number): Promise<Interpreter> {
  const quickjs = await newQuickJSWASMModuleFromVariant(variant as never)
  const interpreter: Interpreter = (job, output) => {
    const runtime = quickjs.newRuntime({ memoryLimitBytes: memoryBytes, maxStackSizeBytes: STACK_BYTES })
    return new Run(runtime, job, output).ended()
  }
  // One of ours first: it pays for what V8 compiles at first use, while nobody waits.
  interpreter({ code: '[1]', stdin: '', timeoutMs: 1_000 }, { stdout() {}, stderr() {} })
  return interpreter
}

class Run {
  readonly #runtime: QuickJSRuntime
  readonly #context: QuickJSContext
  readonly #job: Job
  readonly #output: Output
  readonly #until: number
  #lateBy = false

  constructor(runtime: QuickJSRuntime, job: Job, output: Output) {
    this.#runtime = runtime
    this.#context = runtime.newContext()
    this.#job = job
    this.#output = output
    this.#until = performance.now() + job.timeoutMs
    runtime.setInterruptHandler(() => this.#late())
  }

  ended(): Ended {
    this.#give()
    const { code } = this.#job
    const first = this.#context.evalCode(code, 'code.js', { type: 'global' })
    if (first.error && this.#isAwaitOutsideModule(first.error)) {
      first.error.dispose()
      return this.#settled(this.#context.evalCode(code, 'code.js', { type: 'module' }), true)
    }
    return this.#settled(first, false)
  }

  /** `await` and `import` at the top level belong to modules; whose last expression nobody can ask for. */
  #isAwaitOutsideModule(error: QuickJSHandle): boolean {
    if (!/\b(await|import|export)\b/.test(this.#job.code)) return false
    return this.#context.getProp(error, 'name').consume((name) => this.#context.getString(name)) === 'SyntaxError'
  }

  #settled(result: ReturnType<QuickJSContext['evalCode']>, isModule: boolean): Ended {
    if (result.error) return this.#failed(result.error)
    const left = this.#runTimers()
    if (left) return left
    // An interrupted job only rejects its promise, which nobody may be looking at.
    if (this.#lateBy) return { end: 'time' }
    const state = this.#context.getPromiseState(result.value)
    if (state.type === 'rejected') return this.#failed(state.error)
    if (state.type === 'pending') {
      return { end: 'failed', detail: 'It awaits something that never comes.' }
    }
    const value = isModule ? undefined : this.#shown(state.value)
    if (this.#lateBy) return { end: 'time' }
    return value === undefined ? { end: 'finished' } : { end: 'finished', value }
  }

  /** Jobs first, then the earliest timer, and so on until there is nothing left to do. */
  #runTimers(): Ended | undefined {
    for (;;) {
      const jobs = this.#runtime.executePendingJobs()
      if (jobs.error) return this.#failed(jobs.error)
      const due = this.#call('due')
      if (due === undefined || due === 'none') return undefined
      this.#wait(Number(due))
      if (this.#late()) return { end: 'time' }
      const fired = this.#context
        .getProp(this.#context.global, '__soma')
        .consume((soma) =>
          this.#context
            .getProp(soma, 'fire')
            .consume((fire) => this.#context.callFunction(fire, this.#context.undefined)),
        )
      if (fired.error) return this.#failed(fired.error)
      fired.value.dispose()
    }
  }

  #give(): void {
    const context = this.#context
    context
      .newFunction('write', (where, text) => {
        const bounded = withNul(context.getString(text).slice(0, MAX_WRITE))
        sayOn(context.getNumber(where) === 2 ? this.#output.stderr : this.#output.stdout, bounded)
      })
      .consume((write) => context.setProp(context.global, '__write', write))
    context
      .newFunction('now', () => context.newNumber(performance.now()))
      .consume((now) => context.setProp(context.global, '__now', now))
    context.newString(withoutNul(this.#job.stdin)).consume((stdin) => context.setProp(context.global, '__stdin', stdin))
    context.unwrapResult(context.evalCode(prelude, 'sandbox.js')).dispose()
  }

  #failed(error: QuickJSHandle): Ended {
    if (this.#lateBy) return { end: 'time' }
    const text = this.#tell(error)
    if (this.#lateBy) return { end: 'time' } // Of its own getters, while it was told.
    if (/^InternalError: out of memory/.test(text) || text === 'null') return { end: 'memory' }
    this.#complain(`Uncaught ${text}`)
    return { end: 'failed', detail: text.split('\n', 1)[0]?.slice(0, 300) ?? '' }
  }

  #shown(value: QuickJSHandle): string | undefined {
    if (this.#context.typeof(value) === 'undefined') return undefined
    return this.#tell(value)
  }

  /** By the prelude's own `inspect`, within the program's world and limits: it may run the program's getters. */
  #tell(value: QuickJSHandle): string {
    return this.#call('show', value) ?? 'something that cannot be shown'
  }

  #call(name: string, ...args: QuickJSHandle[]): string | undefined {
    const context = this.#context
    const result = context
      .getProp(context.global, '__soma')
      .consume((soma) =>
        context.getProp(soma, name).consume((f) => context.callFunction(f, context.undefined, ...args)),
      )
    if (result.error) {
      result.error.dispose()
      return undefined
    }
    return result.value.consume((text) => withNul(context.getString(text)).slice(0, MAX_TOLD))
  }

  #complain(text: string): void {
    sayOn(this.#output.stderr, `${text.trimEnd()}\n`)
  }

  #late(): boolean {
    this.#lateBy ||= performance.now() > this.#until
    return this.#lateBy
  }

  #wait(ms: number): void {
    const most = Math.max(0, Math.min(ms, this.#until - performance.now() + 1))
    if (most > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, most)
  }
}

/** As the prelude does from its side (`whole`). */
function withoutNul(text: string): string {
  return text.replaceAll('\x10', '\x101').replaceAll('\0', '\x100')
}

function withNul(text: string): string {
  return text.replaceAll('\x100', '\0').replaceAll('\x101', '\x10')
}
