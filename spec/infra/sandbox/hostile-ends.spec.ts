import { expect } from 'chai'
import type { Language, ProgramEnd, ProgramRun } from '../../../actors/tool/catalogue/code/sandbox.ts'
import type { CapsulePool } from '../../../infra/sandbox/capsule-pool.ts'
import { expectHeld, poolOf, running } from '../../support/sandbox-run.ts'

type Case = readonly [Language, what: string, code: string, ends: readonly ProgramEnd[], told?: Partial<ProgramRun>]

/**
 * Programs whose errors, values, streams and exit codes are made to deceive or to hurt whoever tells how they ended. What
 * is told of a program may be a forgery of its own (it can print what it likes), but never what happened to another one.
 */
const cases: readonly Case[] = [
  ['javascript', 'an error whose name is never done', 'throw { get name() { for (;;); } }', ['time', 'cpu']],
  [
    'javascript',
    'an error that refuses every question',
    'throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 }, ownKeys() { throw 3 } })',
    ['failed'],
  ],
  ['javascript', 'a value that throws when it is looked at', '({ get a() { throw new Error("no") } })', ['finished']],
  ['javascript', 'a promise whose then is never done', '({ get then() { for (;;); } })', ['time', 'cpu']],
  ['javascript', 'a text too deep to parse', 'JSON.parse("[".repeat(1e6))', ['crashed', 'failed']],
  [
    'javascript',
    'a sort that never decides',
    'Array(1e5).fill().map((_, i) => i).sort(() => { for (;;); })',
    ['time', 'cpu'],
  ],
  ['javascript', 'a module of the host', 'import * as fs from "node:fs"; print(typeof fs)', ['failed']],
  [
    'javascript',
    'a module of the host, asked for late',
    'await import("fs").then(() => print("in"), () => print("out"))',
    ['finished'],
    { stdout: 'out\n' },
  ],
  [
    'javascript',
    'the words of its keeper replaced',
    'Object.defineProperty(globalThis, "__soma", { value: { get due() { for (;;); }, show: () => ({}) } }); 1',
    ['time', 'cpu', 'crashed', 'finished'],
  ],
  [
    'javascript',
    'text with NUL',
    'print("a\\0b\\x10c", stdin); "c\\0d"',
    ['finished'],
    { stdout: 'a\0b\x10c x\0y\x100\n', value: 'c\0d' },
  ],
  [
    'javascript',
    'halves of characters',
    'print("\\ud800"); "\\udfff"',
    ['finished'],
    { stdout: '\ufffd\ufffd\ufffd\n' },
  ],
  [
    'python',
    'an error whose text is never done',
    'class E(Exception):\n  def __str__(self):\n    while True: pass\nraise E',
    ['time', 'cpu'],
  ],
  [
    'python',
    'an error whose text leaves',
    'class E(Exception):\n  def __str__(self): raise SystemExit(0)\nraise E',
    ['failed'],
  ],
  [
    'python',
    'an exit code that will not be compared',
    'import sys\nclass C:\n  def __eq__(self, other): raise ValueError\nsys.exit(C())',
    ['failed'],
  ],
  [
    'python',
    'an exit code that will not be printed',
    'import sys\nclass C(str):\n  def __str__(self): raise KeyError\nsys.exit(C("x"))',
    ['failed'],
  ],
  [
    'python',
    'streams that leave',
    'import sys\nclass W:\n  def write(self, it): raise SystemExit(0)\n  flush = write\nsys.stdout = sys.stderr = W()\nraise ValueError',
    ['failed'],
  ],
  ['python', 'streams that are closed', 'import os\nos.close(1); os.close(2); raise ValueError', ['failed', 'crashed']],
  [
    'python',
    'a traceback of its own',
    'import traceback\ndef leave(*a, **k): raise SystemExit(0)\ntraceback.print_exception = traceback.format_exception_only = leave\nraise ValueError',
    ['failed'],
  ],
  [
    'python',
    'builtins of its own',
    'import builtins\nbuiltins.open = builtins.repr = builtins.print = builtins.isinstance = None\n[1]',
    ['finished'],
    { value: '[1]' },
  ],
  [
    'python',
    'an audit that forbids everything',
    'import sys\ndef leave(*a): raise SystemExit(0)\nsys.addaudithook(leave)\nraise ValueError',
    ['failed', 'crashed'],
  ],
  [
    'python',
    'bytecode that is none',
    'def f(): pass\nf.__code__ = f.__code__.replace(co_code=bytes([255] * 100), co_stacksize=1)\nf()',
    ['crashed'],
  ],
  ['python', 'a memory fault', 'import faulthandler; faulthandler._sigsegv()', ['crashed']],
  ['python', 'a value too deep to show', 'a = []\nfor _ in range(10**6): a = [a]\na', ['crashed', 'failed', 'memory']],
  ['python', 'a file without an end', 'f = open("/tmp/x", "wb")\nwhile True: f.write(b"x" * 10**7)', ['memory']],
  ['python', 'a file of a terabyte', 'open("/tmp/x", "wb").truncate(2**40)', ['memory']],
  [
    'python',
    'a link to a file of the host',
    'import os\nos.symlink("/etc/passwd", "/tmp/x"); open("/tmp/x").read()',
    ['failed'],
  ],
  [
    'python',
    'a database in a file of the host',
    'import sqlite3\nsqlite3.connect("/etc/passwd").execute("select 1 from sqlite_master")',
    ['failed'],
  ],
  [
    'python',
    'a query without an end',
    'import sqlite3\nsqlite3.connect(":memory:").execute("with recursive t(n) as (select 1 union all select n + 1 from t) select count(*) from t").fetchall()',
    ['time', 'cpu'],
  ],
  ['python', 'a shell out of a pickle', 'import pickle\npickle.loads(b"cposix\\nsystem\\n(S\'id\'\\ntR.")', ['failed']],
]

/**
 * The bridge to the host itself, behind the back of whoever shut its modules: importing its part in C works once the finder
 * that refuses is taken away, and an object that the collector still knows holds proxies of the host's globals.
 */
const bridge = `
import sys, gc
sys.meta_path[:] = [it for it in sys.meta_path if getattr(it, '__name__', '') != 'Shut']
import _pyodide_core as core
[finder] = [it for it in gc.get_objects() if type(it).__name__ == 'JsFinder']
print('reached', type(finder.jsproxies['js']).__name__)
`
const reaching: readonly (readonly [string, end: ProgramEnd])[] = [
  ["finder.jsproxies['js'].process.pid", 'closed'],
  ["finder.jsproxies['pyodide_js']._module", 'closed'],
  ["str(finder.jsproxies['js'])", 'closed'],
  ['core.to_js([1])', 'closed'],
  ['core.create_proxy(print)', 'closed'],
  ['core.create_once_callable(print)', 'closed'],
  ["core.JsException('x')", 'closed'],
  ['core.run_sync(1)', 'failed'],
  // A call to any place in the table of functions: whatever of the host is in there is wrapped (W2).
  ['core.raw_call(1)', 'crashed'],
]

describe('the end of a hostile program', function () {
  this.timeout(120_000)
  let pool: CapsulePool
  before(() => {
    pool = poolOf({ timeoutMs: 20_000, cpuSeconds: 3 })
  })
  after(() => pool.close())

  for (const [language, what, code, ends, told = {}] of cases) {
    it(`S2: ${language}: ${what}`, async () => {
      const timeoutMs = ends.includes('time') ? 2_000 : 15_000
      const run = await running(pool, language, code, { timeoutMs, stdin: 'x\0y\x100' })
      expect(ends, JSON.stringify(run).slice(0, 1_500)).to.include(run.end)
      expect(run).to.deep.include(told)
      // Of the program that a Python runs before anybody's.
      expect(run.value).to.not.equal('2')
    })
  }

  for (const [code, end] of reaching) {
    it(`W1: python: the bridge, reached and shut: ${code}`, async () => {
      const run = await running(pool, 'python', `${bridge}print('ESC' + 'APED', ${code})`, { timeoutMs: 15_000 })
      expectHeld(run, 'reached JsProxy')
      expect(run.end).to.equal(end)
    })
  }

  for (const [what, code] of [
    ['wide and deep', 'let a = Array(100).fill("y"); for (let i = 0; i < 5; i++) a = Array(100).fill(a); a'],
    [
      'of many fields',
      'const of = (d) => d ? Object.fromEntries(Array.from({ length: 90 }, (_, i) => ["k" + i, of(d - 1)])) : 1; of(3)',
    ],
  ] as const) {
    it(`a value ${what} costs its program no more time than it takes to show what is told of it`, async () => {
      const run = await running(pool, 'javascript', `const from = Date.now(); ${code}`, { timeoutMs: 15_000 })
      expect([run.end, run.value?.length]).to.deep.equal(['finished', 8_200])
    })
  }
})
