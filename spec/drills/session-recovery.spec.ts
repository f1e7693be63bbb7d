import { expect } from 'chai'
import {
  type FaultRecord,
  recoveries,
  shardOfSession,
  type TurnSeen,
} from '../../supervisors/drills/session-recovery.ts'

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

  it('counts who came while the shard was down, and not who came when it was back', () => {
    const [first, second] = sameShard()
    const turns = [turn(first, 900, 2_000), turn(second, 1_500, 2_100)]
    expect(recoveries([fault(1_000, first, second)], turns)).to.deep.equal([1_000, 1_100])
    const late = [turn(first, 900, 2_000), turn(second, 5_000, 5_050)]
    expect(recoveries([fault(1_000, first, second)], late)).to.deep.equal([1_000])
  })

  it('counts from the first of two faults when the second came before it was back', () => {
    const faults = [fault(1_000, 'a'), fault(2_000, 'a')]
    expect(recoveries(faults, [turn('a', 900, 3_500)])).to.deep.equal([2_500])
    expect(recoveries(faults, [turn('a', 900, 1_500), turn('a', 1_900, 2_300)])).to.deep.equal([500, 300])
  })

  it('counts nothing for a session that was never answered: that is told as lost', () => {
    expect(recoveries([fault(1_000, 'a')], [])).to.deep.equal([])
  })

  function sameShard(): [string, string] {
    for (let n = 1; ; n++) if (shardOfSession(`s${n}`) === shardOfSession('s0')) return ['s0', `s${n}`]
  }
})
