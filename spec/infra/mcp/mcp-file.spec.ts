import { expect } from 'chai'
import { Failure } from '../../../actors/kernel/failure.ts'
import { readMcpFile } from '../../../infra/mcp/mcp-file.ts'
import { ScratchFolder } from '../../support/scratch-folder.ts'

let folder: ScratchFolder
/** As a file names a variable. */
const dollar = (name: string) => `$${'{'}${name}}`
const read = (text: string, environment: Record<string, string> = {}) =>
  readMcpFile(folder.write('mcp.yaml', text), environment)
const refusal = (text: string) => {
  try {
    read(text)
    return 'read'
  } catch (error) {
    return error instanceof Failure ? `${error.code} ${error.detail}` : String(error)
  }
}

describe('the file of MCP servers', () => {
  beforeEach(() => {
    folder = new ScratchFolder()
  })
  afterEach(() => folder.remove())

  it('fills in variables, and remembers their values as secrets', () => {
    const key = dollar('KEY')
    const text = `servers: { a: { command: run, args: ["--key=${key}", "$${key}"], env: { TOKEN: "${key}" } } }`
    const [server] = read(text, { KEY: 'hush' })
    expect(server?.way).to.deep.include({ args: ['--key=hush', dollar('KEY')], env: { TOKEN: 'hush' } })
    expect(server?.secrets).to.deep.equal(['hush', 'hush'])
  })

  it('leaves out a server that is disabled, whatever it names', () => {
    expect(read(`servers: { a: { command: "${dollar('NOT_SET')}", disabled: true } }`)).to.deep.equal([])
  })

  const wrong: [string, string][] = [
    [`servers: { a: { command: "${dollar('NOT_SET')}" } }`, 'servers.a.command: NOT_SET is not set'],
    ['servers: { a: {} }', 'servers.a: needs `command`'],
    ['servers: { a: { command: x, url: "http://y.example" } }', 'servers.a: needs `command`'],
    ['servers: { a: { command: x, headers: { A: b } } }', 'servers.a.headers: goes with `url`'],
    ['servers: { a: { url: "http://y.example", args: [b] } }', 'servers.a.args: goes with `command`'],
    ['servers: { a: { url: "ftp://y.example" } }', 'servers.a.url: must be an http or https address'],
    ['servers: { a: { url: "http://u:p@y.example" } }', 'a credential goes into `headers`'],
    [
      'servers: { a: { url: "http://y.example", allow: ["not a host!"] } }',
      'servers.a.allow: "not a host!" is no host',
    ],
    ['servers: { a__b: { command: x } }', 'must be 1 to 24 letters'],
    ['servers: { a: { command: x, timeout: 3 } }', 'Unrecognized key: "timeout"'],
    ['servers: { a: { command: x, timeout_seconds: 0 } }', 'servers.a.timeout_seconds'],
    ['server: {}', 'servers'],
  ]
  for (const [text, why] of wrong) {
    it(`refuses ${text}, naming what is wrong`, () => {
      expect(refusal(text)).to.include('CONFIG_INVALID').and.include(why)
    })
  }

  it('names the file when it is not there', () => {
    expect(() => readMcpFile(`${folder.path}/none.yaml`, {})).to.throw('SOMA_MCP_FILE')
  })
})
