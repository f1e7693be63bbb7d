import { expect } from 'chai'
import type { Stores } from '../support/persistence-under-test.ts'

/** What every DrillReports promises (persistence/drill-reports.ts). */
export function drillReportsSuite(stores: () => Stores): void {
  const drill = (id: string, startedAt: number, passed = true) => ({
    id,
    name: 'kill-node',
    startedAt,
    finishedAt: startedAt + 5_000,
    passed,
    report: { v: 1, lost: 0, note: 'as it was \u0000' },
  })

  it('lists the newest first, and gives one back as it was written', async () => {
    const { drills } = stores()
    await drills.save(drill('older', 1_000))
    await drills.save(drill('newer', 2_000, false))
    const { report: _, ...newer } = drill('newer', 2_000, false)
    const [first, second] = await drills.list(2)
    expect(first).to.deep.equal(newer)
    expect(second?.id).to.equal('older')
    expect(await drills.list(1)).to.have.length(1)
    expect(await drills.get('older')).to.deep.equal(drill('older', 1_000))
    expect(await drills.get('nobody')).to.equal(undefined)
  })

  it('keeps the first report of an id', async () => {
    const { drills } = stores()
    await drills.save(drill('kept', 3_000))
    await drills.save(drill('kept', 9_000, false))
    expect((await drills.get('kept'))?.startedAt).to.equal(3_000)
  })
}
