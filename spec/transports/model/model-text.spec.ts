import { expect } from 'chai'
import fc from 'fast-check'
import { estimatePrompt, estimateTokens } from '../../../actors/kernel/tokens.ts'
import { modelBackoff, namedWait, waitBefore } from '../../../transports/model/backoff.ts'
import { endpointOf } from '../../../transports/model/endpoint.ts'
import { modelIds } from '../../../transports/model/model-list.ts'
import { ThoughtFilter } from '../../../transports/model/thought-filter.ts'
import { tool } from '../../support/model-calls.ts'

describe('the wait before another call', () => {
  it('never exceeds its limit, never is nothing, and grows until then', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), random, (failed, drawn) => {
        const wait = waitBefore(modelBackoff, failed, drawn, undefined)
        expect(wait).to.be.within(modelBackoff.firstMs / 2, modelBackoff.maxMs)
      }),
    )
    expect(waitBefore(modelBackoff, 3, 0, undefined)).to.equal(2 * waitBefore(modelBackoff, 2, 0, undefined))
  })

  it('is never shorter than what the server named', () => {
    expect(waitBefore(modelBackoff, 1, 0.9, 9_000)).to.be.within(9_000, 9_500)
  })

  it('is read from seconds, fractions, dates and retry-after-ms; nonsense is no name', () => {
    const now = Date.parse('2026-01-01T00:00:00Z')
    expect(namedWait({ 'retry-after': '3' }, now)).to.equal(3_000)
    expect(namedWait({ 'retry-after': '0.5' }, now)).to.equal(500)
    expect(namedWait({ 'retry-after': 'Thu, 01 Jan 2026 00:01:00 GMT' }, now)).to.equal(60_000)
    expect(namedWait({ 'retry-after': 'Thu, 01 Jan 2015 00:01:00 GMT' }, now)).to.equal(0)
    expect(namedWait({ 'retry-after-ms': '120', 'retry-after': '3' }, now)).to.equal(120)
    for (const nonsense of ['soon', '', '-5', ['1', '2'], undefined]) {
      expect(namedWait({ 'retry-after': nonsense }, now), String(nonsense)).to.equal(undefined)
    }
  })
})

describe('thoughts inline', () => {
  function passed(pieces: readonly string[]): string {
    const filter = new ThoughtFilter()
    return pieces.map((piece) => filter.pass(piece)).join('') + filter.end()
  }

  it('are dropped at the head, wherever the text is cut', () => {
    const word = fc.stringMatching(/^[^<]*$/)
    fc.assert(
      fc.property(word, word, fc.array(fc.nat({ max: 60 })), (thought, said, cuts) => {
        const whole = `<think>${thought}</think>\n${said}`
        expect(passed(pieces(whole, cuts))).to.equal(said.trimStart())
      }),
    )
  })

  it('are left alone anywhere else', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.nat({ max: 60 })), (text, cuts) => {
        fc.pre(!text.trimStart().startsWith('<think>'))
        expect(passed(pieces(text, cuts))).to.equal(text)
      }),
    )
    expect(passed(['the tag <think>a</think> is'])).to.equal('the tag <think>a</think> is')
    expect(passed(['<thi', 'ng>'])).to.equal('<thing>')
  })

  function pieces(text: string, cuts: readonly number[]): string[] {
    const at = [...new Set(cuts.filter((cut) => cut < text.length))].sort((x, y) => x - y)
    return [0, ...at].map((from, i) => text.slice(from, at[i] ?? text.length))
  }
})

describe('the estimate of tokens', () => {
  it('is four characters a token, and one for each wide character', () => {
    expect(estimateTokens('')).to.equal(0)
    expect(estimateTokens('four four four f')).to.equal(4)
    expect(estimateTokens('こんにちは')).to.equal(5)
    expect(estimateTokens('你好 abcd')).to.equal(4)
  })

  it('counts framing, calls and tools', () => {
    const call = { id: 'c', name: 'echo', arguments: '{"a":"b"}' }
    expect(estimatePrompt([{ role: 'user', content: 'abcd' }])).to.equal(5)
    expect(estimatePrompt([{ role: 'assistant', content: '', toolCalls: [call] }])).to.equal(4 + 4 + 1 + 3)
    expect(estimatePrompt([], [tool('echo', 'text')])).to.be.within(20, 50)
  })
})

describe('an endpoint', () => {
  it('takes a base URL as people write it', () => {
    for (const [written, url] of [
      ['http://127.0.0.1:11434', 'http://127.0.0.1:11434/v1/models'],
      ['http://127.0.0.1:11434/v1/', 'http://127.0.0.1:11434/v1/models'],
      ['https://host/openai/v1/chat/completions', 'https://host/openai/v1/models'],
      ['https://host/api?version=2', 'https://host/api/models?version=2'],
    ] as const) {
      expect(endpointOf({ baseUrl: written }).url('models')).to.equal(url)
    }
  })

  it('refuses what is no http URL, without repeating it', () => {
    for (const baseUrl of ['localhost:11434', 'not a url', 'file:///secret', '']) {
      expect(() => endpointOf({ baseUrl }))
        .to.throw('OPENAI_BASE_URL')
        .with.property('code', 'CONFIG_INVALID')
    }
  })

  it('shows itself without credentials, and uses them', () => {
    const endpoint = endpointOf({ baseUrl: 'http://ann:secret@host/v1?key=abc' })
    expect(endpoint.shown).to.equal('http://host/v1')
    expect(endpoint.headers.authorization).to.equal(`Basic ${btoa('ann:secret')}`)
    expect(endpoint.clean('the password secret of ann')).to.equal('the password [key] of ann')
  })
})

describe('a list of models', () => {
  it('names those that can chat first', () => {
    const body = JSON.stringify({ data: [{ id: 'nomic-embed-text' }, { id: 'llama' }, {}, null, { id: 'qwen' }] })
    expect(modelIds(body)).to.deep.equal(['llama', 'qwen', 'nomic-embed-text'])
    for (const other of ['', '<html>', '[]', 'null', '{"data":1}']) expect(modelIds(other), other).to.equal(undefined)
  })
})
