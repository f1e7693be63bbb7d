import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { Service } from '../../support/service.ts'

describe('readiness', function () {
  this.timeout(30_000)
  let service: Service
  before(async () => {
    service = await Service.start()
  })
  after(() => service.release())

  const policy = async () => {
    const { status, body } = await service.request('GET', '/readyz')
    const { dependencies } = body as { dependencies: { name: string; ok: boolean; remedy: string; detail: string }[] }
    return { status, ...dependencies.find(({ name }) => name === 'policy') }
  }

  it('tells of a policy file that cannot be used while it cannot, for then no tool runs', async () => {
    expect(await policy()).to.include({ status: 200, ok: true, remedy: '' })
    const file = join(service.folder.path, 'policy.yaml')
    writeFileSync(file, 'rules: [')
    const broken = await policy()
    expect(broken).to.include({ status: 200, required: false, ok: false })
    expect(broken.remedy).to.contain('SOMA_POLICY_FILE')
    writeFileSync(file, "rules: [{ effect: allow, tool: '*' }]\n")
    expect(await policy()).to.include({ ok: true })
  })
})
