import { expect } from 'chai'
import { EVERY_TENANT } from '../../persistence/tool-switches.ts'
import type { Stores } from '../support/persistence-under-test.ts'

/** What every ToolSwitches promises (persistence/tool-switches.ts). */
export function toolSwitchesSuite(stores: () => Stores): void {
  const change = (tool: string, tenant: string, enabled: boolean, at: number) => ({
    ...{ tool, tenant, enabled, at },
    ...{ by: 'ada', why: 'it was \u0000 odd' },
  })

  it('knows the newest of each tool and tenant, and every change with who and why', async () => {
    const { toolSwitches } = stores()
    const told = [
      change('echo', 'acme', false, 1_000),
      change('echo', EVERY_TENANT, false, 2_000),
      change('echo', 'acme', true, 3_000),
      change('echo', 'other', false, 4_000),
    ]
    for (const one of told) await toolSwitches.set(one)
    const current = [...(await toolSwitches.current())].sort((a, b) => a.at - b.at)
    expect(current).to.deep.equal(told.slice(1))
    expect(await toolSwitches.changes({ since: 1_000, tenant: 'acme', limit: 10 })).to.deep.equal(told.slice(0, 3))
    expect(await toolSwitches.changes({ since: 2_000, limit: 2 })).to.deep.equal(told.slice(1, 3))
  })
}
