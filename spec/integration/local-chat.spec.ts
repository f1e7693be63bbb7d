import { expect } from 'chai'
import { ScratchFolder } from '../support/scratch-folder.ts'
import { runSoma } from '../support/service.ts'

describe('SOMA_AGENT_MODE=LOCAL soma chat', function () {
  this.timeout(60_000)
  const folder = new ScratchFolder()
  after(() => folder.remove())
  const env = { SOMA_AGENT_MODE: 'LOCAL', SOMA_DATA_DIR: `${folder.path}/data`, SOMA_MODEL: 'rehearsal/echo' }

  it('needs no server: lines from a pipe are turns, answered one after another', async () => {
    const { code, stdout, stderr } = await runSoma(['chat'], env, 'good morning\ngood night\n')
    expect(code, stderr).to.equal(0)
    expect(stdout.indexOf('good morning')).to.be.greaterThan(-1)
    expect(stdout.indexOf('good night')).to.be.greaterThan(stdout.indexOf('good morning'))
  })

  it('keeps its sessions for the next time', async () => {
    const { code, stdout, stderr } = await runSoma(['sessions', '--json'], env)
    expect(code, stderr).to.equal(0)
    expect(stdout).to.include('good morning')
  })
})
