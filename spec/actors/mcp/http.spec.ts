import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { LookupFunction } from 'node:net'
import { expect } from 'chai'
import { guardedMcpFetch } from '../../../infra/mcp/guarded-mcp-fetch.ts'
import { eventually } from '../../support/eventually.ts'
import { McpWorld, oddServer } from '../../support/mcp-world.ts'
import { ScratchFolder } from '../../support/scratch-folder.ts'

let world: McpWorld | undefined
let child: ChildProcess | undefined
let folder: ScratchFolder

/** The odd server as a process that listens; on this port, if one is given. */
async function listening(port = 0): Promise<number> {
  child = spawn(process.execPath, [oddServer, 'http', folder.path], {
    env: { PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data')) as [Buffer]
  return Number(line.toString())
}

async function kill(): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

const remote = (port: number, over: object = {}) => ({
  url: `http://127.0.0.1:${port}/mcp`,
  allow: ['127.0.0.1'],
  timeout_seconds: 20,
  ...over,
})

describe('MCP servers over streamable HTTP', function () {
  this.timeout(40_000)
  beforeEach(() => {
    folder = new ScratchFolder()
  })
  afterEach(async () => {
    await world?.close()
    world = undefined
    await kill()
    folder.remove()
  })

  /** The world notes elsewhere than the server, which was there before it. */
  const runs = async () => readFileSync(`${folder.path}/runs`, 'utf8').trim().split('\n')

  it('offers its tools, with the configured headers, whose secrets are not shown', async () => {
    const port = await listening()
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in the file.
    const headers = { Authorization: 'Bearer ${KEY}' }
    world = new McpWorld({ far: remote(port, { headers }) }, { KEY: 'hush-hush' })
    await world.ready('far')
    expect((await runs())[0]).to.equal('http initialize Bearer hush-hush')
    expect(await world.run('far__fail')).to.deep.include({ detail: 'the disk is full' })
    expect(JSON.stringify([world.view('far'), world.lines])).to.not.include('hush-hush')
  })

  it('M1: a server killed in the middle of a call: idempotent calls are made again, others are UNKNOWN', async () => {
    const port = await listening()
    world = new McpWorld({ far: remote(port) })
    await world.ready('far')
    const look = world.run('far__look')
    const work = world.run('far__work')
    await eventually(async () => {
      const lines = await runs()
      return ['look', 'work'].every((name) => lines.some((line) => line.startsWith(name)))
    })
    await kill()
    expect(await work).to.deep.include({ kind: 'failed', code: 'TOOL_OUTCOME_UNKNOWN' })
    await listening(port)
    expect(await look).to.deep.include({ kind: 'output' })
    expect((await runs()).filter((line) => line.startsWith('work')).length).to.equal(1)
  })

  it('a server that was restarted and knows our session no more gets a new one, and the call is done', async () => {
    const port = await listening()
    world = new McpWorld({ far: remote(port) })
    await world.ready('far')
    await kill()
    await listening(port)
    expect(await world.run('far__progress'), 'not idempotent, but surely not run').to.deep.include({ kind: 'output' })
  })

  const blocked = [
    'http://127.0.0.1:1/mcp',
    'http://localhost:1/mcp',
    'http://2130706433:1/mcp',
    'http://0x7f.1:1/mcp',
    'http://0177.0.0.1:1/mcp',
    'http://[::1]:1/mcp',
    'http://[::ffff:127.0.0.1]:1/mcp',
    'http://[::ffff:a9fe:a9fe]/mcp',
    'http://[fe80::1]/mcp',
    'http://[fd00::1]/mcp',
    'http://169.254.169.254/latest/meta-data',
    'http://168.63.129.16/mcp',
    'http://10.0.0.1/mcp',
    'http://172.16.0.1/mcp',
    'http://192.168.1.1/mcp',
    'http://100.64.0.1/mcp',
    'http://0.0.0.0:1/mcp',
    'http://metadata.google.internal/mcp',
    'http://printer.local/mcp',
  ]
  it(`reaches no internal address unless its configuration names it (${blocked.length} forms)`, async () => {
    world = new McpWorld(Object.fromEntries(blocked.map((url, index) => [`s${index}`, { url }])))
    for (const [index, url] of blocked.entries()) {
      await eventually(() => world?.view(`s${index}`).state === 'down')
      expect([url, world.view(`s${index}`).trouble]).to.satisfy(([, why]: string[]) => why?.includes('in `allow` of'))
    }
  })

  it('follows no redirect and no name to an internal address', async () => {
    let asked = 0
    const inner = createServer((_, response) => {
      asked++
      response.writeHead(200).end('secret')
    })
    inner.listen(0, '127.0.0.1')
    await once(inner, 'listening')
    const { port } = inner.address() as { port: number }
    const lookup: LookupFunction = (_name, _options, callback) =>
      callback(null, [
        { address: '203.0.113.9', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ])
    const rebound = guardedMcpFetch([], () => [], lookup)
    const why = await rebound.fetch(`http://rebind.example:${port}/mcp`, { method: 'POST', body: '{}' }).then(
      () => 'fetched',
      (error: Error) => String((error.cause as Error)?.message ?? error.message),
    )
    expect(why).to.include('BLOCKED_ADDRESS')
    await rebound.close()

    const outer = createServer((_, response) =>
      response.writeHead(307, { location: `http://localhost:${port}/` }).end(),
    )
    outer.listen(0, '127.0.0.1')
    await once(outer, 'listening')
    const { port: outerPort } = outer.address() as { port: number }
    world = new McpWorld({ far: remote(outerPort) })
    await eventually(() => world?.view('far').state === 'down')
    expect(asked).to.equal(0)
    inner.close()
    outer.close()
  })
})
