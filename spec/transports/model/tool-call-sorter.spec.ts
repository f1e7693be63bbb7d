import { expect } from 'chai'
import fc from 'fast-check'
import { ToolCallSorter } from '../../../transports/model/tool-call-sorter.ts'

interface Part {
  readonly index?: number
  readonly id?: string
  readonly function?: { readonly name?: string; readonly arguments?: unknown }
}

function sorted(parts: readonly Part[]) {
  const sorter = new ToolCallSorter()
  const calls: { id: string | undefined; name: string; arguments: string }[] = []
  for (const part of parts) {
    const chunk = sorter.sort({ ...part })
    if (!chunk) continue
    calls[chunk.index] ??= { id: undefined, name: '', arguments: '' }
    const call = calls[chunk.index] as (typeof calls)[number]
    call.id ??= chunk.id
    call.name += chunk.name ?? ''
    call.arguments += chunk.argumentsDelta
  }
  return calls
}

const fn = (name: string | undefined, args: unknown) => ({ ...(name !== undefined && { name }), arguments: args })
const a = { id: 'a', name: 'one', arguments: '{"x":1}' }
const b = { id: 'b', name: 'two', arguments: '{"y":2}' }

describe('parts of tool calls', () => {
  const cases: [string, Part[], object[]][] = [
    [
      'whole calls with their indexes',
      [
        { index: 0, id: 'a', function: fn('one', '{"x":1}') },
        { index: 1, id: 'b', function: fn('two', '{"y":2}') },
      ],
      [a, b],
    ],
    [
      'whole calls without indexes',
      [
        { id: 'a', function: fn('one', '{"x":1}') },
        { id: 'b', function: fn('two', '{"y":2}') },
      ],
      [a, b],
    ],
    [
      'whole calls that all say index 0',
      [
        { index: 0, id: 'a', function: fn('one', '{"x":1}') },
        { index: 0, id: 'b', function: fn('two', '{"y":2}') },
      ],
      [a, b],
    ],
    [
      'whole calls that all say index 0 and have no ids',
      [
        { index: 0, function: fn('one', '{"x":1}') },
        { index: 0, function: fn('two', '{"y":2}') },
      ],
      [
        { ...a, id: undefined },
        { ...b, id: undefined },
      ],
    ],
    [
      'the same id for every call: the second has none',
      [
        { index: 0, id: 'a', function: fn('one', '{"x":1}') },
        { index: 1, id: 'a', function: fn('two', '{"y":2}') },
      ],
      [a, { ...b, id: undefined }],
    ],
    [
      'id and name again in each part',
      [
        { index: 0, id: 'a', function: fn('one', '') },
        { index: 0, id: 'a', function: fn('one', '{"x"') },
        { index: 0, id: 'a', function: fn('one', ':1}') },
      ],
      [a],
    ],
    [
      'a fresh id in each part',
      [
        { index: 0, id: 'a', function: fn('one', '{"x"') },
        { index: 0, id: 'q', function: fn(undefined, ':1}') },
      ],
      [a],
    ],
    [
      'a fresh id in each part and no index',
      [
        { id: 'a', function: fn('one', '{"x"') },
        { id: 'q', function: fn(undefined, ':1}') },
      ],
      [a],
    ],
    [
      'ids instead of indexes, interleaved',
      [
        { id: 'a', function: fn('one', '{"x"') },
        { id: 'b', function: fn('two', '{"y"') },
        { id: 'a', function: fn(undefined, ':1}') },
        { id: 'b', function: fn(undefined, ':2}') },
      ],
      [a, b],
    ],
    [
      'no index and no ids',
      [{ function: fn('one', '{"x"') }, { function: fn(undefined, ':1}') }, { function: fn('two', '{"y":2}') }],
      [
        { ...a, id: undefined },
        { ...b, id: undefined },
      ],
    ],
    ['arguments that come parsed', [{ id: 'a', function: fn('one', { x: 1 }) }], [a]],
    [
      'empty parts and empty ids',
      [{ index: 0, id: '', function: fn('', '') }, {}, { id: 'a', function: fn('one', '{"x":1}') }],
      [a],
    ],
  ]
  for (const [what, parts, calls] of cases) {
    it(`belong together with ${what}`, () => {
      expect(sorted(parts)).to.deep.equal(calls)
    })
  }

  it('give the same calls however the arguments are cut and interleaved by index', () => {
    const calls = fc.array(
      fc.record({ name: fc.stringMatching(/^[a-z]{1,8}$/), cuts: fc.array(fc.string(), { maxLength: 5 }) }),
      {
        maxLength: 6,
      },
    )
    fc.assert(
      fc.property(calls, fc.infiniteStream(fc.nat()), (wanted, picks) => {
        const heads = wanted.map((call, index) => ({ index, id: `id${index}`, function: fn(call.name, '') }))
        const queues = wanted.map((call, index) => call.cuts.map((cut) => ({ index, function: fn(undefined, cut) })))
        const tails: Part[] = []
        while (queues.some((queue) => queue.length > 0)) {
          const waiting = queues.filter((queue) => queue.length > 0)
          const part = waiting[(picks.next().value ?? 0) % waiting.length]?.shift()
          if (part) tails.push(part)
        }
        expect(sorted([...heads, ...tails])).to.deep.equal(
          wanted.map((call, index) => ({ id: `id${index}`, name: call.name, arguments: call.cuts.join('') })),
        )
      }),
    )
  })
})
