import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { layDatabase } from '../support/persistence-under-test.ts'
import { ScratchFolder } from '../support/scratch-folder.ts'
import { runSoma, Service } from '../support/service.ts'
import { SessionListener } from '../support/session-listener.ts'

const CANNOT_START = 5

describe('a start that cannot be', function () {
  this.timeout(60_000)
  const folder = new ScratchFolder()
  after(() => folder.remove())

  async function refused(env: Record<string, string>, code: string): Promise<string> {
    const run = await runSoma(['serve'], { SOMA_DATA_DIR: join(folder.path, 'data'), SOMA_PORT: '0', ...env })
    expect(run.code, run.stderr).to.equal(CANNOT_START)
    expect(run.stderr).to.include(code)
    return run.stderr
  }

  it('a file where the data directory should be: DATA_DIR_UNUSABLE', async () => {
    await refused({ SOMA_DATA_DIR: folder.write('a-file', '') }, 'DATA_DIR_UNUSABLE')
  })

  it('a wrong setting: CONFIG_INVALID, with its name and what is expected', async () => {
    const told = await refused({ SOMA_PORT: 'eighty' }, 'CONFIG_INVALID')
    expect(told).to.include('SOMA_PORT').and.to.include('whole number')
  })

  it('an address that others reach, without authentication: CONFIG_INVALID, with the remedy', async () => {
    expect(await refused({ SOMA_HOST: '0.0.0.0' }, 'CONFIG_INVALID')).to.include('GATEWAY_JWT_SECRET')
  })

  it('a port in use: PORT_IN_USE', async () => {
    await layDatabase(join(folder.path, 'data'))
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    try {
      expect(await refused({ SOMA_PORT: String(port) }, 'PORT_IN_USE')).to.include(String(port))
    } finally {
      server.close()
    }
  })

  it('a second process on the same data directory: DATA_DIR_IN_USE with its id, and the first goes on', async () => {
    const service = await Service.start()
    try {
      const told = await refused({ SOMA_DATA_DIR: service.dataDir }, 'DATA_DIR_IN_USE')
      expect(told).to.include(String(service.process.pid))
      const { session_id, event_id } = await service.say('first', 'say undisturbed')
      const listener = await SessionListener.open(service.url, session_id)
      expect((await listener.final(event_id)).event.message).to.equal('undisturbed')
      listener.close()
    } finally {
      await service.release()
    }
  })
})

describeMounted('a data directory on a disk of its own', (mounted) => {
  it('read-only: DATA_DIR_UNUSABLE', async () => {
    const disk = mounted('1m')
    execFileSync('mount', ['-o', 'remount,ro', disk])
    const run = await runSoma(['serve'], { SOMA_DATA_DIR: join(disk, 'data'), SOMA_PORT: '0' })
    expect(run.code).to.equal(CANNOT_START)
    expect(run.stderr).to.include('DATA_DIR_UNUSABLE').and.to.include('read-only')
  })

  it('too small to begin with: DATA_DIR_UNUSABLE', async () => {
    const disk = mounted('2m')
    const run = await runSoma(['serve'], { SOMA_DATA_DIR: join(disk, 'data'), SOMA_PORT: '0' })
    expect(run.code, run.stderr).to.equal(CANNOT_START)
    expect(run.stderr).to.include('DATA_DIR_UNUSABLE')
  })

  it('full while it runs: nothing is accepted that is not kept, and all goes on when there is room', async () => {
    const disk = mounted('160m')
    const service = await Service.start({ env: { SOMA_DATA_DIR: join(disk, 'data') } })
    try {
      const { pid } = service.process
      const accepted = [await service.say('full', 'say before')]
      const filler = join(disk, 'filler')
      expect(() => writeFileSync(filler, Buffer.alloc(200 * 1024 * 1024))).to.throw('ENOSPC')
      let refusal: { status: number; code: string } | undefined
      for (let n = 0; n < 2_000 && !refusal; n++) {
        const { status, body } = await service.post('/v1/session/message', {
          session_id: 'full',
          message: `say ${n}\n`,
          metadata: { padding: 'x'.repeat(50_000) },
        })
        if (status === 200) accepted.push(body)
        // A queue that is full for the moment is no refusal by the disk.
        else if (body.code !== 'TURN_QUEUE_FULL') refusal = { status, code: body.code }
      }
      expect(refusal).to.deep.equal({ status: 503, code: 'JOURNAL_UNAVAILABLE' })
      rmSync(filler)
      const answered = await untilAccepted(service)
      accepted.push(answered)
      const listener = await SessionListener.open(service.url, answered.session_id)
      for (const { event_id } of accepted) await listener.final(event_id)
      listener.close()
      const finals = listener.types.filter((type) => type === 'assistant.final')
      expect(finals.length).to.be.at.least(accepted.length)
      expect(service.process.pid).to.equal(pid)
      expect(service.process.running).to.equal(true)
    } finally {
      await service.release()
    }
  })
})

async function untilAccepted(service: Service): Promise<{ session_id: string; event_id: string }> {
  for (;;) {
    const { status, body } = await service.post('/v1/session/message', { session_id: 'full', message: 'say after' })
    if (status === 200) return body
    expect(status, JSON.stringify(body)).to.equal(503)
  }
}

/** Real disks that are small or read-only need the right to mount one: root on Linux, as .ci/run is. */
function describeMounted(title: string, body: (mounted: (size: string) => string) => void): void {
  const mounts: string[] = []
  const mounted = (size: string): string => {
    const { path } = new ScratchFolder()
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path])
    mounts.push(path)
    return path
  }
  const unmountAll = () => {
    for (const path of mounts.splice(0)) {
      execFileSync('umount', [path])
      rmSync(path, { recursive: true })
    }
  }
  try {
    mounted('1m')
    unmountAll()
  } catch {
    describe.skip(`${title} — SKIPPED, this user may not mount a tmpfs (root may)`, () => {
      it('needs a mount', () => {})
    })
    return
  }
  describe(title, function () {
    this.timeout(120_000)
    afterEach(unmountAll)
    body(mounted)
  })
}
