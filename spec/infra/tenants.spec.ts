import { expect } from 'chai'
import { loadTenants } from '../../infra/tenants.ts'
import { ScratchFolder } from '../support/scratch-folder.ts'

let folder: ScratchFolder
const withFile = (text: string, env: Record<string, string> = {}) =>
  loadTenants({ ...env, TENANT_CONFIG_PATH: folder.write('tenants.yaml', text) })

const everything = `
default:
  fail_open: true
  budgets: { analyst: 400 }
acme:
  budgets: { default: 200, qa_bot: 100, free: 0 }
  routing: { allow: [], deny: [] }
globex: {}
`
const variables = {
  BUDGET_LIMIT_GLOBEX_SOMA: '31',
  BUDGET_LIMIT_GLOBEX: '32',
  BUDGET_LIMIT_BIG_CO_QA_BOT: '33',
  BUDGET_LIMIT_TOKENS: '34',
}

describe('the daily token limit', () => {
  beforeEach(() => {
    folder = new ScratchFolder()
  })
  afterEach(() => folder.remove())

  for (const [tenant, persona, limit, source] of [
    ['acme', 'qa_bot', 100, "the tenant's entry for the persona"],
    ['acme', 'free', 0, "the tenant's entry for the persona, which may be no limit"],
    ['acme', 'analyst', 200, "the tenant's own default, before everybody's entry"],
    ['globex', 'analyst', 400, "everybody's entry for the persona"],
    ['globex', 'soma', 31, 'the variable of tenant and persona'],
    ['big-co', 'qa.bot', 33, 'the variable of names with other letters'],
    ['globex', 'operator', 32, 'the variable of the tenant'],
    ['initech', 'soma', 34, 'the variable for all'],
    ['constructor', 'toString', 34, 'the variable for all, whatever the names'],
  ] as const) {
    it(`of ${tenant}/${persona} is ${limit}, from ${source}`, () => {
      expect(withFile(everything, variables).dailyTokenLimit(tenant, persona)).to.equal(limit)
    })
  }

  it('is none when nothing says anything', () => {
    expect(loadTenants({}).dailyTokenLimit('acme', 'soma')).to.equal(0)
    expect(withFile('').dailyTokenLimit('acme', 'soma')).to.equal(0)
  })

  for (const [what, load, message] of [
    ['a budget that is no number', () => withFile('acme: { budgets: { soma: lots } }'), /acme\.budgets\.soma/],
    ['a budget below zero', () => withFile('acme: { budgets: { soma: -1 } }'), /must be 0 \(no limit\) or more/],
    ['a file that is no YAML', () => withFile('acme: ['), /tenants\.yaml is not YAML/],
    ['a file that is not there', () => loadTenants({ TENANT_CONFIG_PATH: '/none' }), /TENANT_CONFIG_PATH.*ENOENT/],
    ['a variable that is no number', () => loadTenants({ BUDGET_LIMIT_ACME: '1e3' }), /BUDGET_LIMIT_ACME is "1e3"/],
  ] as const) {
    it(`refuses ${what}`, () => {
      expect(load)
        .to.throw(/^CONFIG_INVALID/)
        .with.property('message')
        .that.matches(message)
    })
  }
})
