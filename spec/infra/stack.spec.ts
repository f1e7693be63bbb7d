import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { Kafka, logLevel } from 'kafkajs'
import { packageRoot } from '../../infra/package-root.ts'
import { describeWith, freshTopics } from '../support/test-services.ts'

const run = promisify(execFile)
const entry = path.join(packageRoot, 'infra', 'stack.mjs')

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** node infra/stack.mjs …, and how it ended. */
async function stack(...args: string[]): Promise<Ended> {
  try {
    return { code: 0, ...(await run(process.execPath, [entry, ...args])) }
  } catch (error) {
    return error as Ended
  }
}

describe('the stack of real servers', () => {
  let folder: string
  const data = () => path.join(folder, 'data')

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'soma-stack-spec-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('names the mistake on its command line, and starts nothing', async () => {
    const mistakes: [string[], string][] = [
      [['bogus'], 'no command "bogus"'],
      [['up', '--brokers', '2'], '--brokers takes 1 or 3, not "2"'],
      [['up', '--with', 'grafana'], '--with takes opa, openfga, prometheus, not "grafana"'],
      [['up', '--ports', 'redis=x'], '--ports takes free, or NAME=PORT'],
      [['up', '--ports', 'opa=8181'], 'opa, which is not part of this stack'],
      [['up', '--frob'], '--frob'],
      [['stop'], 'needs the name of a server'],
      [['stop', 'kafka-1'], 'no server kafka-1'],
      [['run', '--'], 'run needs a command'],
    ]
    for (const [args, words] of mistakes) {
      const { code, stderr } = await stack('--data', data(), ...args)
      expect(stderr).to.include(words)
      expect(code, words).to.equal(2)
    }
    expect(existsSync(path.join(data(), 'stack.json'))).to.equal(false)
  })

  it('says that nothing is there, and leaves nothing behind by asking', async () => {
    expect(await stack('status', '--data', data())).to.include({ code: 3 })
    expect((await stack('status', '--json', '--data', data())).stdout.trim()).to.equal('[]')
    expect((await stack('env', '--data', data())).stderr).to.include('npm run stack starts one')
    expect((await stack('down', '--data', data())).code).to.equal(0)
    expect(existsSync(data())).to.equal(false)
  })

  it('names who has a port that it needs, before it fetches or starts anything', async () => {
    const squatter = createServer().listen(0, '127.0.0.1')
    await once(squatter, 'listening')
    const { port } = squatter.address() as AddressInfo
    try {
      const up = ['up', '--data', data(), '--cache', path.join(folder, 'cache'), '--ports', `free,redis=${port}`]
      const { code, stderr } = await stack(...up)
      expect(code).to.equal(1)
      expect(stderr).to.include(`port ${port}, which redis needs`)
      if (existsSync('/proc/net/tcp')) expect(stderr).to.include(`by pid ${process.pid}`)
      expect(existsSync(path.join(folder, 'cache'))).to.equal(false)
    } finally {
      squatter.close()
    }
  })

  describe('with a server that it started', () => {
    let server: ChildProcess
    let began: string

    beforeEach(async () => {
      server = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log("up")'])
      await once(server.stdout as NonNullable<typeof server.stdout>, 'data')
      const processes = await import(pathToFileURL(path.join(packageRoot, 'infra', 'stack', 'processes.mjs')).href)
      began = processes.look(server.pid).began
    })
    afterEach(() => server.kill('SIGKILL'))

    /** A stack of one Redis, recorded with this process. */
    async function recorded(beginning: string): Promise<void> {
      const file = (name: string) => path.join(folder, name)
      const redis = {
        name: 'redis',
        kind: 'redis',
        port: 1,
        ports: { port: 1 },
        home: file('redis'),
        command: ['redis'],
      }
      const past = { pid: server.pid, began: beginning, log: file('log'), pidFile: file('pid') }
      const variables = { REDIS_URL: "redis://it's" }
      await writeFile(file('stack.json'), JSON.stringify({ folder, variables, servers: [{ ...redis, ...past }] }))
    }

    it('ends it, and then knows that it is down', async () => {
      await recorded(began)
      expect(JSON.parse((await stack('status', '--json', '--data', folder)).stdout)[0]).to.include({ up: true })
      const ended = once(server, 'exit')
      expect((await stack('down', '--data', folder)).stderr).to.include('redis: stopped')
      expect((await ended)[1]).to.equal('SIGTERM')
      expect((await stack('status', '--data', folder)).code).to.equal(3)
    })

    it('signals no other process that has got its pid since (P1)', async () => {
      await recorded(`${began}0`)
      expect(JSON.parse((await stack('status', '--json', '--data', folder)).stdout)[0]).to.include({ up: false })
      for (const verb of [['stop', 'redis'], ['down']]) {
        expect((await stack(...verb, '--data', folder)).stderr).to.include('redis: was not running')
      }
      expect((await stack('down', '--delete', '--data', folder)).code).to.equal(0)
      expect([server.exitCode, server.signalCode]).to.deep.equal([null, null])
      expect(existsSync(folder)).to.equal(false)
    })

    it('deletes what is the stack’s, and nothing that somebody else keeps in the folder it was told', async () => {
      await recorded(began)
      await writeFile(path.join(folder, 'precious.txt'), 'mine')
      const down = await stack('down', '--delete', '--data', folder)
      expect(down.stderr).to.include('precious.txt')
      expect(await readdir(folder)).to.deep.equal(['precious.txt'])
    })

    it('goes on where a command was killed that held the lock (S2)', async () => {
      await recorded(began)
      await writeFile(path.join(folder, 'lock'), JSON.stringify({ pid: server.pid, began: `${began}0` }))
      expect((await stack('stop', 'redis', '--data', folder)).stderr).to.include('redis: stopped')
    })

    it('tells a shell where everything is', async () => {
      await recorded(began)
      const script = `eval "$("${process.execPath}" "${entry}" env --data "${folder}")"; printf %s "$REDIS_URL"`
      expect((await run('sh', ['-c', script])).stdout).to.equal("redis://it's")
    })
  })
})

describeWith('stack', 'the stack that these specs run on', (file) => {
  it('is described by its state file, every server running', async () => {
    const { servers } = JSON.parse(await readFile(file, 'utf8'))
    const rows = JSON.parse((await stack('status', '--json', '--data', path.dirname(file))).stdout)
    expect(rows.map(({ name }: { name: string }) => name)).to.include.members(['kafka-1', 'postgres', 'redis'])
    expect(rows.filter(({ up }: { up: boolean }) => !up)).to.deep.equal([])
    expect(rows.map(({ pid }: { pid: number }) => pid)).to.deep.equal(servers.map(({ pid }: { pid: number }) => pid))
  })
})

describeWith('kafka', 'topics of a spec', (addresses) => {
  it('are deleted by their prefix, and no others', async () => {
    const [mine, other] = [freshTopics(addresses), freshTopics(addresses)]
    const admin = new Kafka({ brokers: mine.brokers, logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    try {
      const topics = [`${mine.prefix}a`, `${mine.prefix}b`, `${other.prefix}a`]
      await admin.createTopics({ topics: topics.map((topic) => ({ topic })), waitForLeaders: true })
      await mine.drop()
      const left = (await admin.listTopics()).filter((topic) => topics.includes(topic))
      expect(left).to.deep.equal([`${other.prefix}a`])
    } finally {
      await other.drop()
      await admin.disconnect()
    }
  })
})
