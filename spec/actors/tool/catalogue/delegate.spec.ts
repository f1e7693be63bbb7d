import { expect } from 'chai'
import { childSessionOf } from '../../../../actors/session/delegation.ts'
import { parseSessionCommand } from '../../../../actors/session/parse.ts'
import { delegate } from '../../../../actors/tool/catalogue/delegate.ts'
import type { ToolContext } from '../../../../actors/tool/tool.ts'
import type { SessionRecord } from '../../../../persistence/journal.ts'
import { persona, personasOf } from '../../../support/given-session.ts'

const callId = '8c5f0000-0000-4000-8000-000000000001/4.0'
const childId = childSessionOf(callId)

function contextOf(lineage: ToolContext['lineage']): ToolContext {
  const { signal } = new AbortController()
  const sessionId = '8c5f0000-0000-4000-8000-000000000001'
  const means = { signal, now: () => 7, progress() {} }
  return { callId, tenant: 'acme', sessionId, personaId: 'soma', ...means, ...(lineage && { lineage }) }
}

describe('delegate', () => {
  let claims: SessionRecord[] = []
  let owner: string | undefined
  const tool = delegate({
    personas: personasOf(persona(), persona({}, { id: 'analyst' })),
    records: async () => ({
      claim: async (record) => {
        claims.push(record)
        return { ...record, tenant: owner ?? record.tenant }
      },
    }),
    limits: { depth: 2, children: 3, timeoutMs: 1_000 },
  })
  const run = (args: Partial<Parameters<typeof tool.run>[0]> = {}, lineage?: ToolContext['lineage']) =>
    tool.run({ task: 'count', ...args }, contextOf(lineage))
  const refusal = (run: Promise<unknown>) =>
    run.then(
      () => 'ran',
      (error) => error.code,
    )

  beforeEach(() => {
    claims = []
    owner = undefined
  })

  it('births a child of the same tenant and persona, with one turn, and waits for it alone', async () => {
    const { settledBy, send, ifAbandoned } = await run(
      { context: 'to ten' },
      { depth: 1, delegations: 1, tokensLeft: 9 },
    )
    const child = `session:${childId}`
    expect(settledBy).to.deep.equal([child, 'gateway'])
    expect(claims[0]).to.deep.include({ sessionId: childId, tenant: 'acme', personaId: 'soma' })
    expect(send.map(({ to }) => to)).to.deep.equal([child])
    const turn = parseSessionCommand(send[0]?.body)
    const turnId = `${childId}/delegated`
    expect(turn).to.deep.include({ kind: 'AcceptUserTurn', turnId, text: 'count\n\nto ten', personaId: 'soma' })
    expect(turn).to.have.deep.property('delegated', {
      ...{ callId, turnId, parent: '8c5f0000-0000-4000-8000-000000000001', depth: 2, tokens: 9 },
    })
    expect(parseSessionCommand(ifAbandoned?.[0]?.body)).to.deep.include({ kind: 'Stop', turnId })
  })

  it('is the same task when it runs again after a crash', async () => {
    expect(await run()).to.deep.equal(await run())
  })

  it('refuses beyond its depth, its number and its budget, and says what to do', async () => {
    expect(await refusal(run({}, { depth: 2, delegations: 1 }))).to.equal('DELEGATION_LIMIT')
    expect(await refusal(run({}, { depth: 0, delegations: 4 }))).to.equal('DELEGATION_LIMIT')
    expect(await refusal(run({}, { depth: 0, delegations: 1, tokensLeft: 0 }))).to.equal('BUDGET_EXCEEDED')
    expect(claims).to.deep.equal([])
  })

  it('refuses a persona that is not there', async () => {
    expect(await refusal(run({ persona: 'nobody' }))).to.equal('PERSONA_NOT_FOUND')
    expect((await run({ persona: 'analyst' })).send[0]?.body).to.include({ personaId: 'analyst' })
  })

  it('tells nothing to a session that another tenant has', async () => {
    owner = 'thief'
    expect(await refusal(run())).to.equal('SESSION_NOT_FOUND')
  })
})
