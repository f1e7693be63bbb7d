import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { systemClock as clock, systemIds as ids } from '../../infra/clock.ts'
import { loadConfig } from '../../infra/config/config.ts'
import { loadContent } from '../../infra/content.ts'

describe('content', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'soma-content-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  async function warningsOf(tools: string): Promise<string[]> {
    await writeFile(join(folder, 'own.yaml'), `id: own\nname: Own\nprompt: Be brief.\ntools: [${tools}]\n`)
    const warnings: string[] = []
    const log = { ...silentLogger, warn: (_: object, text: string) => void warnings.push(text) }
    await loadContent(loadConfig({ SOMA_PERSONAS_DIR: folder }).content, { clock, ids, log })
    return warnings
  }

  it('warns of a tool that a persona names and that is not here, with those that are', async () => {
    expect(await warningsOf('echo, timestmap')).to.deep.equal([
      'persona own names the tool timestmap, which is not here. Did you mean timestamp? ' +
        'The tools are: echo, timestamp, http_fetch, code_execute, document_ingest, memory_remember, memory_recall, ' +
        'memory_forget, delegate, schedule, schedule_list, schedule_cancel.',
    ])
  })

  it('has nothing to say of tools that are here', async () => {
    expect(await warningsOf("'*', timestamp")).to.deep.equal([])
  })
})
