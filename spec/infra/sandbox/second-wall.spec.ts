import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { CapsulePool } from '../../../infra/sandbox/capsule-pool.ts'
import { findWalls, type Walls } from '../../../infra/sandbox/enclosure.ts'
import { eventually } from '../../support/eventually.ts'
import { expectHeld, loopDelayDuring, poolOf, running } from '../../support/sandbox-run.ts'

const program = fileURLToPath(new URL('../../support/bare-capsule.js', import.meta.url))

const holding = fileURLToPath(new URL('../../support/holding-capsules.js', import.meta.url))

/**
 * What holds once an interpreter is broken: the code below runs in the capsule's process itself, with all of Node. Each
 * attempt prints what it got; `held` is what it must print. `by` names the walls without which it is known not to hold.
 */
const attempts: Readonly<Record<string, { code: string; held: RegExp; by?: keyof Walls }>> = {
  'reading a file of the host': {
    code: 'print(require("fs").readFileSync("/etc/passwd", "latin1"))',
    held: /ERR_ACCESS_DENIED/,
  },
  'reading its environment': {
    code: 'print(require("fs").readFileSync("/proc/self/environ", "latin1"))',
    held: /ERR_ACCESS_DENIED/,
  },
  'an environment with anything in it': { code: 'print("keys", Object.keys(process.env).length)', held: /keys 0/ },
  'writing to /tmp': { code: 'require("fs").writeFileSync("/tmp/soma-escape", "x")', held: /ERR_ACCESS_DENIED/ },
  'writing into its own sources': {
    code: 'require("fs").writeFileSync(process.argv[1], "x")',
    held: /ERR_ACCESS_DENIED/,
  },
  'reading its own sources, which it may': {
    code: 'print(require("fs").readFileSync(process.argv[1], "latin1"))',
    held: /EMFILE|ENOENT/,
    by: 'limits',
  },
  'seeing that they are there': {
    code: 'print("there", require("fs").existsSync(process.argv[1]))',
    held: /there false/,
    by: 'namespaces',
  },
  'a new file descriptor of any kind': {
    code: 'print(require("fs").openSync(process.argv[1]))',
    held: /EMFILE|ENOENT/,
    by: 'limits',
  },
  'a process': { code: 'require("child_process").execSync("ls")', held: /ERR_ACCESS_DENIED/ },
  'a fork': { code: 'require("child_process").fork(process.argv[1])', held: /ERR_ACCESS_DENIED/ },
  'a worker thread': { code: 'new (require("worker_threads").Worker)("1", { eval: true })', held: /ERR_ACCESS_DENIED/ },
  'a signal to its parent': { code: 'process.kill(process.ppid, "SIGKILL")', held: /TypeError/ },
  'a signal to everybody': { code: 'process.kill(-1, "SIGKILL")', held: /TypeError/ },
  'a signal by the debugger': { code: 'process._debugProcess(process.ppid)', held: /TypeError/ },
  'a native module': { code: 'process.dlopen({ exports: {} }, "/tmp/x.node")', held: /TypeError|ERR_/ },
  'internals of Node': { code: 'process.binding("spawn_sync")', held: /TypeError|ERR_/ },
  'a descriptor of the node': {
    code: `const fs = require("fs"); const open = []
      for (let fd = 3; fd < 4096; fd++) { try { const s = fs.fstatSync(fd); if (s.isFile() || s.isDirectory()) open.push(fd) } catch {} }
      print("files", open.length)`,
    held: /files 0/,
  },
  'a heap dump on disk': {
    code: 'print(require("v8").writeHeapSnapshot("/tmp/soma-escape.heapsnapshot"))',
    held: /ERR_|EMFILE|ENOENT|EFBIG/,
  },
}

/** The kernel connects to a listening neighbour at once, though the process ends before Node hears of it; Node does so in the next tick. */
const connectTo = (port: number) =>
  `require("net").connect(${port}, "127.0.0.1").on("error", () => {}); process._tickCallback(); print("tried")`

describe('the second wall', function () {
  this.timeout(60_000)
  let here: Walls
  let pool: CapsulePool
  before(async () => {
    here = await findWalls()
    pool = poolOf({ program })
  })
  after(() => pool.close())
  const bare = (code: string, timeoutMs = 8_000) => running(pool, 'javascript', code, { timeoutMs })

  /** Skipped aloud where the system lacks a wall; in CI that is a failure, so that nothing goes untested by accident. */
  function needs(test: Mocha.Context, ...walls: readonly (keyof Walls)[]): void {
    if (!process.env.CI && walls.some((wall) => !here[wall])) test.skip()
  }

  it('stands here, wholly', function () {
    needs(this, 'limits', 'namespaces')
    expect(here).to.deep.equal({ limits: true, namespaces: true })
  })

  for (const [what, { code, held, by }] of Object.entries(attempts)) {
    it(`holds ${what}`, async function () {
      if (by) needs(this, by)
      expectHeld(await bare(`try { ${code} } catch (error) { print(error.code ?? error.name, error.message) }`), held)
    })
  }

  for (const standing of [['limits', 'namespaces'], ['limits'], ['namespaces']] as const) {
    it(`holds a connection to a neighbour, by ${standing.join(' and ')}`, async function () {
      needs(this, ...standing)
      const walls = { limits: false, namespaces: false, ...Object.fromEntries(standing.map((wall) => [wall, true])) }
      let heard = 0
      const server = createServer((socket) => {
        heard += 1
        socket.destroy()
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const own = poolOf({ program, walls })
      const run = await running(own, 'javascript', connectTo((server.address() as AddressInfo).port))
      await own.close()
      expect(run.stdout).to.equal('tried\n')
      // A connection of ours comes after any of theirs.
      const control = connect((server.address() as AddressInfo).port, '127.0.0.1').resume()
      await once(control, 'close')
      expect(heard).to.equal(1)
      server.close()
    })
  }

  it('holds a signal to a process of the host, though it has the function for it', async function () {
    needs(this, 'namespaces')
    const ESRCH = -3
    const code = `print([${process.pid}, ${process.ppid}].map((pid) => kill(pid, 0)))`
    expectHeld(await bare(code), `${ESRCH},${ESRCH}`)
    // Everybody that it can reach is itself and its shell, which takes none from within.
    await bare('kill(-1, 9); kill(1, 9)')
  })

  it('has no capability and can gain none', async function () {
    needs(this, 'namespaces')
    const given = 'try { process.setuid(65534) } catch (error) { print(error.code) }'
    expectHeld(await bare(given), /EPERM|EINVAL/)
  })

  it('leaves no file in /tmp of the host', () => {
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('soma-escape'))).to.deep.equal([])
  })

  for (const [what, code, end] of [
    ['an endless loop', 'for (;;) {}', /^(time|cpu)$/],
    [
      'an endless loop behind a handler of every signal',
      'for (const s of ["SIGTERM", "SIGXCPU", "SIGINT"]) process.on(s, () => {}); for (;;) {}',
      /^(time|cpu)$/,
    ],
    ['sleeping for ever', 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)', /^time$/],
    ['a bomb of the heap', 'const all = []; for (;;) all.push(new Array(1e5).fill({}))', /^(memory|crashed)$/],
    ['a bomb outside the heap', 'const all = []; for (;;) all.push(Buffer.alloc(5e7, 1))', /^(memory|crashed|failed)$/],
    ['an output flood', 'for (;;) print("x".repeat(1e4))', /^output$/],
    ['a flood of noise', 'for (;;) require("fs").writeSync(2, "x".repeat(1e4))', /^(time|cpu)$/],
    [
      'a flood of empty frames',
      'const empty = Buffer.alloc(50_000); for (let at = 0; at < 50_000; at += 5) empty[at] = 79\nfor (;;) require("fs").writeSync(1, empty)',
      /^output$/,
    ],
    ['forged words to its keeper', 'require("fs").writeSync(1, "Z".repeat(1e5))', /^crashed$/],
    [
      'a forged end',
      'require("fs").writeSync(1, Buffer.concat([Buffer.from("X"), Buffer.from([4, 0, 0, 0]), Buffer.from("null")]))',
      /^crashed$/,
    ],
    ['an abort', 'process.abort()', /^crashed$/],
  ] as const) {
    it(`ends ${what}, and the event loop of the node goes on`, async () => {
      const { result, delayMs } = await loopDelayDuring(() => bare(code, /bomb/.test(what) ? 10_000 : 2_000))
      expect(result.end, JSON.stringify(result).slice(0, 1_000)).to.match(end)
      expect(delayMs).to.be.below(1_000)
    })
  }

  it('C2: nothing of a program lives on: neither a timer nor a process of its group', async () => {
    const before = capsulesAlive()
    await bare('setInterval(() => {}, 10); setTimeout(() => print("later"), 50); print("now")')
    await pool.close()
    await eventually(() => capsulesAlive().every((pid) => before.includes(pid)))
    pool = poolOf({ program })
  })

  it('C3: dies with the node: killed in the middle, it leaves no capsule behind', async () => {
    const before = capsulesAlive()
    const node = spawn(process.execPath, [holding, program], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(node.stdout, 'data')
    expect(capsulesAlive().length).to.be.above(before.length)
    node.kill('SIGKILL')
    await eventually(() => capsulesAlive().every((pid) => before.includes(pid)))
  })

  it('S2: a program is gone at once when its call is given up', async () => {
    const giveUp = new AbortController()
    const given = pool.run({ language: 'javascript', code: 'for (;;) {}', stdin: '', timeoutMs: 8_000 }, giveUp.signal)
    giveUp.abort(new Error('the turn was stopped'))
    const told = await given.then(
      () => 'ran',
      (error: Error) => error.message,
    )
    expect(told).to.equal('the turn was stopped')
  })

  describe('where the system allows no namespaces', () => {
    let fewer: CapsulePool
    before(() => {
      fewer = poolOf({ program, walls: { namespaces: false } })
    })
    after(() => fewer.close())
    for (const [what, { code, held, by }] of Object.entries(attempts)) {
      if (by === 'namespaces') continue
      it(`still holds ${what}`, async () => {
        const guarded = `try { ${code} } catch (error) { print(error.code ?? error.name, error.message) }`
        expectHeld(await running(fewer, 'javascript', guarded), held)
      })
    }
  })

  it('where SOMA_SANDBOX is strict and a wall is missing, refuses to run', async () => {
    const strict = poolOf({ walls: { namespaces: false }, allWalls: true })
    const told = await running(strict, 'javascript', '1').then(String, String)
    expect(told).to.match(/SANDBOX_UNAVAILABLE: SOMA_SANDBOX is strict, and this system does not allow namespaces/)
    await strict.close()
  })
})

/** Interpreters in capsules, as Linux lists processes. */
function capsulesAlive(): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandOf(pid).includes('bare-capsule.js'))
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return ''
  }
}
