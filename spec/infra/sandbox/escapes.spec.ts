import { expect } from 'chai'
import type { Language, ProgramRun } from '../../../actors/tool/catalogue/code/sandbox.ts'
import type { CapsulePool } from '../../../infra/sandbox/capsule-pool.ts'
import { expectHeld, loopDelayDuring, poolOf, running } from '../../support/sandbox-run.ts'

/**
 * Attempts to get out, by what a program would write. Each prints `ESCAPED` if it got what it wanted; what is expected is
 * how the program is told that it did not. Those of one language run in one program, one after another: an attempt that
 * merely crashed the sandbox would leave the later ones untold.
 */
const javascript: Readonly<Record<string, readonly [code: string, held: string | RegExp]>> = {
  'the process': ['process.env', /ReferenceError/],
  'require of a module of the host': ['require("fs").readFileSync("/etc/passwd")', /ReferenceError/],
  'the function constructor': ['Function("return process")()', /ReferenceError/],
  'the constructor of what the host gave': ['print.constructor.constructor("return process")()', /ReferenceError/],
  'the constructor of an error of the host': [
    'try { null.x } catch (e) { e.constructor.constructor("return process")() }',
    /ReferenceError/,
  ],
  'the constructor of an asynchronous function': [
    '(async () => {}).constructor("return process.pid")(); throw Error("only a promise")',
    /only a promise/,
  ],
  'the host functions behind the console': [
    'typeof __write + typeof __now + typeof __stdin',
    /undefinedundefinedundefined/,
  ],
  fetch: ['fetch("http://169.254.169.254/")', /ReferenceError/],
  XMLHttpRequest: ['new XMLHttpRequest()', /ReferenceError/],
  WebSocket: ['new WebSocket("ws://127.0.0.1")', /ReferenceError/],
  'WebAssembly of its own': ['new WebAssembly.Module(new Uint8Array(8))', /ReferenceError/],
  'a worker': ['new Worker("data:text/javascript,1")', /ReferenceError/],
  'shared memory': ['new Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)', /TypeError|ReferenceError/],
  'the global object by this': ['(function () { return this.process })().pid', /TypeError/],
  'a loader': ['globalThis.std.loadFile("/etc/passwd")', /TypeError/],
  'the operating system module of QuickJS': ['os.exec(["ls"])', /ReferenceError/],
  'a script of the host': ['scriptArgs', /ReferenceError/],
}

const python: Readonly<Record<string, readonly [code: string, held: string | RegExp]>> = {
  'another program': ['__import__("subprocess").run(["ls"])', /OSError/],
  'a shell': ['__import__("os").system("echo ESCAPED")', /PermissionError/],
  'a shell by posix': ['__import__("posix").system("echo ESCAPED")', /PermissionError/],
  'a pipe to a shell': ['__import__("os").popen("ls").read()', /OSError/],
  'a fork': ['__import__("os").fork()', /OSError/],
  exec: ['__import__("os").execv("/bin/ls", ["ls"])', /OSError|PermissionError/],
  'another process': ['__import__("multiprocessing").Process(target=print).start()', /Error/],
  'a thread': ['__import__("threading").Thread(target=print).start()', /RuntimeError/],
  'the files of the host': ['open("/etc/passwd").read()', /FileNotFoundError/],
  'the environment of the process': ['open("/proc/self/environ").read()', /FileNotFoundError/],
  'the environment of Python': ['"PATH" in __import__("os").environ and "ESCAPED"', 'False'],
  'a file in /tmp of the host': [
    '(open("/tmp/soma-escape", "w").write("x"), __import__("os").path.exists("/usr/bin"))[1]',
    'False',
  ],
  'the folder of the host': ['__import__("os").listdir("/work")', /FileNotFoundError/],
  'a socket': ['__import__("socket").create_connection(("127.0.0.1", 22), 1)', /gaierror|Error/],
  'a socket by address': ['(lambda s: s.socket().connect(("1.1.1.1", 80)))(__import__("socket"))', /PermissionError/],
  'a name': ['__import__("socket").getaddrinfo("example.com", 80)', /gaierror/],
  'a page': ['__import__("urllib.request").request.urlopen("http://169.254.169.254/", timeout=1)', /URLError/],
  'the module js': ['__import__("js").process.pid', /ImportError/],
  'the module pyodide_js': ['__import__("pyodide_js")._module', /ImportError/],
  run_js: ['__import__("pyodide.code").code.run_js("process.pid")', /ImportError/],
  'the bridge in C': ['__import__("_pyodide_core")', /ImportError/],
  ctypes: ['__import__("ctypes").CDLL(None).system(b"ls")', /ImportError/],
  'a signal to the host': ['__import__("os").kill(1, 9)', /Error/],
  'a timer signal': ['__import__("signal").setitimer(0, 0.01)', /Error|\(0\.0, 0\.0\)/],
  'the loader of libraries': [
    '__import__("_imp").create_dynamic(__import__("importlib.machinery").machinery.ModuleSpec("x", None, origin="/tmp/x.so"))',
    /Error/,
  ],
}

/** Ends of their own: a door that is shut beneath the language, or a limit. */
const fatal: readonly (readonly [Language, string, string, RegExp])[] = [
  [
    'javascript',
    'prototypes that the host would trip over',
    'Object.prototype.toJSON = Object.prototype.end = () => "ESCAPED"; Array.prototype.map = 1; console.log([1]); [1]',
    /^(finished|failed)$/,
  ],
  ['javascript', 'an endless loop', 'for (;;) {}', /^time$/],
  ['javascript', 'an endless chain of promises', '(function next() { Promise.resolve().then(next) })()', /^time$/],
  ['javascript', 'a timer without end', 'setInterval(() => {}, 10)', /^time$/],
  ['javascript', 'sleeping for ever', 'await new Promise((wake) => setTimeout(wake, 1e9))', /^time$/],
  ['javascript', 'a memory bomb', 'const all = []; for (;;) all.push(new Array(1e5).fill(7))', /^memory$/],
  ['javascript', 'a string bomb', 'let s = "x"; for (;;) s += s', /^(memory|failed)$/],
  [
    'javascript',
    'a typed array bomb',
    'const all = []; for (;;) all.push(new Uint8Array(1e7).fill(1))',
    /^(memory|failed)$/,
  ],
  ['javascript', 'a big integer bomb', 'let n = 3n; for (;;) n *= n', /^(time|memory|failed)$/],
  ['javascript', 'a regular expression bomb', '/^(a+)+$/.test("a".repeat(60) + "b")', /^(time|cpu|failed)$/],
  ['javascript', 'endless recursion', '(function f() { f() })()', /^failed$/],
  ['javascript', 'endless recursion of the parser', 'eval("[".repeat(1e6))', /^(failed|crashed)$/],
  ['javascript', 'an output flood', 'for (;;) console.log("x".repeat(1000))', /^output$/],
  ['javascript', 'catching its own end', 'for (;;) try { for (;;) {} } catch {}', /^time$/],
  ['python', 'an endless loop', 'while True: pass', /^(cpu|time)$/],
  ['python', 'sleeping for ever', 'import time; time.sleep(1e9)', /^(cpu|time)$/],
  ['python', 'a memory bomb', 'all = []\nwhile True: all.append(bytearray(10**7))', /^memory$/],
  ['python', 'a string bomb', 's = "x"\nwhile True: s += s', /^memory$/],
  ['python', 'a power tower', '9**9**9**9', /^(cpu|time|memory)$/],
  ['python', 'a regular expression bomb', 'import re; re.match("^(a+)+$", "a" * 60 + "b")', /^(cpu|time)$/],
  [
    'python',
    'recursion without a limit',
    'import sys; sys.setrecursionlimit(10**9)\ndef f(): f()\nf()',
    /^(failed|crashed|memory)$/,
  ],
  ['python', 'an output flood', 'while True: print("x" * 1000)', /^output$/],
  [
    'python',
    'catching its own end',
    'while True:\n  try:\n    while True: pass\n  except BaseException: pass',
    /^(cpu|time)$/,
  ],
  ['python', 'an abort', 'import os; os.abort()', /^(crashed|failed|closed)$/],
  ['python', 'leaving by the back door', 'import os; os._exit(7)', /^(crashed|failed|finished)$/],
  [
    'python',
    'the bridge, found in the memory of Python',
    `
import gc
for it in gc.get_objects():
    if not isinstance(it, dict): continue
    for value in list(it.values()):
        if type(value).__name__ == 'JsProxy': print('ESC' + 'APED', value.constructor)`,
    /^(finished|closed|failed)$/,
  ],
  [
    'python',
    'the bridge by a type that is still around',
    'for it in object.__subclasses__():\n  if it.__name__ == "JsProxy": print(it.__name__, dir(it)[0], it())',
    /^(finished|closed|failed)$/,
  ],
]

function attempts(language: Language): string {
  if (language === 'javascript') {
    const lines = Object.entries(javascript).map(
      ([what, [code]]) =>
        `try { print(${JSON.stringify(what)}, '=>', String((0, eval)(${JSON.stringify(code)}))) } ` +
        `catch (error) { print(${JSON.stringify(what)}, '=>', error.name, error.message) }`,
    )
    return lines.join('\n')
  }
  const lines = Object.entries(python).map(
    ([what, [code]]) =>
      `try: print(${JSON.stringify(what)}, '=>', eval(${JSON.stringify(code)}))\n` +
      `except BaseException as error: print(${JSON.stringify(what)}, '=>', type(error).__name__, error)`,
  )
  return lines.join('\n')
}

describe('escapes from the sandbox', function () {
  this.timeout(120_000)
  let pool: CapsulePool
  // The kernel counts processor time in whole seconds.
  before(() => {
    pool = poolOf({ timeoutMs: 20_000, cpuSeconds: 3 })
  })
  after(() => pool.close())

  for (const [language, table] of [
    ['javascript', javascript],
    ['python', python],
  ] as const) {
    describe(`by ${language}`, () => {
      let run: ProgramRun
      before(async function () {
        this.timeout(120_000)
        run = await running(pool, language, attempts(language), { timeoutMs: 20_000 })
      })
      it('end as a program that ran to its end', () => {
        expect([run.end, run.detail]).to.deep.equal(['finished', undefined])
      })
      for (const [what, [, held]] of Object.entries(table)) {
        it(`S1: hold ${what}`, () => {
          const told = run.stdout.split('\n').find((line) => line.startsWith(`${what} =>`)) ?? `(untold) ${run.stderr}`
          if (typeof held === 'string') expect(told).to.include(held)
          else expect(told).to.match(held)
          expect(told).to.not.include('ESCAPED')
        })
      }
    })
  }

  describe('S2: what would not end by itself', () => {
    /** Handed in together: many wait for a limit of seconds, and the pool runs two at once. */
    const runs = new Map<string, ReturnType<typeof ending>>()
    const ending = (language: Language, what: string, code: string) =>
      loopDelayDuring(() => running(pool, language, code, { timeoutMs: /bomb/.test(what) ? 10_000 : 2_000 }))
    before(() => {
      for (const [language, what, code] of fatal) {
        const run = ending(language, what, code)
        run.catch(() => {}) // its own spec tells
        runs.set(`${language} ${what}`, run)
      }
    })
    for (const [language, what, , end] of fatal) {
      it(`${language}: ${what} ends, and the event loop goes on meanwhile`, async () => {
        const { result, delayMs } = await (runs.get(`${language} ${what}`) as ReturnType<typeof ending>)
        expect(result.end, JSON.stringify(result).slice(0, 2_000)).to.match(end)
        expectHeld(result, /./)
        // Bombs share the processors with this process; what it must not do is wait for them.
        expect(delayMs).to.be.below(1_000)
      })
    }
  })

  it('P2: what one program leaves is not there for the next, of the same language or another', async () => {
    for (const [language, leave, look] of [
      ['javascript', 'globalThis.left = 1; Object.prototype.left = 2; 1', 'String([typeof left, ({}).left])'],
      [
        'python',
        'import builtins, sys, os; builtins.left = 1; sys.modules["left"] = sys; open("/tmp/left", "w").write("x")',
        'import sys, os, builtins; [hasattr(builtins, "left"), "left" in sys.modules, os.path.exists("/tmp/left")]',
      ],
    ] as const) {
      await running(pool, language, leave)
      const { value } = await running(pool, language, look)
      expect(value).to.equal(language === 'javascript' ? 'undefined,' : '[False, False, False]')
    }
  })
})
