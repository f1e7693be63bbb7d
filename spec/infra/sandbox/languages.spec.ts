import { expect } from 'chai'
import type { CapsulePool } from '../../../infra/sandbox/capsule-pool.ts'
import { poolOf, running } from '../../support/sandbox-run.ts'

describe('programs in the sandbox', function () {
  this.timeout(60_000)
  let pool: CapsulePool
  before(() => {
    pool = poolOf()
  })
  after(() => pool.close())

  const js = (code: string, stdin = '') => running(pool, 'javascript', code, { stdin })
  const py = (code: string, stdin = '') => running(pool, 'python', code, { stdin })

  describe('JavaScript', () => {
    it('gives what it prints and the value of its last expression', async () => {
      const run = await js('console.log("sum of %d", 3, [1, { a: new Map([[1, "x"]]) }]); console.error("oh"); 6 * 7')
      expect(run).to.deep.include({
        end: 'finished',
        value: '42',
        stdout: 'sum of 3 [ 1, { a: Map(1) { 1 => "x" } } ]\n',
        stderr: 'oh\n',
      })
    })

    for (const [what, code, value] of [
      ['a string', '"a" + "b"', 'ab'],
      ['a big integer', '2n ** 70n', '1180591620717411303424n'],
      ['a structure that contains itself', 'const a = { b: 1 }; a.self = a; a', '{ b: 1, self: [Circular] }'],
      ['a promise that is kept', 'Promise.resolve({ ok: true })', '{ ok: true }'],
      ['an instance', 'class P { x = 1 }; new P()', 'P { x: 1 }'],
      ['nothing', 'let unused = 1', undefined],
    ] as const) {
      it(`shows ${what}`, async () => {
        const run = await js(code)
        expect([run.end, run.value]).to.deep.equal(['finished', value])
      })
    }

    it('awaits at the top level, and runs timers in order', async () => {
      const code = `
        setTimeout(() => console.log('third'), 30); setTimeout(console.log, 1, 'second'); console.log('first')
        await new Promise((wake) => setTimeout(wake, 60)); console.log('last')`
      expect((await js(code)).stdout).to.equal('first\nsecond\nthird\nlast\n')
    })

    it('reads its standard input', async () => {
      expect((await js('print(readline(), readline(), readline(), stdin.length)', 'a\nb\n')).stdout).to.equal(
        'a b null 4\n',
      )
    })

    it('fails with its error, its place and what it had printed', async () => {
      const run = await js('console.log(1)\nnull.x')
      expect(run).to.include({ end: 'failed', stdout: '1\n' })
      expect(run.stderr).to.match(/Uncaught TypeError: cannot read property 'x' of null\n.*code\.js:2/)
      expect((await js('const = 1')).stderr).to.match(/SyntaxError/)
      expect((await js('await Promise.reject(new Error("no"))')).stderr).to.match(/Error: no/)
      expect((await js('new Promise(() => {})')).detail).to.equal('It awaits something that never comes.')
      expect((await js('import fs from "node:fs"')).end).to.equal('failed')
    })
  })

  describe('Python', () => {
    it('gives what it prints and the value of its last expression', async () => {
      const run = await py('import sys\nprint("hi")\nprint("oh", file=sys.stderr)\n[x * 2 for x in range(3)]')
      expect(run).to.deep.include({ end: 'finished', value: '[0, 2, 4]', stdout: 'hi\n', stderr: 'oh\n' })
    })

    it('may end itself, and the code is told', async () => {
      const run = await py('print("so far", flush=True)\nimport os\nos._exit(7)')
      expect(run).to.deep.include({ end: 'failed', detail: 'It ended itself with code 7.' })
    })

    it('has the standard library', async () => {
      const code = `
import asyncio, collections, csv, dataclasses, datetime, decimal, fractions, hashlib, io, itertools, json, math, random
import re, sqlite3, statistics, string, tempfile, textwrap, unittest, uuid, xml.etree.ElementTree, zipfile
with tempfile.NamedTemporaryFile('w+') as file:
    file.write('a,b'); file.seek(0)
    rows = list(csv.reader(file))
@dataclasses.dataclass
class Point:
    x: int
(rows, Point(1), sqlite3.connect(':memory:').execute('select 6 * 7').fetchone(), hashlib.sha256(b'').hexdigest()[:4])`
      expect((await py(code)).value).to.equal("([['a', 'b']], Point(x=1), (42,), 'e3b0')")
    })

    it('awaits at the top level and by asyncio.run', async () => {
      const code = `
import asyncio
async def after(s, it):
    await asyncio.sleep(s); return it
print(asyncio.run(after(0.01, 'a')))
await asyncio.gather(after(0.02, 1), after(0.01, 2))`
      expect(await py(code)).to.deep.include({ end: 'finished', stdout: 'a\n', value: '[1, 2]' })
    })

    it('reads its standard input', async () => {
      expect((await py('import sys\nprint(input(), sys.stdin.read())', 'ä\nb\nc')).stdout).to.equal('ä b\nc\n')
    })

    it('fails with its traceback, without ours, and with what it had printed', async () => {
      const run = await py('print(1)\ndef f():\n    return {}["k"]\nf()')
      expect(run).to.include({ end: 'failed', stdout: '1\n', detail: "KeyError: 'k'" })
      expect(run.stderr)
        .to.match(/line 4, in <module>\n\s+f\(\)/)
        .and.to.not.include('__soma')
      expect((await py('x = = 1')).stderr).to.match(/SyntaxError/)
      expect(await py('import sys; sys.exit(3)')).to.include({ end: 'failed', detail: 'It exited with 3.' })
      expect(await py('import sys; sys.exit(0)')).to.include({ end: 'finished' })
    })

    it('starts from the kept memory also when the spare is taken', async () => {
      await py('1')
      await pool.spareReady('python')
      // The seed of `hash` is in the memory that is kept: whoever started from nothing has another.
      const [spare, fresh] = await Promise.all([py('hash("soma")'), py('hash("soma")')])
      expect([fresh.end, fresh.value]).to.deep.equal(['finished', spare.value])
    })
  })
})
