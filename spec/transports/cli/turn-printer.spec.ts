import { expect } from 'chai'
import fc from 'fast-check'
import { paint } from '../../../transports/cli/terminal.ts'
import { TurnPrinter } from '../../../transports/cli/turn-printer.ts'
import type { ConversationEvent } from '../../../transports/outbound.ts'

function event(type: string, message: string, metadata: Record<string, unknown> = {}): ConversationEvent {
  return {
    event_id: 's/1',
    session_id: 's',
    persona_id: 'p',
    role: 'assistant',
    type,
    message,
    version: 'sa01-v1',
    metadata,
  }
}

function printed(...events: ConversationEvent[]): string {
  let text = ''
  const printer = new TurnPrinter((part) => {
    text += part
  }, paint(false))
  for (const one of events) printer.print(one)
  return text
}

const preview = (offset: number, delta: string) => event('assistant.stream', '', { offset, delta })
const final = (message: string, more: object = {}) =>
  event('assistant.final', message, { outcome: 'completed', model: 'm', usage: { total_tokens: 3 }, ...more })

describe('printed turn', () => {
  it('shows an answer once, however much of it the previews showed (T1)', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z ]{1,40}$/), fc.array(fc.nat(40), { maxLength: 5 }), (answer, cuts) => {
        const ends = [...new Set(cuts.map((cut) => Math.min(cut, answer.length)))].sort((a, b) => a - b)
        const previews = ends.map((end, index) =>
          preview(ends[index - 1] ?? 0, answer.slice(ends[index - 1] ?? 0, end)),
        )
        return printed(...previews, final(answer)) === `${answer}\n  m, 3 tokens\n`
      }),
    )
  })

  it('shows tool calls with their arguments and outcome', () => {
    const text = printed(
      preview(0, 'Let me look.'),
      event('assistant.thinking', 'Let me look.'),
      event('tool.start', '', { tool_name: 'echo', args: { text: 'hi' } }),
      event('tool.result', 'hi', { tool_name: 'echo', status: 'success' }),
      event('tool.result', 'too late', { tool_name: 'slow', status: 'timeout' }),
      event('assistant.thinking', '', {}),
      final('Done.'),
    )
    expect(text).to.equal(
      'Let me look.\n  → echo {"text":"hi"}\n  ✓ echo: hi\n  ✗ timeout slow: too late\nDone.\n  m, 3 tokens\n',
    )
  })

  it('keeps the text that was shown before a stop, and says that it was stopped', () => {
    expect(printed(preview(0, 'Once upon'), final('', { outcome: 'stopped' }))).to.equal(
      'Once upon\n  stopped; m, 3 tokens\n',
    )
  })

  it('leaves out what a turn that was stopped early does not have', () => {
    expect(printed(final('', { outcome: 'stopped', model: '', usage: { total_tokens: 0 } }))).to.equal('  stopped\n')
  })

  it('keeps the text of a failed turn, and leaves the failure to errors', () => {
    const failed = final('no route', { outcome: 'failed', code: 'MODEL_UNAVAILABLE', detail: 'no route' })
    expect(printed(preview(0, 'Once upon'), failed)).to.equal('Once upon\n')
    expect(printed(failed)).to.equal('')
  })

  it('begins a new line when the answer is started again', () => {
    expect(
      printed(preview(0, 'Half an'), event('assistant.restarted', ''), preview(0, 'Whole'), final('Whole')),
    ).to.include('Half an\n  started again: the process that worked on it is gone\nWhole\n')
  })
})
