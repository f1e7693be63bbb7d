import { expect } from 'chai'
import fc from 'fast-check'
import { Breaker, type BreakerChange, Breakers, type Pass } from '../../../actors/tool/breaker.ts'

const settings = { failures: 3, openSeconds: 30 }

class World {
  now = 0
  readonly changes: BreakerChange[] = []
  readonly breaker = new Breaker(
    settings,
    () => this.now,
    (change) => this.changes.push(change),
  )

  enter(): Pass {
    const pass = this.breaker.enter()
    if (!('ended' in pass)) throw new Error(`refused: ${JSON.stringify(pass)}`)
    return pass
  }

  fail(times: number): this {
    for (let n = 0; n < times; n++) this.enter().ended('failure')
    return this
  }
}

describe('a breaker', () => {
  it('C1: opens after so many failures in a row, and says when to ask again', () => {
    const world = new World().fail(2)
    expect(world.breaker.state).to.equal('closed')
    world.fail(1)
    world.now = 10_500
    expect(world.breaker.enter()).to.deep.equal({ kind: 'circuit-open', failures: 3, retryAfter: 20 })
    expect(world.changes).to.deep.equal(['opened'])
  })

  it('C1: counts no failure before a success, and none that is older than it would stay open', () => {
    const world = new World().fail(2)
    world.enter().ended('success')
    world.fail(2)
    world.now = 31_000
    world.fail(2)
    expect(world.breaker.state).to.equal('closed')
  })

  it('C2: lets one call try when the time is over, and closes when it succeeds', () => {
    const world = new World().fail(3)
    world.now = 30_000
    expect(world.breaker.state).to.equal('half-open')
    const trial = world.enter()
    expect(world.breaker.enter()).to.deep.equal({ kind: 'circuit-open', failures: 3, retryAfter: 1 })
    trial.ended('success')
    expect(world.breaker.state).to.equal('closed')
    expect(world.changes).to.deep.equal(['opened', 'trial', 'closed'])
  })

  it('C2: stays open as long again when the trial fails', () => {
    const world = new World().fail(3)
    world.now = 30_000
    world.enter().ended('failure')
    world.now = 59_999
    expect('ended' in world.breaker.enter()).to.equal(false)
    world.now = 60_000
    expect(world.breaker.state).to.equal('half-open')
  })

  it('C3: learns nothing from a call that was cancelled, and lets the next one try', () => {
    const world = new World().fail(3)
    world.now = 30_000
    world.enter().ended('neither')
    world.enter().ended('success')
    expect(world.breaker.state).to.equal('closed')
  })

  it('C4: takes no word of a call that began before it opened', () => {
    const world = new World()
    const slow = world.enter()
    world.fail(3)
    slow.ended('success')
    expect(world.breaker.state).to.equal('open')
  })

  it('is one tenant’s: what one asks of a tool does not close it to another', () => {
    const breakers = new Breakers(
      () => 0,
      () => {},
    )
    for (let n = 0; n < 3; n++) {
      const pass = breakers.of('work', 'acme', settings).enter()
      if ('ended' in pass) pass.ended('failure')
    }
    expect([breakers.stateOf('work', 'acme'), breakers.stateOf('work', 'other')]).to.deep.equal(['open', 'closed'])
  })

  it('never lets two calls try at once, and is never open for good', () => {
    const steps = fc.array(
      fc.oneof(
        fc.constant({ do: 'enter' as const }),
        fc.record({ do: fc.constant('wait' as const), ms: fc.nat(40_000) }),
        fc.record({ do: fc.constant('end' as const), how: fc.constantFrom('success', 'failure', 'neither') }),
      ),
      { maxLength: 60 },
    )
    fc.assert(
      fc.property(steps, (plan) => {
        const world = new World()
        const passes: { pass: Pass; trial: boolean }[] = []
        for (const step of plan) {
          if (step.do === 'wait') world.now += step.ms
          if (step.do === 'end') passes.shift()?.pass.ended(step.how as 'success')
          if (step.do !== 'enter') continue
          const trial = world.breaker.state === 'half-open'
          const pass = world.breaker.enter()
          if ('ended' in pass) passes.push({ pass, trial })
          expect(passes.filter((one) => one.trial).length, 'C2').to.be.at.most(1)
        }
        for (const { pass } of passes) pass.ended('neither')
        world.now += 30_000
        expect('ended' in world.breaker.enter()).to.equal(true)
      }),
      { numRuns: 300 },
    )
  })
})
