import { expect } from 'chai'
import fc from 'fast-check'
import { dueAfter, MAX_MISSED, passedSince, shortestInterval, whenOf } from '../../../actors/session/due-times.ts'

const at = (iso: string) => Date.parse(iso)
const times = (pattern: string, zone: string, from: string, count: number) => {
  const when = whenOf(pattern, zone)
  const found: string[] = []
  for (let after = at(from); found.length < count; ) {
    after = dueAfter(when, after) ?? Number.NaN
    found.push(new Date(after).toISOString().slice(0, 16))
  }
  return found
}

describe('when a timer is due', () => {
  for (const [what, pattern, zone, from, expected] of [
    [
      'every day at nine by the wall clock, through the change to summer time',
      '0 9 * * *',
      'America/New_York',
      '2026-03-07T00:00Z',
      ['2026-03-07T14:00', '2026-03-08T13:00'],
    ],
    [
      'an hour later on the day whose clock change leaves the time out',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T00:00Z',
      ['2026-03-28T01:30', '2026-03-29T01:00', '2026-03-30T00:30'],
    ],
    [
      'once on the day whose clock change repeats the time',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00Z',
      ['2026-10-25T00:30', '2026-10-26T01:30'],
    ],
    [
      'every half hour, through a repeated hour',
      '*/30 * * * *',
      'Europe/Berlin',
      '2026-10-25T00:10Z',
      ['2026-10-25T00:30', '2026-10-25T01:00', '2026-10-25T01:30', '2026-10-25T02:00'],
    ],
    [
      'on the last of February of leap years alone',
      '0 0 29 2 *',
      'UTC',
      '2026-01-01T00:00Z',
      ['2028-02-29T00:00', '2032-02-29T00:00'],
    ],
  ] as const) {
    it(`is ${what}`, () => {
      expect(times(pattern, zone, from, expected.length)).to.deep.equal(expected)
    })
  }

  it('is a time in its zone, or with the offset that it names', () => {
    expect(whenOf('2026-07-01T10:00:00', 'Europe/Berlin')).to.deep.equal({ at: at('2026-07-01T08:00Z') })
    expect(whenOf('2026-07-01T10:00:00', undefined)).to.deep.equal({ at: at('2026-07-01T10:00Z') })
    expect(whenOf('2026-07-01T10:00:00-04:00', undefined)).to.deep.equal({ at: at('2026-07-01T14:00Z') })
  })

  for (const [text, zone, says] of [
    ['* * * * * *', 'UTC', 'five fields'],
    ['61 * * * *', 'UTC', 'Invalid value for minute'],
    ['tomorrow', 'UTC', 'ISO time'],
    ['0 0 30 2 *', 'UTC', 'never comes'],
    ['2026-13-01T00:00:00', 'UTC', 'ISO time'],
    ['0 9 * * *', 'Mars/Base', 'no time zone'],
    ['x'.repeat(5_000), 'UTC', 'ISO time'],
  ] as const) {
    it(`refuses ${text.slice(0, 20)} in ${zone}, and says what it takes`, () => {
      expect(() => whenOf(text, zone))
        .to.throw()
        .with.property('detail')
        .that.includes(says)
    })
  }

  it('counts what passed, once for each time, and finds the next', () => {
    const when = whenOf('*/10 * * * *', 'UTC')
    const due = at('2026-05-01T09:00Z')
    expect(passedSince(when, due, due + 1)).to.deep.equal({ missed: 0, next: at('2026-05-01T09:10Z') })
    expect(passedSince(when, due, at('2026-05-01T09:30Z'))).to.deep.equal({ missed: 3, next: at('2026-05-01T09:40Z') })
    const long = passedSince(when, due, at('2027-05-01T09:05Z'))
    expect(long).to.deep.equal({ missed: MAX_MISSED, next: at('2027-05-01T09:10Z') })
    expect(passedSince({ at: due }, due, due + 1e9)).to.deep.equal({ missed: 0 })
  })

  it('knows the shortest interval of a pattern', () => {
    expect(shortestInterval(whenOf('* * * * *', 'UTC'), 0)).to.equal(60_000)
    expect(shortestInterval(whenOf('0,2 9 * * *', 'UTC'), 0)).to.equal(120_000)
    expect(shortestInterval({ at: 5 }, 0)).to.equal(Number.POSITIVE_INFINITY)
  })

  it('never stands still: the next time is later, whatever the moment and the zone', () => {
    const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu')
    const patterns = fc.constantFrom('* * * * *', '*/7 * * * *', '30 2 * * *', '0 0 1 * *', '15 1-3 * * 0')
    fc.assert(
      fc.property(patterns, zones, fc.integer({ min: 0, max: 4_000_000_000_000 }), (pattern, zone, now) => {
        const when = whenOf(pattern, zone)
        const next = dueAfter(when, now) ?? 0
        expect(next).to.be.greaterThan(now)
        const { missed, next: later = 0 } = passedSince(when, next, next)
        expect([missed, later > next]).to.deep.equal([0, true])
      }),
      { numRuns: 300 },
    )
  })
})
