import { expect } from 'chai'
import { silentLogger } from '../../../actors/kernel/telemetry.ts'
import { systemClock as clock } from '../../../infra/clock.ts'
import { CapsulePool } from '../../../infra/sandbox/capsule-pool.ts'
import { findWalls, type Walls } from '../../../infra/sandbox/enclosure.ts'
import { givenUp, processorMs, type StartLimits } from '../../../infra/sandbox/start-limits.ts'
import { running } from '../../support/sandbox-run.ts'
import { ScratchFolder } from '../../support/scratch-folder.ts'

const limits: StartLimits = { cpuMs: 30_000, stillMs: 20_000, wallMs: 100_000 }
const serve = new URL('../../../infra/sandbox/inside/serve.js', import.meta.url)

/**
 * A capsule that starts as the file `how` beside it says: dies, stands (does no work), spins (does nothing else), labours
 * (works now and then, for longer than a capsule may stand still). Without the file it starts well.
 */
const program = `
import { readFileSync } from 'node:fs'
import { serve } from '${serve}'
let how
try { how = readFileSync(new URL('how', import.meta.url), 'latin1') } catch {}
const nap = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
const work = (ms) => { for (const until = performance.now() + ms; performance.now() < until; ); }
await serve(async () => {
  if (how === 'dies') process.kill(process.pid, 'SIGKILL')
  if (how === 'stands') nap(60_000)
  if (how === 'spins') work(60_000)
  if (how === 'labours') for (let n = 0; n < 40; n++) { nap(80); work(40) }
  return ({ code }) => ({ end: 'finished', value: code })
})`

describe('the limit of a start', () => {
  for (const [what, look, why] of [
    ['goes on with one that works, however long', { wallMs: 99_999, cpuMs: 29_999, stillMs: 0 }, undefined],
    ['ends one that worked too long', { wallMs: 40_000, cpuMs: 30_000, stillMs: 0 }, /30000 ms of processor time/],
    ['ends one that does nothing', { wallMs: 25_000, cpuMs: 500, stillMs: 20_000 }, /stood still for 20000 ms/],
    ['ends whichever nobody can wait for', { wallMs: 100_000, cpuMs: 500, stillMs: 0 }, /after 100000 ms/],
    ['is by the clock where nobody counts', { wallMs: 99_999, cpuMs: undefined, stillMs: 99_999 }, undefined],
  ] as const) {
    it(what, () => {
      const given = givenUp(look, limits)
      if (why === undefined) expect(given).to.equal(undefined)
      else expect(given).to.match(why)
    })
  }

  it('counts the processor time of a process as the system does', function () {
    if (process.platform !== 'linux') this.skip()
    const { user, system } = process.cpuUsage()
    expect(processorMs(process.pid)).to.be.at.least((user + system) / 1_000 - 20)
    expect(processorMs(2 ** 30)).to.equal(undefined)
  })
})

describe('a sandbox that does not start', function () {
  this.timeout(60_000)
  let folder: ScratchFolder
  let pool: CapsulePool
  let here: Walls
  const said: string[] = []
  before(async () => {
    here = await findWalls()
  })
  beforeEach(() => {
    folder = new ScratchFolder()
    said.length = 0
  })
  afterEach(async () => {
    await pool.close()
    folder.remove()
  })

  function starting(how: string, then: 'well' | 'the same', start: Partial<StartLimits> = {}, walls: Walls = here) {
    folder.write('how', how)
    const log = {
      ...silentLogger,
      warn: (_: object, message: string) => {
        if (message !== 'another sandbox is tried') return
        said.push(message)
        if (then === 'well') folder.remove('how')
      },
    }
    const ofPrograms = { timeoutMs: 5_000, cpuSeconds: 4, memoryMb: 64, outputBytes: 1_000, atOnce: 1, allWalls: false }
    pool = new CapsulePool(
      { ...ofPrograms, program: folder.write('capsule.mjs', program), walls, start },
      { clock, log },
    )
    return running(pool, 'javascript', 'here').then(
      ({ end, value }) => `${end} ${value}`,
      (error: Error) => error.message,
    )
  }

  for (const how of ['dies', 'stands', 'spins']) {
    it(`P4: ${how} first: its program runs in another one`, async () => {
      expect(await starting(how, 'well', { stillMs: 3_000, cpuMs: 2_000 })).to.equal('finished here')
      expect(said).to.have.length(1)
    })
  }

  it('P4: is tried once more and no oftener, and says why', async () => {
    expect(await starting('dies', 'the same')).to.match(
      /No interpreter could be started: its process ended with 137\.$/,
    )
    expect(said).to.have.length(1)
  })

  for (const walls of [{}, { namespaces: false }, { limits: false, namespaces: false }]) {
    it(`hears of a death at once, whatever the walls (${JSON.stringify(walls)})`, async () => {
      const from = performance.now()
      await starting('dies', 'the same', {}, { ...here, ...walls })
      // As long as two starts take, and not until one counts as standing still.
      expect(performance.now() - from).to.be.below(limits.stillMs)
    })
  }

  it('is not given up while it is at work, though slower than one may stand still', async () => {
    expect(await starting('labours', 'the same', { stillMs: 3_000 })).to.equal('finished here')
    expect(said).to.deep.equal([])
  })

  it('is given up by the clock when nobody can wait longer, and no other is tried', async () => {
    expect(await starting('labours', 'the same', { wallMs: 600 })).to.match(/it was not ready after 600 ms/)
    expect(said).to.deep.equal([])
  })
})
