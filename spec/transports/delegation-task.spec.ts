import { expect } from 'chai'
import { asFailure } from '../../actors/kernel/failure.ts'
import { urlRefusal } from '../../actors/tool/catalogue/http/guarded-fetch.ts'
import { reachable } from '../../actors/tool/catalogue/http/reachable.ts'
import { fromPublic } from '../../transports/kafka/public-messages.ts'
import { delegation } from '../../transports/kafka/topics.ts'
import { callJson } from '../support/call-json.ts'
import { type GatewayHarness, startGateway } from '../support/gateway-harness.ts'
import { AT } from '../support/given-append.ts'
import { GivenSession } from '../support/given-session.ts'

const OWN = '203.0.113.9'
const guard = reachable(['intranet.example.org', '10.9.0.0/16'], () => [OWN])
const parts = { tenant: 'acme', urlRefusal: (url: string) => urlRefusal(url, guard) }

/** A task on the topic: its command, or what its dead letter would say. */
function onTopic(task: object | string) {
  const text = typeof task === 'string' ? task : JSON.stringify({ task_id: 't', ...task })
  const record = { offset: 0, timestamp: AT, key: null, value: Buffer.from(text), headers: {} }
  try {
    return { command: fromPublic(delegation, record, parts).body }
  } catch (error) {
    const { code, detail } = asFailure(error)
    return { code, detail }
  }
}

describe('a delegated task', () => {
  let harness: GatewayHarness

  before(async () => {
    harness = await startGateway({ deps: { urlRefusal: parts.urlRefusal } })
  })
  after(() => harness.close())

  const overHttp = (task: object | string) => callJson(harness.url, 'POST', '/v1/delegation/task', task)
  const calls = (callback_url: unknown) => ({ payload: 'say x', callback_url })
  const owns = (budget: unknown) => ({ payload: 'say x', metadata: { budget } })

  const refused: [string, object, string, string][] = [
    ['a task that is a number', { payload: { task: 7 } }, 'payload.task', 'text'],
    ['a task that is an object', { payload: { task: { do: 'it' } } }, 'payload.task', 'text'],
    ['a task that is null', { payload: { task: null } }, 'payload.task', 'text'],
    ['an empty task', { payload: { task: '' } }, 'payload.task', 'empty'],
    ['too long a task', { payload: { task: 'x'.repeat(20_001) } }, 'payload.task', '20001 characters'],
    ['too long a task, as an object', { payload: { all: 'x'.repeat(20_000) } }, 'payload', 'at most 20000'],
    ['too long a context', { payload: { task: 'x', context: 'x'.repeat(100_001) } }, 'payload.context', '100001'],
    ['a persona that is no name', { payload: { task: 'x', persona: 7 } }, 'payload.persona', 'persona'],
    ['a payload that is a list', { payload: ['x'] }, 'payload', ''],
    ['a negative budget', owns(-1), 'metadata.budget', ''],
    ['a budget in words', owns('1000'), 'metadata.budget', 'number'],
    ['half a token', owns(0.5), 'metadata.budget', 'int'],
    ['a budget beyond all budgets', owns(1e15), 'metadata.budget', ''],
    ['no budget, said so', owns(null), 'metadata.budget', 'number'],
    ['a callback to this machine', calls('http://127.0.0.1:8010/told'), 'callback_url', '127.0.0.1'],
    ['a callback to this machine, as IPv6', calls('http://[::1]/told'), 'callback_url', '::1'],
    ['a callback to this machine, mapped', calls('http://[::ffff:127.0.0.1]/'), 'callback_url', '127.0.0.1'],
    ['a callback to this machine, in decimal', calls('http://2130706433/told'), 'callback_url', '127.0.0.1'],
    ['a callback to this machine, in octal', calls('http://0177.0.0.1/told'), 'callback_url', '127.0.0.1'],
    ['a callback to this machine, by name', calls('http://localhost/told'), 'callback_url', 'localhost'],
    ['a callback to an address of this machine', calls(`http://${OWN}/told`), 'callback_url', OWN],
    ['a callback to the cloud’s metadata', calls('http://169.254.169.254/latest'), 'callback_url', '169.254.169.254'],
    ['a callback into the network', calls('https://10.1.2.3/told'), 'callback_url', '10.1.2.3'],
    ['a callback to a name of the network', calls('https://wiki.corp/told'), 'callback_url', 'wiki.corp'],
    ['a callback with a password in it', calls('https://a:b@example.org/told'), 'callback_url', 'password'],
    ['a callback by another protocol', calls('ftp://example.org/told'), 'callback_url', ''],
  ]
  for (const [what, task, field, says] of refused) {
    it(`is refused with ${what}, over HTTP and on the topic, and ${field} is named`, async () => {
      const answer = await overHttp(task)
      expect([answer.status, answer.body.code]).to.deep.equal([400, 'INVALID_REQUEST'])
      const errors = answer.body.errors as { path: string; message: string }[]
      const named = errors.find(({ path }) => path === `body/${field.replaceAll('.', '/')}`)
      expect(named, JSON.stringify(errors)).not.to.equal(undefined)
      expect(named?.message).to.include(says)

      const letter = onTopic(task)
      expect(letter.code).to.equal('MALFORMED_MESSAGE')
      expect(letter.detail).to.include(`${field}: `).and.include(says)
    })
  }

  it('is refused with what JSON has no word for', async () => {
    for (const budget of ['NaN', '1e999', '-Infinity']) {
      const text = `{"task_id":"t","payload":"say x","metadata":{"budget":${budget}}}`
      expect((await overHttp(text)).status, budget).to.equal(400)
      expect(onTopic(text).code, budget).to.equal('MALFORMED_MESSAGE')
    }
  })

  const taken: [string, object, object][] = [
    ['words', { payload: 'say x' }, { args: { task: 'say x' } }],
    ['an object without a task of its own', { payload: { do: 'x' } }, { args: { task: '{"do":"x"}' } }],
    [
      'a context that is an object',
      { payload: { task: 'x', context: { a: 1 }, persona: null } },
      { args: { task: 'x', context: '{"a":1}' } },
    ],
    ['a budget', owns(7), { born: { budget: 7, delegation_task: 't' } }],
    ['no callback, as Python writes it', calls(null), { args: { task: 'say x' } }],
    [
      'a callback to a public name, which is judged when it is told',
      calls('https://example.org/told'),
      { callback: { url: 'https://example.org/told', taskId: 't' } },
    ],
    [
      'a callback that the operator allows',
      calls('http://10.9.1.1/told'),
      { callback: { url: 'http://10.9.1.1/told', taskId: 't' } },
    ],
  ]
  for (const [what, task, part] of taken) {
    it(`is taken with ${what}`, () => {
      expect(onTopic(task).command).to.deep.include(part)
    })
  }

  it('has the budget that it was handed in with, on the topic as over HTTP', () => {
    const { command } = onTopic(owns(7))
    const session = new GivenSession()
    const { outbox } = session.tell(command as NonNullable<typeof command>)
    expect(session.state.metadata).to.include({ budget: 7, delegation_task: 't' })
    expect(outbox?.[0]?.body).to.deep.include({ lineage: { depth: 0, delegations: 1, tokensLeft: 7 } })
  })
})
