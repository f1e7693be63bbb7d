import { expect } from 'chai'
import { Failure } from '../../../actors/kernel/failure.ts'
import { parseToolArguments } from '../../../actors/session/tool-arguments.ts'
import type { ModelMessage, ModelRequest } from '../../../transports/model/client.ts'
import { createRehearsal, isRehearsal, rehearsalNames } from '../../../transports/model/rehearsal.ts'
import { askFor, eventually, failureOf, type HeardAnswer, hear, signal, tool } from '../../support/model-calls.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

describe('the rehearsal models', () => {
  let clock: VirtualClock

  beforeEach(() => {
    clock = new VirtualClock()
  })

  afterEach(() => expect(clock.pending, 'timers left behind').to.equal(0))

  /** Hears an answer to its end, moving time on whenever the model waits; `waits` gets what it waited. */
  async function play(model: string, request: Partial<ModelRequest> = {}, waits: number[] = []): Promise<HeardAnswer> {
    let over = false
    const answer = hear(createRehearsal({ clock }).stream(askFor('', { ...request, model }), signal)).finally(() => {
      over = true
    })
    answer.catch(() => {})
    for (;;) {
      await eventually(() => over || clock.pending > 0)
      if (over) return answer
      waits.push(clock.nextIn ?? 0)
      clock.advance(clock.nextIn ?? 0)
    }
  }

  describe('rehearsal/echo', () => {
    it("answers at once with the user's last text in one chunk, with usage", async () => {
      const heard = await play('rehearsal/echo', {
        messages: [
          { role: 'user', content: 'before' },
          { role: 'assistant', content: 'before' },
          { role: 'user', content: 'one two' },
        ],
      })
      expect(heard).to.deep.include({ text: 'one two', kinds: ['text', 'usage', 'finish'], finish: 'stop' })
      expect(heard.usage).to.deep.equal({ promptTokens: 18, completionTokens: 2 })
    })
  })

  describe('rehearsal/script', () => {
    /** Plays a script to its end as a session would, tools answering `result of TOOL`. */
    async function perform(script: string, steps: number): Promise<HeardAnswer[]> {
      const messages: ModelMessage[] = [{ role: 'user', content: script }]
      const heard: HeardAnswer[] = []
      for (let step = 0; step < steps; step++) {
        const answer = await play('rehearsal/script', { messages })
        heard.push(answer)
        const toolCalls = answer.calls.map((call, index) => ({ ...call, id: `c${step}.${index}` }))
        messages.push({ role: 'assistant', content: answer.text, toolCalls })
        for (const call of toolCalls) {
          messages.push({ role: 'tool', toolCallId: call.id, content: `result of ${call.name}` })
        }
      }
      return heard
    }

    it('plays one step an answer, its place read from the history', async () => {
      const script = 'say let me see\ncall timestamp {}\nand call echo {"text":"hi there"}\nthen\nsay that was\nsay all'
      const [first, second, third] = await perform(script, 3)
      expect(first).to.deep.include({ text: 'let me see', finish: 'tool_calls' })
      expect(first?.calls).to.deep.equal([
        { id: undefined, name: 'timestamp', arguments: '{}' },
        { id: undefined, name: 'echo', arguments: '{"text":"hi there"}' },
      ])
      expect(second).to.deep.include({ text: 'that wasall', finish: 'stop', calls: [] })
      expect(third?.text).to.equal('result of timestamp\nresult of echo')
    })

    it('says done after a script without tools', async () => {
      expect((await perform('empty', 2)).map((answer) => answer.text)).to.deep.equal(['', 'done'])
    })

    it('streams and waits as long as it was told', async () => {
      const waits: number[] = []
      const messages: ModelMessage[] = [{ role: 'user', content: 'wait 700\nstream 4 50 abcdefgh' }]
      const heard = await play('rehearsal/script', { messages }, waits)
      expect(heard.kinds.filter((kind) => kind === 'text')).to.have.length(4)
      expect(heard.text).to.equal('abcdefgh')
      expect(waits).to.deep.equal([700, 50, 50, 50])
    })

    it('repeats a call for ever', async () => {
      const heard = await perform('say once\nthen\nrepeat call echo {"text":"again"}', 6)
      expect(heard.slice(1).map((answer) => answer.calls[0]?.arguments)).to.deep.equal(
        Array(5).fill('{"text":"again"}'),
      )
    })

    it('fails with a status, and passes after as many times as it was told', async () => {
      const waits: number[] = []
      const script = (content: string) => play('rehearsal/script', { messages: [{ role: 'user', content }] }, waits)
      expect((await failureOf(script('fail 503'))).code).to.equal('MODEL_UNAVAILABLE')
      expect((await failureOf(script('fail 400'))).code).to.equal('MODEL_REJECTED')
      expect((await failureOf(script('garbage'))).code).to.equal('MODEL_GARBLED')
      expect(waits).to.deep.equal([])
      expect((await script('fail 429 2\nsay passed')).text).to.equal('passed')
      expect(waits).to.deep.equal([250, 500])
      expect((await failureOf(script('fail 429 50'))).code).to.equal('MODEL_UNAVAILABLE')
    })

    it('writes arguments that nobody can read', async () => {
      const [heard] = await perform('rubbish timestamp', 1)
      expect(heard?.calls[0]?.name).to.equal('timestamp')
      expect(parseToolArguments(heard?.calls[0]?.arguments ?? '').ok).to.equal(false)
    })

    it('echoes what is no script, and names the line that is none', async () => {
      expect((await perform('tell me\nsay x', 1))[0]?.text).to.equal('tell me\nsay x')
      expect((await perform('say x\nsing', 1))[0]?.text).to.equal('script line 2 is not a directive: sing')
    })

    it('plays on where the session says which files are attached', async () => {
      expect((await perform('say x\n\n[Attachment: a.pdf, application/pdf, 7 bytes, id 1.]', 1))[0]?.text).to.equal('x')
    })
  })

  describe('rehearsal/hang and rehearsal/slow', () => {
    for (const model of ['rehearsal/hang', 'rehearsal/slow']) {
      it(`${model} ends at once when aborted, with the reason`, async () => {
        const stop = new AbortController()
        const failure = failureOf(hear(createRehearsal({ clock }).stream(askFor('hi', { model }), stop.signal)))
        await eventually(() => model === 'rehearsal/hang' || clock.pending === 1)
        stop.abort(new Failure('DRAINING', 'stop'))
        expect((await failure).code).to.equal('DRAINING')
      })
    }

    it('rehearsal/slow takes ten seconds', async () => {
      const waits: number[] = []
      await play('rehearsal/slow', { messages: [{ role: 'user', content: 'hi' }] }, waits)
      expect(waits.reduce((sum, wait) => sum + wait, 0)).to.equal(10_000)
    })
  })

  describe('rehearsal/fail and rehearsal/rubbish', () => {
    it('do what they say', async () => {
      expect((await failureOf(play('rehearsal/fail'))).code).to.equal('MODEL_UNAVAILABLE')
      const heard = await play('rehearsal/rubbish', { tools: [tool('timestamp')] })
      expect(heard.calls.map((call) => call.name)).to.deep.equal(['timestamp'])
    })
  })

  describe('rehearsal/demo', () => {
    const tools = [tool('echo', 'text'), tool('timestamp'), tool('http_fetch', 'url')]
    let messages: ModelMessage[]

    beforeEach(() => {
      messages = [{ role: 'system', content: 'be kind' }]
    })

    /** A whole turn: the answers of the model, tools answering what `results` says. */
    async function turn(text: string, results: Record<string, string> = {}, offered = tools) {
      messages.push({ role: 'user', content: text })
      const called: string[] = []
      for (;;) {
        const answer = await play('rehearsal/demo', { messages, tools: offered })
        const toolCalls = answer.calls.map((call) => ({ ...call, id: `call_${messages.length}_${call.name}` }))
        messages.push({ role: 'assistant', content: answer.text, toolCalls })
        if (toolCalls.length === 0) return { text: answer.text, called }
        for (const call of toolCalls) {
          called.push(`${call.name} ${call.arguments}`)
          messages.push({ role: 'tool', toolCallId: call.id, content: results[call.name] ?? 'ok' })
        }
      }
    }

    it('reads a file that came with the message', async () => {
      const line = '[Attachment: a.md, text/markdown, 7 bytes, id 5-a. document_ingest reads its text.]'
      const { called } = await turn(`What is in it?\n\n${line}`, {}, [tool('document_ingest', 'attachment_id')])
      expect(called).to.deep.equal(['document_ingest {"attachment_id":"5-a"}'])
    })

    it('says in every answer what it is', async () => {
      for (const text of ['hello', 'what time is it?', 'tell me more', '']) {
        expect((await turn(text)).text).to.match(/rehearsal model.*OPENAI_BASE_URL/)
      }
    })

    it('holds a conversation of three turns, with a tool in between', async () => {
      const first = await turn('Hello, my name is Ada.')
      expect(first.called).to.deep.equal(['echo {"text":"Hello, my name is Ada."}'])
      const second = await turn('What time is it?', { timestamp: '2026-01-01T00:00:00Z' })
      expect(second.called).to.deep.equal(['timestamp {}'])
      expect(second.text).to.include('2026-01-01T00:00:00Z').and.include('Ada')
      const third = await turn('What is my name?')
      expect(third).to.deep.include({ called: [] })
      expect(third.text).to.include('Your name is Ada')
    })

    it('fetches a URL it is given, and calls tools in parallel', async () => {
      const { called, text } = await turn('Fetch https://example.com/a?b=1, and the date.', {
        http_fetch: 'Example Domain',
      })
      expect(called).to.deep.equal(['timestamp {}', 'http_fetch {"url":"https://example.com/a?b=1"}'])
      expect(text).to.include('Example Domain')
    })

    it("calls a developer's own tool when it is named", async () => {
      const weather = {
        ...tool('get_weather', 'city'),
        parameters: {
          type: 'object',
          properties: { unit: { enum: ['C', 'F'] }, days: { type: 'integer', minimum: 2 }, city: { type: 'string' } },
          required: ['city', 'unit', 'days'],
        },
      }
      await turn('hello')
      const { called } = await turn('please get weather in Oslo', {}, [...tools, weather])
      expect(called).to.deep.equal(['get_weather {"city":"please get weather in Oslo","unit":"C","days":2}'])
    })

    it('calls no tool that is not offered', async () => {
      const { called } = await turn('What time is it at https://example.com? Use a tool.', {}, [])
      expect(called).to.deep.equal([])
    })

    it('answers the quick actions from the history', async () => {
      await turn('Plan a trip to Rome')
      expect((await turn('Summarize this conversation so far in a few sentences.')).text).to.include(
        'Plan a trip to Rome',
      )
    })

    it('goes on with the results of a client’s tools that come without words', async () => {
      messages.push({ role: 'user', content: 'get weather' })
      messages.push({ role: 'assistant', content: '', toolCalls: [{ id: 'w', name: 'get_weather', arguments: '{}' }] })
      messages.push({ role: 'tool', toolCallId: 'w', content: 'sunny' })
      expect((await turn('')).text).to.include('sunny')
    })

    it('streams word by word, 15 ms apart', async () => {
      const waits: number[] = []
      const heard = await play('rehearsal/demo', { messages: [{ role: 'user', content: 'hi' }] }, waits)
      expect(new Set(waits)).to.deep.equal(new Set([15]))
      expect(heard.kinds.filter((kind) => kind === 'text').length).to.equal(waits.length + 1)
      expect(heard.text.split(/\s+/)).to.have.length(waits.length + 1)
    })
  })

  it('are known by name, and by no other', async () => {
    expect(rehearsalNames).to.include.members(['rehearsal/demo', 'rehearsal/echo', 'rehearsal/script'])
    expect(['rehearsal/nothing', 'toString', ''].map(isRehearsal)).to.deep.equal([false, false, false])
    expect((await failureOf(play('toString'))).code).to.equal('MODEL_NOT_FOUND')
  })
})
