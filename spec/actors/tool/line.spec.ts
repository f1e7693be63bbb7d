import { expect } from 'chai'
import fc from 'fast-check'
import { Line, nextInLine, type Share, type Who } from '../../../actors/tool/line.ts'

const share = (running: number, since: number, waiting = 1): Share => ({ running, since, waiting })

describe('who is next in line', () => {
  for (const [what, shares, next] of [
    ['nobody, when nobody is here', [], -1],
    ['nobody, when nobody waits', [share(0, 1, 0), share(2, 0, 0)], -1],
    ['whoever holds fewest, though served last', [share(2, 1), share(1, 9), share(3, 0)], 1],
    ['among equals, whoever was served longest ago', [share(1, 5), share(1, 3), share(1, 4)], 1],
    ['not who waits for nothing, however few it holds', [share(0, 0, 0), share(7, 7)], 1],
    ['whoever was served longest ago, though another has more in line', [share(1, 4, 900), share(1, 3, 1)], 1],
  ] as const) {
    it(`is ${what}`, () => {
      expect(shares.indexOf(nextInLine(shares) as never)).to.equal(next)
    })
  }
})

type Step =
  | { readonly kind: 'come' | 'leave'; readonly who: Who; readonly nth: number }
  | { readonly kind: 'give-back' }

const names = fc.constantFrom('a', 'b', 'c')
const steps = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    fc.record({ kind: fc.constant('come'), who: fc.record({ tenant: names, session: names }), nth: fc.nat(99) }),
    fc.record({ kind: fc.constant('leave'), who: fc.record({ tenant: names, session: names }), nth: fc.nat(99) }),
    fc.record({ kind: fc.constant('give-back') }),
  ),
  { maxLength: 80 },
)

interface Waiting {
  readonly who: Who
  readonly admit: () => void
  readonly leave: () => void
}

describe('the line of a tool', () => {
  const sameTenant = (a: Who, b: Who) => a.tenant === b.tenant
  const sameSession = (a: Who, b: Who) => sameTenant(a, b) && a.session === b.session

  it('gives each slot to a tenant that holds fewest, then to a session of it that does, then to who waits longest', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 3 }), (all, limit) => {
        const line = new Line()
        const held: Who[] = []
        let here: Waiting[] = []
        const take = (who: Who) => {
          line.take(who)
          held.push(who)
        }
        for (const step of all) {
          if (step.kind === 'come') {
            const { who } = step
            if (held.length < limit && here.length === 0) take(who)
            else {
              const admit = () => {}
              here.push({ who, admit, leave: line.wait(who, admit) })
            }
          } else if (step.kind === 'leave') {
            const theirs = here.filter(({ who }) => sameSession(who, step.who))
            const gone = theirs[step.nth % Math.max(1, theirs.length)]
            gone?.leave()
            here = here.filter((one) => one !== gone)
          } else if (held.length > 0) {
            const count = (is: (who: Who) => boolean) => held.filter(is).length
            const admit = line.next()
            const served = here.find((one) => one.admit === admit)
            if (here.length > 0) expect(served, 'somebody waits').to.not.equal(undefined)
            for (const { who } of served ? here : []) {
              const it = (served as Waiting).who
              expect(count((h) => sameTenant(h, it))).to.be.at.most(count((h) => sameTenant(h, who)))
              if (sameTenant(who, it))
                expect(count((h) => sameSession(h, it))).to.be.at.most(count((h) => sameSession(h, who)))
            }
            if (served) expect(here.find(({ who }) => sameSession(who, served.who))).to.equal(served)
            line.giveBack(held.shift() as Who)
            if (served) {
              take(served.who)
              served.leave()
              here = here.filter((one) => one !== served)
            }
          }
          expect([line.running, line.waiting]).to.deep.equal([held.length, here.length])
          for (const tenant of ['a', 'b', 'c'])
            expect(line.waitingOf(tenant)).to.equal(here.filter(({ who }) => who.tenant === tenant).length)
        }
      }),
    )
  })

  it('starves nobody: with n tenants of m sessions in line, each session is served within n × m slots', () => {
    const counts = fc.integer({ min: 1, max: 4 })
    fc.assert(
      fc.property(counts, counts, fc.infiniteStream(fc.nat()), (tenants, sessions, order) => {
        const line = new Line()
        const all = Array.from({ length: tenants * sessions }, (_, n) => {
          return { tenant: `t${n % tenants}`, session: `s${Math.floor(n / tenants)}` }
        }).sort(() => ((order.next().value ?? 0) % 2) - 0.5)
        const served: string[] = []
        // As a flood: whoever is served stands in line again at once.
        const stand = (who: Who) => {
          const leave = line.wait(who, () => {
            line.take(who)
            leave()
            stand(who)
            served.push(`${who.tenant}/${who.session}`)
            line.giveBack(who)
          })
        }
        for (const who of all) stand(who)
        for (let n = 0; n < all.length; n++) line.next()?.()
        expect(new Set(served).size).to.equal(all.length)
      }),
    )
  })
})
