import { createRequire } from 'node:module'
import path from 'node:path'
import { expect } from 'chai'
import { McpWorld } from '../../support/mcp-world.ts'

const require = createRequire(import.meta.url)
/** The program of a reference server that npm installed. */
const program = (name: string) =>
  path.join(path.dirname(require.resolve(`@modelcontextprotocol/${name}/package.json`)), 'dist/index.js')
const reference = (name: string, args: readonly string[] = [], over: object = {}) => ({
  command: process.execPath,
  args: [program(name), ...args],
  ...over,
})

describe('the reference servers of MCP', function () {
  this.timeout(60_000)
  let world: McpWorld
  before(async () => {
    world = new McpWorld((folder) => ({
      everything: reference('server-everything'),
      files: reference('server-filesystem', [folder]),
      graph: reference('server-memory', [], { env: { MEMORY_FILE_PATH: path.join(folder, 'graph.json') } }),
      thinking: reference('server-sequential-thinking'),
    }))
    for (const name of ['everything', 'files', 'graph', 'thinking']) await world.ready(name)
  })
  after(() => world.close())

  const output = async (tool: string, args: object) => {
    const answer = await world.run(tool, args)
    if (answer.kind !== 'output') throw new Error(`${tool}: ${JSON.stringify(answer)}`)
    return answer.output
  }

  it('offer all their tools', () => {
    for (const { name, tools, leftOut } of world.servers.list()) {
      expect([name, leftOut]).to.deep.equal([name, []])
      expect(tools.length, name).to.be.greaterThan(0)
    }
  })

  it('server-everything echoes, adds, and shows an image by name', async () => {
    expect(await output('everything__echo', { message: 'hi' })).to.equal('Echo: hi')
    expect(await output('everything__get-sum', { a: 2, b: 3 })).to.include('5')
    expect(await output('everything__get-tiny-image', {})).to.match(/\[image image\/png, \d+ bytes\]/)
  })

  it('server-filesystem writes and reads, in its folder and nowhere else', async () => {
    const file = path.join(world.folder.path, 'note.txt')
    await output('files__write_file', { path: file, content: 'kept' })
    expect(await output('files__read_text_file', { path: file })).to.equal('kept')
    expect(await world.run('files__read_text_file', { path: '/etc/passwd' })).to.deep.include({ code: 'TOOL_FAILED' })
    expect(world.tool('files__read_text_file').idempotent).to.equal(true)
  })

  it('server-memory keeps a graph', async () => {
    const ada = { name: 'Ada', entityType: 'person', observations: ['wrote the first program'] }
    await output('graph__create_entities', { entities: [ada] })
    expect(await output('graph__search_nodes', { query: 'program' })).to.include('Ada')
  })

  it('server-sequential-thinking takes a thought', async () => {
    const thought = { thought: 'One.', nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 }
    expect(await output('thinking__sequentialthinking', thought)).to.include('thoughtNumber')
  })
})
