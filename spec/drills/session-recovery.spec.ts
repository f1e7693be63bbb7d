import { expect } from 'chai'
import { type FaultRecord, recoveries, type TurnSeen } from '../../supervisors/drills/session-recovery.ts'

describe('recovery of sessions after a fault', () => {
  const fault = (at: number, ...sessions: string[]): FaultRecord => ({ at, what: 'kill', sessions: new Set(sessions) })
  const turn = (sessionId: string, postedAt: number, finalAt: number, journaledAt = finalAt - 5): TurnSeen => ({
    sessionId,
    postedAt,
    journaledAt,
    finalAt,
  })

  it('counts each session that waited, from the fault to its own next final', () => {
    const turns = [turn('a', 900, 1_800), turn('b', 950, 2_400)]
    expect(recoveries([fault(1_000, 'a', 'b')], turns)).to.deep.equal([800, 1_400])
  })

  it('leaves out sessions of nodes that were not hit', () => {
    expect(recoveries([fault(1_000, 'a')], [turn('a', 900, 1_800), turn('b', 900, 1_100)])).to.deep.equal([800])
  })

  it('takes no final for a recovery that was journaled before the fault', () => {
    const turns = [turn('a', 900, 1_002, 998), turn('a', 1_010, 2_500)]
    expect(recoveries([fault(1_000, 'a')], turns)).to.deep.equal([1_500])
  })

  it('counts who spoke in the moment of the fault, and not who thought until it was back', () => {
    expect(recoveries([fault(1_000, 'a')], [turn('a', 1_030, 2_100)])).to.deep.equal([1_100])
    expect(recoveries([fault(1_000, 'a')], [turn('a', 5_000, 5_050)])).to.deep.equal([])
  })

  it('counts from the first of two faults when the second came before it was back', () => {
    const faults = [fault(1_000, 'a'), fault(2_000, 'a')]
    expect(recoveries(faults, [turn('a', 900, 3_500)])).to.deep.equal([2_500])
    expect(recoveries(faults, [turn('a', 900, 1_500), turn('a', 1_900, 2_300)])).to.deep.equal([500, 300])
  })

  it('counts nothing for a session that was never answered: that is told as lost', () => {
    expect(recoveries([fault(1_000, 'a')], [])).to.deep.equal([])
  })
})
