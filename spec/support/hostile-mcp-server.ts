import { createInterface } from 'node:readline'

/**
 * An MCP server that means harm, or might as well: `node hostile-mcp-server.js <manner> <folder>`, by stdio. Beside what its
 * manner does it has one good tool, `greet`, by which a spec sees that we go on.
 */
const [, , manner = ''] = process.argv
const deepest = 40
const object = (properties: object = {}, more: object = {}) => ({ type: 'object', properties, ...more })
const greet = { name: 'greet', inputSchema: object(), annotations: { readOnlyHint: true } }
/** Deeper than JSON.stringify goes. */
const deep = `${'{"not":'.repeat(5_000)}{}${'}'.repeat(5_000)}`
const send = (message: object) =>
  void process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message }).replace('"DEEP"', deep)}\n`)
const changed = { method: 'notifications/tools/list_changed' }
let lists = 0

/** Each level asks for the one below twice: 2^40 checks in three lines. */
function bomb(): object {
  const levels = Array.from({ length: deepest }, (_, level) => {
    const below = level === 0 ? { type: 'object' } : { $ref: `#/$defs/a${level - 1}` }
    return [`a${level}`, { allOf: [below, below] }]
  })
  return object({}, { $defs: Object.fromEntries(levels), allOf: [{ $ref: `#/$defs/a${deepest - 1}` }] })
}

const toolsOf: Readonly<Record<string, () => object[]>> = {
  many: () => Array.from({ length: 9_999 }, (_, n) => ({ name: `tool_${n}`, inputSchema: object() })),
  'too-many': () => Array.from({ length: 10_000 }, (_, n) => ({ name: `tool_${n}`, inputSchema: object() })),
  names: () => [
    ...['__proto__', 'constructor', 'toString', 'x'.repeat(10_000)].map((name) => ({ name, inputSchema: object() })),
    // Every object has these, so a careless check finds them, and finds them wrong.
    { name: 'keys', inputSchema: object({ constructor: { type: 'string' } }, { required: ['valueOf'] }) },
  ],
  schemas: () =>
    [
      { name: 'bomb', inputSchema: bomb() },
      {
        name: 'loop',
        inputSchema: object({}, { $defs: { a: { $ref: '#/$defs/a' } }, allOf: [{ $ref: '#/$defs/a' }] }),
      },
      { name: 'deep', inputSchema: object({ a: 'DEEP' }) },
      { name: 'large', inputSchema: object({ a: { const: 'x'.repeat(100_000) } }) },
      { name: 'wrong', inputSchema: { type: 'string' } },
      { name: 'none' },
      { inputSchema: object() },
      'no tool at all',
    ].map((tool) => tool as object),
  huge: () => [
    { name: 'huge', inputSchema: object() },
    { name: 'rubbish', inputSchema: object() },
  ],
}

function listed(): object {
  lists++
  if (manner === 'endless') return { tools: [greet], nextCursor: `page-${lists}` }
  if (manner === 'restless') setImmediate(() => send(changed))
  const counted = { name: `listed_${lists}`, inputSchema: object() }
  return { tools: [greet, ...(manner === 'restless' ? [counted] : (toolsOf[manner]?.() ?? []))] }
}

function handle(line: string): void {
  const { id, method, params } = JSON.parse(line)
  const answer = (result: object) => send({ id, result })
  if (method === 'initialize') {
    const capabilities = { tools: { listChanged: true } }
    answer({ protocolVersion: params.protocolVersion, capabilities, serverInfo: { name: 'hostile', version: '1' } })
  } else if (method === 'tools/list') answer(listed())
  else if (method === 'ping') answer({})
  else if (method === 'tools/call' && params.name === 'huge') process.stdout.write('x'.repeat(50_000_000))
  else if (method === 'tools/call' && params.name === 'rubbish') answer({ content: [{ type: 'text', text: 5 }] })
  else if (method === 'tools/call') {
    if (manner === 'babble') process.stdout.write('Hello! I am a server.\n{"jsonrpc":"2.0"}\n{broken\n')
    answer({ content: [{ type: 'text', text: 'good day' }] })
    if (manner === 'flood') flood()
  }
}

function flood(): void {
  const lines = `${JSON.stringify({ jsonrpc: '2.0', ...changed })}\n`.repeat(500)
  const more = () => void process.stdout.write(lines, () => setImmediate(more))
  more()
}

if (manner === 'babble') process.stdout.write('Hello! I am a server.\n')
const lines = createInterface({ input: process.stdin })
lines.on('line', handle)
lines.on('close', () => process.exit())
