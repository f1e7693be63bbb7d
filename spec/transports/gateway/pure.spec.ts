import { expect } from 'chai'
import fc from 'fast-check'
import { isFailure } from '../../../actors/kernel/failure.ts'
import { parseJson } from '../../../transports/gateway/json-body.ts'
import { TextFlow } from '../../../transports/gateway/openai/text-flow.ts'
import { turnInput } from '../../../transports/gateway/openai/turn-input.ts'
import { dashed, isUuid, sessionIdOf, undashed, uuidOf } from '../../../transports/gateway/session-id.ts'

describe('session ids', () => {
  it('are UUIDs of version 5, the same for the same tenant and name, and different otherwise', () => {
    const text = fc.string({ minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(text, text, text, text, (tenant, name, otherTenant, otherName) => {
        fc.pre(!isUuid(name) && !isUuid(otherName))
        const id = sessionIdOf(tenant, name)
        expect(id).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
        expect(dashed(undashed(id))).to.equal(id)
        const same = tenant === otherTenant && name === otherName
        expect(sessionIdOf(otherTenant, otherName) === id).to.equal(same)
      }),
    )
  })

  it('never change: clients keep the names, journals the ids', () => {
    expect(uuidOf('session', 'local', 'notes')).to.equal('fc829e0d-2d47-537a-ba7f-5ea8ffc85fa8')
  })
})

describe('a JSON body', () => {
  it('means what JSON.parse says, whatever its strings hold', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value)
        fc.pre(!text.includes('__proto__'))
        expect(parseJson(text, 64)).to.deep.equal(JSON.parse(text))
      }),
    )
  })

  it('is refused beyond its depth; brackets inside strings do not count', () => {
    expect(() => parseJson('[[[]]]', 2))
      .to.throw()
      .and.satisfy((error: unknown) => isFailure(error, 'INVALID_REQUEST'))
    expect(parseJson('["[[[[\\"[["]', 2)).to.deep.equal(['[[[["[['])
  })

  it('sets no prototype, however the key is spelled', () => {
    for (const key of ['__proto__', '\\u005f_proto__']) {
      const parsed = parseJson(`{"a":{"${key}":{"x":1}}}`, 9) as { a: object }
      expect(Object.keys(parsed.a)).to.deep.equal([])
      expect('x' in parsed.a).to.equal(false)
    }
  })
})

describe('the text of a turn for OpenAI clients', () => {
  it('is what the events say, however its previews were cut, skipped or lost', () => {
    const steps = fc.array(fc.record({ text: fc.string({ maxLength: 30 }), cuts: fc.array(fc.nat(30)) }), {
      minLength: 1,
    })
    fc.assert(
      fc.property(steps, (given) => {
        const flow = new TextFlow()
        let sent = ''
        given.forEach(({ text, cuts }, index) => {
          const step = index + 1
          sent += flow.event({ type: 'assistant.started', message: '', metadata: { step, attempt: 1 } })
          for (const cut of [...cuts].sort((a, b) => a - b)) {
            sent += flow.preview({ step, attempt: 1, text: text.slice(0, cut) })
          }
          const type = index === given.length - 1 ? 'assistant.final' : 'assistant.thinking'
          sent += flow.event({ type, message: text, metadata: { step } })
        })
        const said = given.map(({ text }) => text).filter((text) => text !== '')
        expect(sent).to.equal(said.join('\n\n'))
      }),
    )
  })

  it('goes on where a lost attempt stopped when the new one says the same', () => {
    const flow = new TextFlow()
    const sent = [
      flow.preview({ step: 1, attempt: 1, text: 'Hello wor' }),
      flow.preview({ step: 1, attempt: 2, text: 'Hel' }),
      flow.preview({ step: 1, attempt: 2, text: 'Hello world' }),
      flow.preview({ step: 1, attempt: 1, text: 'a straggler' }),
    ]
    expect(sent).to.deep.equal(['Hello wor', '', 'ld', ''])
  })

  it('sets a new attempt apart when it says something else', () => {
    const flow = new TextFlow()
    flow.preview({ step: 1, attempt: 1, text: 'Hello wor' })
    expect(flow.preview({ step: 1, attempt: 2, text: 'Hi' })).to.equal('\n\nHi')
    expect(flow.preview({ step: 1, attempt: 2, text: 'Hi all' })).to.equal(' all')
  })
})

describe('the turn in a list of OpenAI messages', () => {
  it('is what follows the last answer; system messages are instructions wherever they stand', () => {
    const turn = turnInput(
      [
        { role: 'user', content: 'one' },
        { role: 'assistant', content: 'first', toolCalls: [{ id: 'c', name: 'n', arguments: '{}' }] },
        { role: 'tool', toolCallId: 'c', content: 'result' },
        { role: 'system', content: 'late rule' },
        { role: 'user', content: 'two' },
        { role: 'user', content: 'three' },
      ],
      { field: 'messages', unnamed: true, instructions: 'first rule' },
    )
    expect(turn.text).to.equal('two\n\nthree')
    expect(turn.toolResults).to.deep.equal([{ toolCallId: 'c', content: 'result' }])
    expect(turn.instructions).to.equal('first rule\n\nlate rule')
    expect(turn.history).to.have.length(2)
  })

  it('must be there', () => {
    const about = { field: 'input', unnamed: true } as const
    expect(() => turnInput([{ role: 'assistant', content: 'x' }], about)).to.throw(/neither a user nor a tool message/)
    expect(() => turnInput([{ role: 'user', content: '' }], about)).to.throw(/`input`: the message is empty/)
  })

  it('may be a tool’s result alone only where a call of it can be', () => {
    const result = { role: 'tool', toolCallId: 'c', content: '12' } as const
    const call = { role: 'assistant', content: '', toolCalls: [{ id: 'c', name: 'n', arguments: '{}' }] } as const
    const about = { field: 'messages', unnamed: true } as const
    expect(() => turnInput([result], about)).to.throw(/nothing here called `c`/)
    expect(turnInput([call, result], about).toolResults).to.have.length(1)
    expect(turnInput([result], { ...about, unnamed: false }).toolResults).to.have.length(1)
  })
})
