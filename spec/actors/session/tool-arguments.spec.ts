import { expect } from 'chai'
import fc from 'fast-check'
import { parseToolArguments } from '../../../actors/session/tool-arguments.ts'

const object = fc.dictionary(
  fc.string().filter((key) => key !== '__proto__'),
  fc.jsonValue().filter((value) => !JSON.stringify(value).includes('__proto__')),
)

describe('tool arguments as a model writes them', () => {
  it('are read as they are when they are a JSON object', () => {
    fc.assert(
      fc.property(object, (value) => {
        const text = JSON.stringify(value)
        expect(parseToolArguments(text)).to.deep.equal({ ok: true, value: JSON.parse(text) })
      }),
    )
  })

  for (const [what, text, value] of [
    ['nothing', '  ', {}],
    ['null', 'null', {}],
    ['a code fence', '```json\n{"a": 1}\n```', { a: 1 }],
    ['a trailing comma', '{"a": [1, 2,],}', { a: [1, 2] }],
    ['single quotes', "{'a': 'it is'}", { a: 'it is' }],
    ['Python', '{"a": True, "b": None}', { a: true, b: null }],
    ['bare keys', '{a: 1}', { a: 1 }],
    ['comments', '{"a": 1 /* one */}', { a: 1 }],
    ['line breaks in a string', '{"a": "one\ntwo"}', { a: 'one\ntwo' }],
    ['an object written as a string', JSON.stringify('{"a":1}'), { a: 1 }],
  ] as const) {
    it(`are understood with ${what}`, () => {
      expect(parseToolArguments(text)).to.deep.equal({ ok: true, value })
    })
  }

  it('are never taken for whole when they were cut off', () => {
    fc.assert(
      fc.property(object, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (value, share) => {
        const text = JSON.stringify(value)
        const cut = text.slice(0, 1 + Math.floor((text.length - 1) * share))
        fc.pre(cut.length < text.length)
        expect(parseToolArguments(cut).ok, cut).to.equal(false)
      }),
    )
  })

  for (const text of [
    '[1]',
    '42',
    '"words"',
    '<<this is not JSON at all>>',
    'run it please',
    '{"a":1}{"b":2}',
    '['.repeat(100_000),
    `{${'x'.repeat(300_000)}}`,
  ]) {
    it(`are refused, with words for the model, when they are ${text.slice(0, 30)}`, () => {
      const read = parseToolArguments(text)
      expect(read.ok).to.equal(false)
      if (!read.ok) expect(read.message).to.match(/^The arguments were not understood: .*JSON object/)
    })
  }

  it('never make it throw', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'{}[]"\',:\\/*a1 \n`') }),
        (text) => void parseToolArguments(text),
      ),
    )
  })
})
