import { expect } from 'chai'
import { systemIds } from '../../infra/clock.ts'
import { prepareStore } from '../../infra/policy/openfga/prepare.ts'
import { freePort } from '../../supervisors/drills/service-process.ts'
import { asked } from '../support/asked.ts'
import { Service } from '../support/service.ts'
import { SessionListener } from '../support/session-listener.ts'
import { describeWith } from '../support/test-services.ts'

const shout = `export default ({ z }) => ({
  name: 'shout', description: 'Says it louder.', schema: z.object({}),
  idempotent: true, timeoutMs: 1_000, reaches: ['nothing'],
  run: async () => 'LOUD',
})`

/** The result of the one tool call of a message, as the session's stream tells it. */
async function resultOf(service: Service, message: string) {
  const { session_id, event_id } = await service.say(systemIds.uuid(), message)
  const listener = await SessionListener.open(service.url, session_id)
  const { event } = await listener.final(event_id)
  listener.close()
  const result = listener.events.find((heard) => heard.event.type === 'tool.result')
  return { final: event.message, metadata: result?.event.metadata as Record<string, unknown> }
}

describeWith('opa', 'a service whose tool calls OPA', (opa) => {
  describeWith('openfga', 'and OpenFGA decide on', (openFga) => {
    let service: Service
    let store: string
    before(async function () {
      this.timeout(60_000)
      store = (await prepareStore(openFga, `spec-${systemIds.uuid().slice(0, 8)}`)).id
      const env = { OPA_URL: opa, OPENFGA_API_URL: openFga, OPENFGA_STORE_ID: store, SOMA_REQUIRED: 'opa,openfga' }
      service = await Service.start({ env, tools: { shout } })
    })
    after(async () => {
      await service?.release()
      await asked('DELETE', `${openFga}/stores/${store}`)
    })

    it('I10: runs what all allow; the journal says that all did', async () => {
      const { metadata } = await resultOf(service, 'call echo {"text":"one"}\nthen\nsay done')
      expect(metadata).to.deep.include({ status: 'success' })
      const { policy } = metadata.decision as { policy: string }
      expect(policy).to.include('policy.yaml#rules.0').and.to.include('opa /v1/data/soma/policy/allow')
      expect(policy).to.include('openfga tool:echo#can_execute')
    })

    it('I10: does not run what the file allows and they do not', async () => {
      const { metadata, final } = await resultOf(service, 'call shout {}\nthen\nsay done')
      expect(metadata).to.deep.include({ status: 'blocked' })
      expect((metadata.decision as { policy: string }).policy).to.match(/^opa /)
      expect(final).to.equal('done')
    })
  })
})

describe('a service whose OPA is away', function () {
  this.timeout(60_000)

  it('I10: runs no tool and calls it no denial; the session talks on', async () => {
    const service = await Service.start({ env: { OPA_URL: `http://127.0.0.1:${await freePort()}` } })
    try {
      const { metadata, final } = await resultOf(service, 'call echo {"text":"one"}\nthen\nsay done')
      expect(JSON.stringify(metadata)).to.include('POLICY_UNAVAILABLE').and.not.to.include('TOOL_DENIED')
      expect(metadata).not.to.have.property('decision')
      expect(final).to.equal('done')
    } finally {
      await service.release()
    }
  })
})
