import { expect } from 'chai'
import { address } from '../../actors/kernel/address.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import type { Delegated } from '../../actors/session/protocol.ts'
import { parseToolCommand } from '../../actors/tool/parse.ts'
import { openInMemory } from '../../persistence/open-in-memory.ts'
import { tellingWhoDelegated } from '../../supervisors/quarantined-child.ts'
import { anAppend, ownSessions } from '../support/given-append.ts'
import { countedIds, until } from '../support/probe.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const child = address('session', '8c5f0000-0000-4000-8000-000000000002')
const callId = '8c5f0000-0000-4000-8000-000000000001/4.0'
const delegated: Delegated = { callId, turnId: 't1', parent: '8c5f0000-0000-4000-8000-000000000001', depth: 1 }

describe('a child that is quarantined', () => {
  async function quarantined(born: boolean, about: Partial<Envelope> = {}): Promise<Envelope[]> {
    const sent: Envelope[] = []
    const { quarantine, journal, epochs } = openInMemory(countedIds())
    const epoch = await ownSessions(epochs)
    if (born) {
      const events = [{ kind: 'SessionStarted', version: 1, at: 0, data: { tenant: 'acme', delegated } }]
      await journal.append(anAppend({ address: child, epoch, events }))
    }
    const telling = tellingWhoDelegated(quarantine, {
      journal,
      mailbox: { send: async (envelope) => void sent.push(envelope) },
      clock: new VirtualClock(),
      log: silentLogger,
    })
    const told = { code: 'INTERNAL', detail: 'poison', suspect: undefined, since: 5 } as const
    const entry = { address: child, tenant: 'acme', ...told }
    const first: Envelope = {
      ...{ id: 'e1', to: child, from: `tool:${callId}`, tenant: 'acme', priority: 'normal', trace: {}, sentAt: 0 },
      body: {},
      ...about,
    }
    await telling.hold(entry, [first])
    await telling.hold(entry, [{ ...first, id: 'e2' }])
    await until(() => sent.length > 0 || about.body === undefined, 'word of it')
    return sent
  }

  for (const [what, born] of [
    ['that had begun', true],
    ['that fails at its very first message', false],
  ] as const) {
    it(`tells whoever delegated to it at once, and once: one ${what}`, async () => {
      const [word, ...more] = await quarantined(born, { body: { kind: 'AcceptUserTurn', delegated } })
      expect(more).to.deep.equal([])
      expect(word).to.deep.include({ to: `tool:${callId}`, from: child, tenant: 'acme' })
      const command = parseToolCommand(word?.body)
      expect(command).to.deep.include({ kind: 'Settle', callId })
      expect(command).to.have.nested.property('outcome.code', 'SESSION_QUARANTINED')
    })
  }

  it('is told of to nobody when nobody delegated to it', async () => {
    expect(await quarantined(false)).to.deep.equal([])
  })
})
