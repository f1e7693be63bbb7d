import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { EndOfRun, Underway } from '../../../actors/tool/behaviour.ts'
import { ofRun } from '../../../actors/tool/outcomes.ts'
import { decide } from '../../../supervisors/decider.ts'
import { eventually } from '../../support/eventually.ts'
import { allowed } from '../../support/given-tool.ts'
import { McpWorld, odd, oddServer } from '../../support/mcp-world.ts'

let world: McpWorld

describe('MCP servers over stdio', function () {
  this.timeout(40_000)
  afterEach(() => world.close())

  it('offers a tool as <server>__<tool>, with the schema of the server', async () => {
    world = new McpWorld((folder) => ({ odd: odd(folder) }))
    await world.ready('odd')
    expect(world.tool('odd__work')).to.deep.include({ description: 'Works.', idempotent: false, reaches: ['mcp'] })
    expect(world.tools.parameters('odd__work')).to.deep.equal({
      type: 'object',
      properties: { times: { type: 'integer', minimum: 1 } },
      required: [],
    })
    expect(world.tool('odd__odd_name_here').description).to.equal('odd.name/here of the MCP server odd.')
  })

  it('leaves out a tool whose schema cannot be used, and says why', async () => {
    world = new McpWorld((folder) => ({ odd: odd(folder) }))
    await world.ready('odd')
    expect(world.tools.get('odd__no_schema')).to.equal(undefined)
    const [{ name, reason } = { name: '', reason: '' }] = world.view('odd').leftOut
    expect([name, reason]).to.satisfy(([n, r]: string[]) => n === 'no_schema' && r?.includes('cannot be used'))
  })

  it('checks arguments against the schema of the server', async () => {
    world = new McpWorld((folder) => ({ odd: odd(folder) }))
    await world.ready('odd')
    const { schema } = world.tool('odd__work')
    expect(schema.safeParse({ times: 2 }).success).to.equal(true)
    const refused = schema.safeParse({ times: 0 })
    expect(refused.error?.issues.map(({ path, message }) => [path, message])).to.deep.equal([
      [['times'], 'must be >= 1'],
    ])
  })

  it('takes a tool for idempotent by its hints, never by a hint that it destroys, unless configured', async () => {
    world = new McpWorld((folder) => ({
      odd: odd(folder),
      told: odd(folder, { idempotent: ['work'] }),
      never: odd(folder, { idempotent: false }),
    }))
    await Promise.all(['odd', 'told', 'never'].map((name) => world.ready(name)))
    const idempotent = (server: string) =>
      world
        .view(server)
        .tools.filter((tool) => tool.idempotent)
        .map(({ name }) => name)
    expect(idempotent('odd')).to.deep.equal(['odd__look', 'odd__put', 'odd__env'])
    expect(idempotent('told')).to.deep.equal(['told__work'])
    expect(idempotent('never')).to.deep.equal([])
  })

  it('offers only the tools that are named', async () => {
    world = new McpWorld((folder) => ({ odd: odd(folder, { tools: ['l*'] }) }))
    await world.ready('odd')
    expect(world.tools.list().map(({ name }) => name)).to.deep.equal(['odd__look', 'odd__learn'])
  })

  it('gives text, names what is none, and makes an error of an error', async () => {
    world = new McpWorld((folder) => ({ odd: odd(folder, { max_output: 500 }) }))
    await world.ready('odd')
    expect(await world.run('odd__picture')).to.deep.include({
      output:
        'Here:\n[image image/png, 100 bytes]\n[resource file:///notes.txt]\nnoted\n[resource more: file:///more.txt]',
    })
    const failed = { kind: 'failed', code: 'TOOL_FAILED', detail: 'the disk is full' }
    expect(await world.run('odd__fail')).to.deep.equal(failed)
    expect(await world.run('odd__flood', { characters: 100_000 })).to.deep.include({
      output: `${'x'.repeat(500)}\n[cut: the first 500 of 100000 characters]`,
      truncated: true,
    })
  })

  it('M1: makes an idempotent call again when its server is killed in the middle of it', async () => {
    world = new McpWorld((folder) => ({ odd: odd(folder, { env: { SPEC: 'x' } }) }))
    await world.ready('odd')
    const answer = world.run('odd__look')
    await world.ran('look')
    await killServer()
    expect(await answer).to.satisfy((it: { output: string }) => /^done by \d+$/.test(it.output))
    expect(world.runs().filter((line) => line.startsWith('look'))).to.deep.equal(['look call-1', 'look call-1'])
    expect(world.view('odd')).to.deep.include({ state: 'ready', restarts: 1 })
  })

  it('M1: ends any other in UNKNOWN, and runs it once', async () => {
    world = new McpWorld((folder) => ({ odd: odd(folder) }))
    await world.ready('odd')
    const answer = world.run('odd__work')
    await world.ran('work')
    await killServer()
    expect(await answer).to.deep.include({ kind: 'failed', code: 'TOOL_OUTCOME_UNKNOWN' })
    await world.ready('odd')
    expect(world.runs()).to.deep.equal(['work call-1'])
    const underway = { idempotent: false, startedAt: 1, decision: allowed } as Underway
    const outcome = ofRun((await answer) as EndOfRun, underway, 2)
    expect(outcome).to.deep.include({ status: 'unknown', code: 'TOOL_OUTCOME_UNKNOWN' })
  })

  it('M2: refuses calls with the cause while the server is down, and takes them when it is back', async () => {
    world = new McpWorld((folder) => ({ odd: odd(folder, { command: `${folder}/missing` }) }))
    await eventually(() => world.view('odd').state === 'down')
    const answer = await world.run('odd__work')
    expect(answer).to.deep.include({ kind: 'failed', code: 'MCP_UNAVAILABLE' })
    expect((answer as { detail: string }).detail).to.include('ENOENT')
    await eventually(() => world.view('odd').restarts > 1)
    const down = { directive: 'restart', counts: false, atOnce: false }
    expect(decide(new Failure('MCP_UNAVAILABLE', '')), 'however often: it never escalates').to.deep.equal(down)
  })

  it('M3: runs no more calls at once than configured', async () => {
    world = new McpWorld((folder) => ({ odd: odd(folder, { concurrency: 1 }) }))
    await world.ready('odd')
    const stop = new AbortController()
    const first = world.run('odd__work', { times: 9 }, { signal: stop.signal })
    await world.ran('work')
    const second = world.run('odd__env')
    expect(world.view('odd').running).to.equal(1)
    stop.abort(new DOMException('stopped', 'AbortError'))
    expect(await first).to.deep.include({ kind: 'failed' })
    expect(await second).to.deep.include({ kind: 'output' })
  })

  it('A1: a server that never answers holds up nothing, and is given up and tried again', async () => {
    const before = performance.now()
    world = new McpWorld((folder) => ({ mute: odd(folder, { start_timeout_seconds: 1 }, ['mute']), odd: odd(folder) }))
    expect(performance.now() - before).to.be.below(1_000)
    await world.ready('odd')
    await eventually(() => world.view('mute').restarts > 0, 20_000)
    expect(world.view('mute').trouble).to.include('within 1000 ms')
  })

  it('a server that is frozen is found by a call without an answer, ended, and started again', async () => {
    world = new McpWorld((folder) => ({ odd: odd(folder, { timeout_seconds: 1 }) }))
    await world.ready('odd')
    const pid = serverPid()
    process.kill(pid, 'SIGSTOP')
    expect(await world.run('odd__env')).to.deep.include({ kind: 'timeout' })
    await eventually(() => world.view('odd').state === 'ready' && world.view('odd').restarts === 1, 20_000)
    expect(alive(pid)).to.equal(false)
    expect(await world.run('odd__env')).to.deep.include({ kind: 'output' })
  })

  it('tells the server that a call was cancelled, and passes its progress on', async () => {
    world = new McpWorld((folder) => ({ odd: odd(folder) }))
    await world.ready('odd')
    const told: unknown[] = []
    await world.run('odd__progress', {}, { progress: (it) => told.push(it) })
    expect(told).to.deep.equal([{ text: 'a quarter', fraction: 0.25 }])
    const stop = new AbortController()
    const answer = world.run('odd__work', {}, { signal: stop.signal })
    await world.ran('work')
    stop.abort(new DOMException('stopped', 'AbortError'))
    await answer
    await world.ran('cancelled')
  })

  it('honours tools/list_changed', async () => {
    world = new McpWorld((folder) => ({ odd: odd(folder) }))
    await world.ready('odd')
    expect(world.tools.get('odd__learned')).to.equal(undefined)
    await world.run('odd__learn')
    await eventually(() => world.tools.get('odd__learned') !== undefined)
  })

  it('gives the process none of our environment but the likes of PATH, and what is configured', async () => {
    process.env.SOMA_SPEC_SECRET = 'never-shown'
    try {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in the file.
      const env = { KEY: '${API_KEY}' }
      world = new McpWorld((folder) => ({ odd: odd(folder, { env }) }), { API_KEY: 'hush-hush' })
      await world.ready('odd')
      const answer = await world.run('odd__env')
      const given = JSON.parse((answer as { output: string }).output) as Record<string, string>
      expect(Object.keys(given).filter((name) => !/^(HOME|LOGNAME|PATH|SHELL|TERM|USER)$/.test(name))).to.deep.equal([
        'KEY',
      ])
      expect(given.KEY, 'a secret comes back hidden').to.equal('[redacted]')
    } finally {
      delete process.env.SOMA_SPEC_SECRET
    }
  })

  it('logs what a server writes to stderr, up to a limit', async () => {
    world = new McpWorld((folder) => ({ odd: odd(folder, {}, ['chatty']) }))
    await world.ready('odd')
    await eventually(() => world.lines.some(({ message }) => message === 'MCP server says'))
    const said = world.lines.filter(({ message }) => message === 'MCP server says')
    expect(said.length).to.be.within(1, 60)
  })

  it('a call of before a restart of ours waits for its server to be there', async () => {
    world = new McpWorld((folder) => ({ odd: odd(folder) }))
    expect(world.tools.list()).to.deep.equal([])
    expect(await world.run('odd__env')).to.deep.include({ kind: 'output' })
    expect(world.tools.get('elsewhere__env')).to.equal(undefined)
  })

  it('shows in the tree, and a stop leaves no process behind', async () => {
    world = new McpWorld((folder) => ({ odd: odd(folder, { env: { SPEC: '1' } }) }))
    await world.ready('odd')
    const tree = world.system.tree()
    expect(tree[0]?.children[0]).to.deep.include({ path: '/mcp/odd', type: 'mcp', state: 'running' })
    const pid = serverPid()
    await world.system.shutdown()
    await eventually(() => !alive(pid))
  })
})

/** Of the children of this process, the one that is an odd server of this world. */
function serverPid(): number {
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  for (const pid of children) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      if (command.includes(oddServer) && command.includes(world.folder.path)) return Number(pid)
    } catch {}
  }
  throw new Error('no server runs')
}

async function killServer(): Promise<void> {
  process.kill(serverPid(), 'SIGKILL')
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
