import { expect } from 'chai'
import { commandLine } from '../../support/command-line.ts'
import { Service } from '../../support/service.ts'

describe('soma inject, step and dry-run', function () {
  this.timeout(60_000)
  let service: Service
  before(async () => {
    service = await Service.start()
  })
  after(() => service.release())
  const { soma } = commandLine(() => service.url)

  it('takes a turn step by step, and edits what waits', async () => {
    await soma(['send', 'say born', '-s', 'stepped'])
    expect((await soma(['step', 'stepped', 'on', '--why', 'ticket 4711'])).code).to.equal(0)
    await soma(['send', 'say as asked', '-s', 'stepped', '--no-wait'])
    // The mailbox is asked again until the session has taken the turn.
    let shown = await soma(['step', 'stepped', 'show'])
    while (!shown.out.includes('hold ')) shown = await soma(['step', 'stepped', 'show'])
    expect(shown.out).to.include('the model is about to read').and.include('user: say as asked')
    expect((await soma(['step', 'stepped', 'edit', '--text', 'say as edited', '--why', 'typo'])).code).to.equal(0)
    expect((await soma(['step', 'stepped', 'next'])).code).to.equal(0)
    let journal = await soma(['show', 'stepped'])
    while (!/final +as edited/.test(journal.out)) journal = await soma(['show', 'stepped'])
    expect(journal.out).to.include('step.edited').and.include('say as edited (operator: typo)')
    expect((await soma(['step', 'stepped', 'next'])).err).to.include('NOTHING_PENDING')
    expect((await soma(['step', 'stepped', 'off'])).err).to.include('--why')
    expect((await soma(['step', 'stepped', 'off', '--why', 'done'])).code).to.equal(0)
  })

  it('injects a control message', async () => {
    await soma(['send', 'say born', '-s', 'steered'])
    const args = ['inject', 'steered', 'pause', '--role', 'control', '--why', 'ticket 4711']
    expect((await soma(args)).code).to.equal(0)
    let journal = await soma(['show', 'steered'])
    while (!journal.out.includes('session.paused')) journal = await soma(['show', 'steered'])
    expect(journal.out).to.include('control: pause (operator: ticket 4711)')
  })

  it('shows in a dry run what an injected message would change', async () => {
    await soma(['send', 'say as it was', '-s', 'tried'])
    const { code, out } = await soma(['dry-run', 'tried', '--role', 'user', '--text', 'say otherwise', '--at', '1'])
    expect(code).to.equal(0)
    expect(out).to.include('- as it was').and.include('+ otherwise').and.include('nothing was touched')
    expect((await soma(['dry-run', 'tried'])).err).to.include('--text')
  })
})
