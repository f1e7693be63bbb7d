import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { eventually } from '../../support/eventually.ts'
import { McpWorld } from '../../support/mcp-world.ts'

const program = fileURLToPath(new URL('../../support/hostile-mcp-server.js', import.meta.url))
const manner = (name: string, over: object = {}) => ({ command: process.execPath, args: [program, name], ...over })

let world: McpWorld

async function started(name: string): Promise<void> {
  world = new McpWorld({ bad: manner(name) })
  await world.ready('bad')
}

async function greeted(): Promise<void> {
  expect(await world.run('bad__greet')).to.deep.include({ output: 'good day' })
}

const reasons = () => new Map(world.view('bad').leftOut.map(({ name, reason }) => [name, reason]))

describe('MCP servers that mean harm', function () {
  this.timeout(60_000)
  afterEach(() => world.close())

  it('of ten thousand tools offers 256, and says of each other why not', async () => {
    await started('many')
    expect(world.view('bad').tools).to.have.length(256)
    expect(world.view('bad').leftOut).to.have.length(10_000 - 256)
    expect(reasons().get('tool_9998')).to.equal('a server may offer 256 tools; name those you want in `tools`')
    await greeted()
  })

  it('finds among ten thousand the one that the configuration names', async () => {
    world = new McpWorld({ bad: manner('many', { tools: ['tool_9998'] }) })
    await world.ready('bad')
    expect(world.tools.list().map(({ name }) => name)).to.deep.equal(['bad__tool_9998'])
  })

  for (const [name, why] of [
    ['too-many', 'its list of tools has more than 10000 tools'],
    ['endless', 'its list of tools has more than 50 pages'],
  ] as const) {
    it(`takes no list that is ${name}, and says so`, async () => {
      world = new McpWorld({ bad: manner(name) })
      await eventually(() => world.view('bad').trouble !== undefined, 20_000)
      expect(world.view('bad')).to.deep.include({ state: 'down', trouble: why })
      expect(await world.run('bad__greet')).to.deep.include({ kind: 'failed', code: 'MCP_UNAVAILABLE' })
    })
  }

  it('takes names that every object has for names like any other', async () => {
    await started('names')
    const names = world.tools.list().map(({ name }) => name)
    expect(names).to.include.members(['bad____proto__', 'bad__constructor', 'bad__toString'])
    expect(names.every((name) => name.length <= 64)).to.equal(true)
    expect(world.tool('bad____proto__').description).to.equal('__proto__ of the MCP server bad.')
    for (const name of ['__proto__', 'constructor', 'bad__valueOf', '__proto____proto__']) {
      expect(world.tools.get(name), name).to.equal(undefined)
      expect(world.tools.parameters(name), name).to.deep.equal({})
    }
    const { schema } = world.tool('bad__keys')
    expect(schema.safeParse({ valueOf: 1 }).success).to.equal(true)
    expect(schema.safeParse({}).error?.issues[0]?.message).to.equal("must have required property 'valueOf'")
  })

  it('leaves out a tool that is wrong, and it alone, with the reason', async () => {
    await started('schemas')
    expect(world.tools.list().map(({ name }) => name)).to.deep.equal(['bad__greet', 'bad__bomb'])
    expect(Object.fromEntries(reasons())).to.deep.equal({
      loop: 'its schema cannot be used: Maximum call stack size exceeded',
      deep: 'its schema cannot be used: Maximum call stack size exceeded',
      large: 'its schema cannot be used: it is longer than 65536 characters',
      wrong: 'it does not fit the protocol (inputSchema.type: Invalid input: expected "object")',
      none: 'it does not fit the protocol (inputSchema: Invalid input: expected object, received undefined)',
      '(no name)': 'it does not fit the protocol (: Invalid input: expected object, received string)',
    })
  })

  it('gives up a check of arguments that would take for ever', async () => {
    await started('schemas')
    const before = performance.now()
    const { error } = world.tool('bad__bomb').schema.safeParse({})
    expect(performance.now() - before).to.be.below(10_000)
    expect(error?.issues[0]?.message).to.include('cannot be checked by the schema of the server')
  })

  it('ends a server that answers with 50 MB, says so to the call, and starts it again', async () => {
    await started('huge')
    const answer = await world.run('bad__huge')
    expect(answer).to.deep.include({ kind: 'failed', code: 'TOOL_OUTCOME_UNKNOWN' })
    expect((answer as { detail: string }).detail).to.include('it sent a message of more than 16 MB')
    await eventually(() => world.view('bad').state === 'ready' && world.view('bad').restarts === 1, 30_000)
    await greeted()
  })

  it('says of an answer that is none that it is none, and keeps the server', async () => {
    await started('huge')
    const answer = await world.run('bad__rubbish')
    expect(answer).to.deep.include({ kind: 'failed', code: 'TOOL_FAILED' })
    expect((answer as { detail: string }).detail).to.match(
      /^The answer of the MCP server is none: .*content\.0.*may have/,
    )
    expect(world.view('bad')).to.deep.include({ state: 'ready', restarts: 0 })
    await greeted()
  })

  it('ends a server that floods us with notices', async () => {
    await started('flood')
    await greeted()
    await eventually(() => world.view('bad').restarts === 1, 30_000)
    const { fields } = world.lines.find(({ message }) => message.includes('failed')) ?? {}
    expect(JSON.stringify([fields, world.lines])).to.include('more than 20000 messages in 10 s')
    await eventually(() => world.view('bad').state === 'ready', 30_000)
    await greeted()
  })

  it('asks one that always says it has changed for its tools once in a second', async () => {
    await started('restless')
    const listed = () => Number(world.tools.list().at(-1)?.name.split('_').at(-1))
    const until = (count: number) => eventually(() => listed() >= count, 20_000)
    const from = listed()
    await until(from + 1)
    const before = performance.now()
    await until(from + 4)
    expect((performance.now() - before) / (listed() - from - 1)).to.be.above(900)
    await greeted()
  })

  it('goes on with one that prints what is no message, and tells the operator', async () => {
    await started('babble')
    await greeted()
    await greeted()
    const said = world.lines.filter(({ message }) => message === 'MCP server sent what is no message')
    // The greeting, and what came with each of two answers: a greeting again, an object that is none, and half of one.
    expect(said).to.have.length(7)
    expect(JSON.stringify(said)).to.include('Hello! I a').and.include('does not fit the protocol')
    expect(world.view('bad')).to.deep.include({ state: 'ready', restarts: 0 })
  })

  it('never takes a tool of one server for that of another with the same name', async () => {
    world = new McpWorld({ a: manner('many'), b: manner('names') })
    await Promise.all(['a', 'b'].map((name) => world.ready(name)))
    expect(world.tool('a__greet').description).to.equal('greet of the MCP server a.')
    expect(world.tool('b__greet').description).to.equal('greet of the MCP server b.')
    const names = world.tools.list().map(({ name }) => name)
    expect(new Set(names).size).to.equal(names.length)
    expect(() => new McpWorld({ a: manner('many'), a_: manner('names') })).to.throw('no "_" last')
  })
})
