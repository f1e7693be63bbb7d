import { expect } from 'chai'
import fc from 'fast-check'
import { fromStoredJson, fromStoredText, toStoredJson, toStoredText } from '../../persistence/stored-json.ts'

// Any UTF-16 at all, and often what is hard: NUL, halves of pairs, the mark, backslashes and hex digits that imitate escapes.
const hard = fc.constantFrom('\0', '\ud83d', '\ude00', '\uf5a3', '\\', 'u0000', '0000', '\\u0000', 'ud83d', '"')
const text = fc.array(fc.oneof(hard, fc.string({ unit: 'binary' }))).map((parts) => parts.join(''))
const json = fc.letrec((tie) => ({
  value: fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(tie('value')), tie('object')),
  object: fc.dictionary(text, tie('value'), { maxKeys: 4 }).map((it) => Object.assign({}, it)),
})).value

describe('stored JSON', () => {
  it('gives back every value as it was', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(JSON.stringify(fromStoredJson(toStoredJson(value)))).to.equal(JSON.stringify(value))
      }),
    )
  })

  it('never holds what jsonb refuses', () => {
    fc.assert(
      fc.property(text, (value) => {
        const stored = JSON.parse(toStoredJson(value)) as string
        expect(stored).not.to.match(/\0/)
        expect(Buffer.from(stored).toString(), 'well-formed').to.equal(stored)
      }),
    )
  })

  it('gives back every text as it was', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(fromStoredText(toStoredText(value))).to.equal(value)
      }),
    )
  })

  it('leaves ordinary text as a person would write it', () => {
    expect(toStoredJson({ a: 'Grüße 😀 \n' })).to.equal('{"a":"Grüße 😀 \\n"}')
    expect(toStoredText('Grüße 😀')).to.equal('Grüße 😀')
  })
})
