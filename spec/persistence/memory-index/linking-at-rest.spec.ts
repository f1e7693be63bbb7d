import { expect } from 'chai'
import { LinkingAtRest } from '../../../persistence/memory-index/linking-at-rest.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

describe('linking at rest', () => {
  const given = () => {
    const clock = new VirtualClock()
    const linking = new LinkingAtRest((ms, task) => clock.after(ms, task))
    const index = (portions: number) => ({
      left: portions,
      link() {
        this.left--
        return this.left > 0
      },
    })
    return { clock, linking, index }
  }

  it('waits while changes come, and is done with all indexes soon after the last (R1)', () => {
    const { clock, linking, index } = given()
    const [one, other] = [index(5), index(3)]
    for (let i = 0; i < 100; i++) {
      linking.changed(i % 2 === 0 ? one : other)
      clock.advance(19)
    }
    expect([one.left, other.left]).to.deep.equal([5, 3])
    clock.advance(1)
    expect([one.left, other.left]).to.deep.equal([0, 0])
    expect(clock.pending).to.equal(0)
  })

  it('leaves an index that is closed, and stands still for a change that comes in between', () => {
    const { clock, linking, index } = given()
    const [gone, stopped] = [index(5), index(9)]
    linking.changed(gone)
    linking.closed(gone)
    linking.changed(stopped)
    clock.after(20, () => linking.changed(stopped))
    clock.advance(20)
    expect([gone.left, stopped.left]).to.deep.equal([5, 8])
    clock.advance(19)
    expect(stopped.left).to.equal(8)
    clock.advance(1)
    expect([gone.left, stopped.left]).to.deep.equal([5, 0])
  })
})
