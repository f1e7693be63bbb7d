import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'chai'
import { packageRoot } from '../../infra/package-root.ts'
import { freePort } from '../../supervisors/drills/service-process.ts'
import { eventually } from '../support/eventually.ts'
import { ScratchFolder } from '../support/scratch-folder.ts'
import { Service } from '../support/service.ts'

/** The blocks of docs/EXTENDING.md by the file that each names. */
function blocks(): Map<string, string> {
  const document = readFileSync(path.join(packageRoot, 'docs/EXTENDING.md'), 'utf8')
  const found = [...document.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)]
  return new Map(found.map(([, name, text]) => [name as string, text as string]))
}

describe('docs/EXTENDING.md', function () {
  this.timeout(90_000)
  const folder = new ScratchFolder()
  let service: Service
  let model: ChildProcess

  before(async () => {
    for (const name of ['tools', 'personas']) mkdirSync(path.join(folder.path, name))
    symlinkSync(path.join(packageRoot, 'node_modules'), path.join(folder.path, 'node_modules'))
    const port = String(await freePort())
    for (const [name, text] of blocks()) folder.write(name, text.replaceAll('9001', port))
    model = spawn(process.execPath, [path.join(folder.path, 'shout.mjs')], { stdio: 'inherit' })
    const variables = readFileSync(path.join(folder.path, 'model.env'), 'utf8').trim().split('\n')
    service = await Service.start({
      env: {
        ...Object.fromEntries(variables.map((line) => line.split('=') as [string, string])),
        SOMA_TOOLS_DIR: path.join(folder.path, 'tools'),
        SOMA_PERSONAS_DIR: path.join(folder.path, 'personas'),
        SOMA_POLICY_FILE: path.join(folder.path, 'policy.yaml'),
        SOMA_MCP_FILE: path.join(folder.path, 'mcp.yaml'),
      },
    })
  })
  after(async () => {
    await service?.release()
    model?.kill()
    folder.remove()
  })

  async function answer(asked: object): Promise<string> {
    const { status, body } = await service.post('/v1/chat/completions', asked)
    expect([status, JSON.stringify(body)]).to.satisfy(([code]: unknown[]) => code === 200)
    return body.choices[0].message.content
  }
  const scripted = (content: string) => answer({ model: 'rehearsal/script', messages: [{ role: 'user', content }] })

  it('a tool is called', async () => {
    expect(await scripted('call dice {"sides":6}')).to.match(/[1-6]/)
  })

  it('a model answers, and a persona speaks through it', async () => {
    const { body } = await service.get('/v1/personas')
    expect(body.personas).to.deep.include({ id: 'pirate', name: 'Pirate', tools: ['dice'] })
    const said = await answer({ model: 'persona/pirate', messages: [{ role: 'user', content: 'ahoy' }] })
    expect(said).to.equal('You are a pirate. You answer in one salty sentence. AHOY!')
  })

  it('an MCP server gives its tools', async () => {
    const listed = async () => {
      const { body } = await service.get('/v1/tools')
      return body.tools.some(({ name }: { name: string }) => name === 'weather__forecast')
    }
    await eventually(listed, 30_000)
    expect(await scripted('call weather__forecast {"town":"Ulm"}')).to.include('Fair in Ulm, wind from the west.')
    const { stdout } = await service.soma(['mcp'])
    expect(stdout).to.match(/weather\s+ready\s+0\s+1/)
    expect((await service.soma(['tree'])).stdout).to.match(/weather\s+mcp\s+running/)
  })
})
