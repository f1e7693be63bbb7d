import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { systemClock } from '../../../infra/clock.ts'
import { freePort } from '../../../supervisors/drills/service-process.ts'
import { controlServer, order } from '../../../supervisors/local-cluster/control.ts'
import { LocalCluster } from '../../../supervisors/local-cluster/local-cluster.ts'
import { processSupervision } from '../../../supervisors/local-cluster/supervised-process.ts'
import { ScratchFolder } from '../../support/scratch-folder.ts'

/** A process with a /readyz, and with a way to tell in which order processes stopped. */
const program = `
import { createServer } from 'node:http'
import { appendFileSync } from 'node:fs'
if (process.env.FAIL) process.exit(7)
createServer((request, answer) => answer.end('ok')).listen(Number(process.env.SOMA_PORT), '127.0.0.1')
process.on('SIGTERM', () => {
  appendFileSync(process.env.STOPS, process.env.NAME + '\\n')
  process.exit(0)
})
`

describe('local cluster', function () {
  this.timeout(30_000)
  const folder = new ScratchFolder()
  const file = folder.write('member.mjs', program)
  const stops = folder.write('stops', '')
  const lines: string[] = []
  const waiting: (() => void)[] = []
  const gaveUp: string[] = []
  let cluster: LocalCluster

  const told = (line: string) => {
    lines.push(line)
    for (const look of waiting.splice(0)) look()
  }
  const heard = async (text: string, from = 0) => {
    while (!lines.slice(from).some((line) => line.includes(text))) {
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
  }
  const member = async (name: string, role: 'node' | 'gateway', env: Record<string, string> = {}) => ({
    name,
    role,
    port: await freePort(),
    program: [file],
    env: { NAME: name, STOPS: stops, ...env },
    log: join(folder.path, `${name}.log`),
  })
  const means = {
    clock: systemClock,
    random: () => 0,
    told,
    gaveUp: (name: string) => gaveUp.push(name),
    supervision: { ...processSupervision, intensity: 2, backoff: { baseMs: 5, maxMs: 20, jitter: 0 } },
  }

  beforeEach(async () => {
    lines.length = 0
    gaveUp.length = 0
    const members = [await member('gateway-1', 'gateway'), await member('node-1', 'node')]
    cluster = new LocalCluster(members, means)
    await cluster.start()
  })
  afterEach(() => cluster.release())
  after(() => folder.remove())

  const node = () => cluster.find('node-1') as NonNullable<ReturnType<LocalCluster['find']>>

  it('starts again what died, under another pid', async () => {
    const before = node().pid
    node().crash()
    await heard('node-1: pid')
    await heard(
      'node-1 is ready',
      lines.findIndex((line) => line.includes('ended by itself')),
    )
    expect(node().pid).to.not.equal(before)
    expect(node().restarts).to.equal(1)
    expect(cluster.find('gateway-1')?.restarts).to.equal(0)
  })

  it('gives up beyond intensity, and says so with the end of the log', async () => {
    const failing = new LocalCluster([await member('node-9', 'node', { FAIL: '1' })], means)
    await failing.start().catch(() => {})
    await heard('given up after 2 restarts')
    expect(gaveUp).to.deep.equal(['node-9'])
    expect(failing.rows()[0]).to.include({ state: 'given up', pid: null })
    await failing.release()
  })

  it('does not start again what was ordered to stop or to die', async () => {
    await node().kill()
    expect(node().state).to.equal('stopped')
    expect(lines.some((line) => line.includes('ended by itself'))).to.equal(false)
  })

  it('freezes one process: it answers nothing until it is thawed', async () => {
    node().freeze()
    const answered = fetch(`${node().url}/readyz`).then(() => 'answered')
    const quiet = fetch(`${cluster.find('gateway-1')?.url}/readyz`).then(() => 'the other answered')
    expect(await Promise.race([answered, quiet])).to.equal('the other answered')
    node().thaw()
    expect(await answered).to.equal('answered')
  })

  it('stops gateways before nodes', async () => {
    await cluster.stop()
    const { readFileSync } = await import('node:fs')
    expect(readFileSync(stops, 'utf8').trim().split('\n').slice(-2)).to.deep.equal(['gateway-1', 'node-1'])
  })

  it('takes orders over its socket', async () => {
    const socket = join(folder.path, 'control.sock')
    let asked = false
    const server = controlServer(cluster, () => {
      asked = true
    })
    await once(server.listen(socket), 'listening')
    const { processes } = await order(socket, 'GET', '/processes')
    expect(processes.map(({ name, pid }) => [name, pid])).to.deep.equal([
      ['gateway-1', cluster.find('gateway-1')?.pid],
      ['node-1', node().pid],
    ])
    const before = node().pid
    await order(socket, 'POST', '/processes/node-1/restart')
    expect(node().pid).to.not.equal(before)
    const refused = await order(socket, 'POST', '/processes/node-7/kill').catch((error: Error) => error.message)
    expect(refused).to.include('node-7')
    await order(socket, 'POST', '/stop')
    while (!asked) await new Promise(setImmediate)
    server.close()
  })

  it('leaves no process behind when its supervisor is killed', async () => {
    const port = await freePort()
    const serviceProcess = fileURLToPath(new URL('../../../supervisors/drills/service-process.js', import.meta.url))
    const env = JSON.stringify({ NAME: 'orphan', STOPS: stops })
    const supervisor = folder.write(
      'supervisor.mjs',
      `import { ServiceProcess } from ${JSON.stringify(serviceProcess)}
const child = new ServiceProcess({ program: [${JSON.stringify(file)}], port: ${port}, env: ${env}, log: '/dev/null' })
child.start()
await child.ready()
process.stdout.write(String(child.pid))
setInterval(() => {}, 1000)`,
    )
    const parent = spawn(process.execPath, [supervisor], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [pid] = (await once(parent.stdout, 'data')) as [Buffer]
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    const lives = () => {
      try {
        process.kill(Number(pid.toString()), 0)
        return true
      } catch {
        return false
      }
    }
    while (lives()) await new Promise(setImmediate)
  })
})
