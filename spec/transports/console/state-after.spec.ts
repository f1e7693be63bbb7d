import { expect } from 'chai'
import fc from 'fast-check'
import type { JournalEntry } from '../../../transports/gateway/console/api/answers.ts'
import { evolved, StateTrail, unborn } from '../../../transports/gateway/console/journal/state-after.ts'

const usage = { prompt_tokens: 3, completion_tokens: 4, cost_usd: 0.5 }

function entry(id: number, type: string, metadata: Record<string, unknown> = {}): JournalEntry {
  const payload = {
    event_id: '',
    session_id: 's',
    persona_id: '',
    role: 'system' as const,
    type,
    message: '',
    metadata,
  }
  return { id, occurred_at: '2026-01-01T00:00:00.000Z', payload }
}

const turn = { turn_id: 't1' }
const call = { ...turn, call_id: 'c1', tool_name: 'echo' }
const anyEvent = fc.constantFrom(
  ...([
    ['session.started', { persona_id: 'soma' }],
    ['user.message', turn],
    ['turn.started', turn],
    ['assistant.started', { ...turn, step: 1 }],
    ['assistant.restarted', { ...turn, step: 1, attempt: 2 }],
    ['assistant.thinking', { ...turn, usage }],
    ['tool.start', call],
    ['tool.result', call],
    ['assistant.final', turn],
    ['session.paused', {}],
    ['session.resumed', {}],
    ['session.step_mode', { on: true }],
    ['step.held', { before: 'model' }],
    ['session.reset', {}],
    ['session.unheard-of', {}],
  ] as const),
)

describe('the state after an event, in the console', () => {
  it('follows a turn through its steps', () => {
    const table: readonly (readonly [string, Record<string, unknown>, Record<string, unknown>])[] = [
      ['session.started', { persona_id: 'soma' }, { state: 'idle', persona: 'soma' }],
      ['user.message', turn, { queued: ['t1'], state: 'idle' }],
      ['turn.started', turn, { queued: [], state: 'running', turnId: 't1' }],
      ['assistant.started', { step: 1, attempt: 1 }, { step: 1 }],
      ['assistant.thinking', { usage }, { tokens: 7, costUsd: 0.5 }],
      ['tool.start', call, { calls: ['echo (c1)'] }],
      ['tool.result', call, { calls: [] }],
      ['session.paused', {}, { state: 'paused' }],
      ['session.resumed', {}, { state: 'running' }],
      ['assistant.final', turn, { state: 'idle', turnId: undefined, turnsDone: 1, tokens: 7 }],
      ['session.deleted', {}, { state: 'deleted' }],
    ]
    let state = unborn
    for (const [type, metadata, expected] of table) {
      state = evolved(state, entry(1, type, metadata).payload)
      expect(state, type).to.deep.include(expected)
    }
  })

  it('is the same wherever one jumps, as by walking there', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 900 }), fc.array(fc.nat(899), { maxLength: 6 }), (events, jumps) => {
        const entries = events.map(([type, metadata], at) => entry(at + 1, type, metadata))
        const walked = [unborn]
        for (const { payload } of entries) walked.push(evolved(walked.at(-1) ?? unborn, payload))
        const trail = new StateTrail()
        for (const jump of jumps.filter((at) => at < entries.length)) {
          expect(trail.at(entries, jump)).to.deep.equal(walked[jump + 1])
        }
      }),
      { numRuns: 60 },
    )
  })
})
