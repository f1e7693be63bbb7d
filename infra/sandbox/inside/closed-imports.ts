/**
 * The first wall for Python. Pyodide is CPython in WebAssembly, and by itself no boundary at all: its modules `js` and
 * `pyodide_js` are the host's globals, and `os.system('ls')` lists the folder of the process (seen with 314.0.7). But what
 * WebAssembly can do beyond its own memory is exactly what it imports. So every import is wrapped before the module is
 * instantiated, and once Python is loaded the wrappers are closed: what is not listed here ends the program.
 *   W1. An import that nobody listed is closed: one that a later Pyodide adds is shut until somebody has looked at it.
 *   W2. The wrappers stand in the very object that Pyodide looks names up in later (dlsym, function tables), so there is
 *       no second way to the functions behind them.
 */
type Import = (...args: never[]) => unknown

/** Files are Emscripten's, in memory; clocks, chance, its own heap; calls from one function of WebAssembly to another. */
const open: readonly RegExp[] = [
  /^(fd_(close|read|write|sync|fdstat_get|seek|pread|pwrite)|clock_(res|time)_get|random_get|environ_(sizes_)?get)$/,
  /^__syscall_(getuid32_js|umask_js|ioctl|fcntl64|openat|faccessat|chdir|chmod|fchownat|dup|dup3|fchdir|fchmod|fchmodat2)$/,
  /^__syscall_(fchown32|fdatasync|fstat64|stat64|newfstatat|lstat64|ftruncate64|getcwd|getdents64|mkdirat|mknodat)$/,
  /^__syscall_(pipe|poll|fadvise64|fallocate|readlinkat|unlinkat|rmdir|renameat|statfs64|fstatfs64|symlinkat)$/,
  /^__syscall_(truncate64|utimensat)$/,
  /^_(mmap|munmap|msync|tzset|timegm|mktime|localtime|gmtime)_js$/,
  /^emscripten_(get_now|date_now|get_heap_max|resize_heap|runtime_keepalive_(push|pop))$/,
  /^(_emscripten_get_progname|_emscripten_runtime_keepalive_clear|__call_sighandler|_maybe_poll_async|_try_fcntl64)$/,
  /^(_PyEM_TrampolineCall_JS|_Py_emscripten_runtime|_Py_CheckEmscriptenSignals_Helper)$/,
  /^(exit|proc_exit|_abort_js|__assert_fail)$/,
]

const EACCES = 2
const EAI_FAIL = -4

/** Closed as well, but with an answer of the kind that the caller knows how to report. */
const refusing: readonly (readonly [RegExp, number])[] = [
  [/^__syscall_(socket|bind|connect|listen|accept4|getsockname|getpeername|getsockopt)$/, -EACCES],
  [/^__syscall_(sendto|sendmsg|recvfrom|recvmsg)$/, -EACCES],
  [/^(getaddrinfo|getnameinfo)$/, EAI_FAIL],
  [/^(getprotobyname|_emscripten_lookup_name|_dlopen_js|_dlsym_js|can_run_sync_js)$/, 0],
  [/^(_emscripten_system|_setitimer_js)$/, -1],
]

export class ClosedImports {
  /** The first import that was reached for and is shut; stays set though a program swallows the error. */
  breached: string | undefined
  #closed = false
  readonly #memoryBytes: number

  constructor(memoryBytes: number) {
    this.#memoryBytes = memoryBytes
  }

  /** Wraps every function of `imports`, in place (W2). */
  wrap(imports: Record<string, unknown>): void {
    for (const [name, behind] of Object.entries(imports)) {
      if (typeof behind !== 'function') continue
      imports[name] = Object.assign(this.#wrapped(name, behind as Import), behind)
    }
  }

  close(): void {
    this.#closed = true
  }

  #wrapped(name: string, behind: Import): Import {
    if (name === 'emscripten_resize_heap') {
      // Refused, malloc fails, and Python says MemoryError.
      return (...args) => (Number(args[0]) >>> 0 > this.#memoryBytes ? 0 : behind(...args))
    }
    if (open.some((pattern) => pattern.test(name))) return behind
    const refusal = refusing.find(([pattern]) => pattern.test(name))?.[1]
    return (...args) => {
      if (!this.#closed) return behind(...args)
      if (refusal !== undefined) return refusal
      this.breached ??= name // W1
      throw new Error(`closed: ${name}`)
    }
  }
}
