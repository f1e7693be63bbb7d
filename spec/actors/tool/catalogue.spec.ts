import { expect } from 'chai'
import { z } from 'zod'
import echo from '../../../actors/tool/catalogue/echo.ts'
import { httpFetch } from '../../../actors/tool/catalogue/http-fetch.ts'
import timestamp from '../../../actors/tool/catalogue/timestamp.ts'
import { toolCatalogue } from '../../../actors/tool/catalogue.ts'
import type { Tool, ToolContext } from '../../../actors/tool/tool.ts'
import { workTool } from '../../support/given-tool.ts'

const context: ToolContext = {
  callId: 'c',
  tenant: 'acme',
  sessionId: 's',
  personaId: 'soma',
  signal: new AbortController().signal,
  now: () => Date.UTC(2026, 0, 31, 12),
  progress() {},
}

describe('the tool catalogue', () => {
  it('finds the built-in tools by name, in order', () => {
    const catalogue = toolCatalogue([echo, timestamp, httpFetch()])
    expect(catalogue.list().map(({ name }) => name)).to.deep.equal(['echo', 'timestamp', 'http_fetch'])
    expect(catalogue.get('echo')).to.equal(echo)
    expect(catalogue.get('toString')).to.equal(undefined)
  })

  it('shows the model what it may write: fields with a default are optional', () => {
    const catalogue = toolCatalogue([httpFetch()])
    const parameters = catalogue.parameters('http_fetch')
    expect(parameters).to.deep.include({ type: 'object', required: ['url'] })
    expect(parameters).to.not.have.property('$schema')
    expect(parameters).to.equal(catalogue.parameters('http_fetch'))
  })

  it('refuses two tools of one name', () => {
    expect(() => toolCatalogue([workTool(), workTool()])).to.throw(/CONFIG_INVALID.*two tools are named work/)
  })

  for (const [what, over, message] of [
    ['a name that models refuse', { name: 'do it' }, /name: must be 1 to 64 letters/],
    ['a schema of something else', { schema: {} }, /schema: must be a zod 4 schema/],
    ['a schema that is no object', { schema: z.string() }, /its schema must be a z.object/],
    ['a schema without a JSON form', { schema: z.object({ when: z.date() }) }, /no JSON Schema/],
    ['no word on idempotence', { idempotent: undefined }, /idempotent/],
    ['no end', { timeoutMs: 0 }, /timeoutMs/],
    ['nothing to run', { run: 'rm' }, /run: must be a function/],
  ] as const) {
    it(`refuses a tool with ${what}`, () => {
      expect(() => toolCatalogue([workTool(over as unknown as Partial<Tool>)])).to.throw(message)
    })
  }

  it('refuses what is no tool at all', () => {
    expect(() => toolCatalogue([null as unknown as Tool])).to.throw('CONFIG_INVALID')
  })
})

describe('echo', () => {
  it('returns its text', async () => {
    expect(await echo.run({ text: 'hi' }, context)).to.equal('hi')
  })
})

describe('timestamp', () => {
  it('tells the time in UTC, and in a time zone that is named', async () => {
    expect(await timestamp.run({}, context)).to.equal('2026-01-31T12:00:00.000Z')
    const local = await timestamp.run({ timezone: 'Europe/Berlin' }, context)
    expect(local).to.match(/^2026-01-31T12:00:00.000Z\nSaturday,? 31 January 2026 at 13:00:00 CET$/)
  })

  it('refuses a time zone that does not exist', () => {
    expect(timestamp.schema.safeParse({ timezone: 'Mars/Olympus' }).success).to.equal(false)
  })
})
