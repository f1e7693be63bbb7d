import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { DataDir } from '../../persistence/data-dir.ts'
import { processStart } from '../../persistence/process-identity.ts'

describe('data directory', () => {
  let dir: string
  const lock = () => join(dir, 'lock')
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'soma-dir-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('is made when it is not there, and free again after close', async () => {
    const path = join(dir, 'new', 'er')
    await (await DataDir.open(path)).close()
    await (await DataDir.open(path)).close()
    expect(await readdir(path)).to.deep.equal([])
  })

  it('belongs to one process: the second is told which', async () => {
    const child = await holderOf(dir)
    const outcome = await DataDir.open(dir).catch((error) => error)
    child.kill('SIGKILL')
    expect(outcome).to.include({ code: 'DATA_DIR_IN_USE' })
    expect(outcome.detail).to.include(String(child.pid))
  })

  it('is free again when its holder was killed (L2)', async () => {
    const child = await holderOf(dir)
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
    await (await DataDir.open(dir)).close()
  })

  it('is free for who asks the moment its holder was killed (L4)', async () => {
    const child = await holderOf(dir)
    child.kill('SIGKILL')
    await (await DataDir.open(dir)).close()
  })

  it('is free when its holder is a zombie that nobody reaps (L4)', async function () {
    if (process.platform !== 'linux') this.skip()
    // The shell becomes a sleep, which never asks after its child.
    const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'ignore'] })
    const [line] = await once(parent.stdout, 'data')
    const pid = Number(String(line))
    const start = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')[19]
    await writeFile(lock(), JSON.stringify({ pid, start }))
    await (await DataDir.open(dir)).close()
    parent.kill('SIGKILL')
  })

  it('is free when another process got the pid of the holder (L2)', async function () {
    if ((await processStart(process.pid)) === undefined) this.skip()
    await writeFile(lock(), JSON.stringify({ pid: process.pid, start: 'long ago' }))
    await (await DataDir.open(dir)).close()
  })

  it('is free when the lock is of an earlier boot, or no lock at all', async () => {
    const start = await processStart(process.pid)
    for (const content of [JSON.stringify({ pid: process.pid, start, boot: 'an earlier one' }), '', '{"pid":']) {
      await writeFile(lock(), content)
      const held = await DataDir.open(dir)
      expect(JSON.parse(await readFile(lock(), 'utf8'))).to.include({ pid: process.pid })
      await held.close()
    }
  })

  it('is had by one of many that find the same stale lock, a kill in the middle of a takeover included (L3)', async () => {
    const dead = JSON.stringify({ pid: spawnSync(process.execPath, ['-e', '']).pid, start: '1' })
    for (let round = 0; round < 6; round++) {
      await writeFile(lock(), dead)
      if (round % 2 === 0) await writeFile(`${lock()}~`, dead)
      const outcomes = await Promise.allSettled(Array.from({ length: 40 }, () => DataDir.open(dir)))
      const had = outcomes.flatMap((it) => (it.status === 'fulfilled' ? [it.value] : []))
      expect(had).to.have.length(1)
      await had[0]?.close()
    }
    expect(await readdir(dir)).to.deep.equal([])
  })

  it('is unusable when it is a file, and says which and what to do', async () => {
    const path = join(dir, 'file')
    await writeFile(path, '')
    const outcome = await DataDir.open(path).catch((error) => error)
    expect(outcome).to.include({ code: 'DATA_DIR_UNUSABLE' })
    expect(outcome.detail).to.include(path).and.include('SOMA_DATA_DIR')
  })

  it('is unusable below a file, and where no folder can be made, and says so at once', async () => {
    const file = join(dir, 'file')
    await writeFile(file, '')
    // The recursive mkdir of Node 20 never comes back from below /proc; elsewhere the link leads to nowhere.
    const nowhere = process.platform === 'linux' ? ['/proc/nope', '/proc/nope/deeper'] : []
    await symlink(join(dir, 'gone', 'away'), join(dir, 'dangling'))
    for (const path of [join(file, 'below'), join(dir, 'dangling', 'below'), ...nowhere]) {
      const outcome = await DataDir.open(path).catch((error) => error)
      expect(outcome, path).to.include({ code: 'DATA_DIR_UNUSABLE' })
      expect(outcome.detail).to.include(path)
    }
  })

  it('is made once when two start at once; one has it, the other is told that it is in use', async () => {
    const path = join(dir, 'a', 'b', 'c')
    const outcomes = await Promise.allSettled([DataDir.open(path), DataDir.open(path)])
    const had = outcomes.flatMap((it) => (it.status === 'fulfilled' ? [it.value] : []))
    expect(had).to.have.length(1)
    const refused = outcomes.flatMap((it) => (it.status === 'rejected' ? [it.reason.code] : []))
    expect(refused).to.deep.equal(['DATA_DIR_IN_USE'])
    await had[0]?.close()
  })

  it('is unusable when it cannot be written', async function () {
    // Root writes anywhere but in the kernel's own file systems.
    const root = process.getuid?.() === 0
    if (process.platform !== 'linux' && root) this.skip()
    const path = root ? '/sys/soma' : join(dir, 'locked')
    if (!root) await mkdir(path, { mode: 0o500 })
    const outcome = await DataDir.open(path).catch((error) => error)
    expect(outcome).to.include({ code: 'DATA_DIR_UNUSABLE' })
    expect(outcome.detail).to.include(path)
  })
})

/** A process that holds the directory until it is killed. */
async function holderOf(dir: string) {
  const module = new URL('../../persistence/data-dir.js', import.meta.url).href
  const script = `import { DataDir } from '${module}'
    await DataDir.open(process.argv[1]); console.log('held'); setInterval(() => {}, 1e6)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return child
}
