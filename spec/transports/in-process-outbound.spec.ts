import { expect } from 'chai'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { InProcessOutbound } from '../../transports/in-process-outbound.ts'
import type { Announcement, OutboundListener } from '../../transports/outbound.ts'

const announcement = (type: string, sessionId = 's') =>
  ({ sessionId, seq: 1, at: 0, event: { type, metadata: {} } }) as unknown as Announcement
const preview = (text: string, sessionId = 's') => ({
  sessionId,
  turnId: 't',
  step: 1,
  attempt: 1,
  index: 0,
  delta: text,
  text,
})

function listener() {
  const heard: string[] = []
  const made: OutboundListener = {
    event: ({ event }) => heard.push(event.type),
    preview: ({ text }) => heard.push(text),
  }
  return { heard, made }
}

describe('outbound in one process', () => {
  it('P1: tells a new subscriber the partial text of the step in progress, and forgets it when the step ends', () => {
    for (const ending of ['assistant.thinking', 'assistant.final', 'assistant.restarted', 'session.reset']) {
      const outbound = new InProcessOutbound(silentLogger)
      outbound.preview(preview('Hel'))
      const early = listener()
      outbound.subscribe('s', early.made)
      outbound.announce(announcement(ending))
      const late = listener()
      outbound.subscribe('s', late.made)
      expect(early.heard).to.deep.equal(['Hel', ending])
      expect(late.heard).to.deep.equal([])
    }
  })

  it('P2: a listener that throws harms neither the session that announces nor the others', () => {
    const outbound = new InProcessOutbound(silentLogger)
    const fail = () => {
      throw new Error('broken')
    }
    outbound.subscribe('s', { event: fail, preview: fail })
    const other = listener()
    outbound.subscribe('s', other.made)
    outbound.announce(announcement('user.message'))
    outbound.preview(preview('x'))
    expect(other.heard).to.deep.equal(['user.message', 'x'])
  })

  it('calls back for its session alone, and never after close', () => {
    const outbound = new InProcessOutbound(silentLogger)
    const mine = listener()
    const subscription = outbound.subscribe('s', mine.made)
    outbound.announce(announcement('other', 'elsewhere'))
    subscription.close()
    subscription.close()
    outbound.announce(announcement('late'))
    expect(mine.heard).to.deep.equal([])
  })
})
