import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { launchChromium, needsChromium, openChatPage } from '../support/chat-page.ts'
import { describeNeeding } from '../support/needs.ts'
import { Service } from '../support/service.ts'

describeNeeding(...needsChromium, 'inspection on the chat page', (executablePath) => {
  let service: Service
  let browser: Browser
  let page: Page
  const problems: string[] = []

  before(async function () {
    this.timeout(60_000)
    service = await Service.start()
    browser = await launchChromium(executablePath)
    page = await openChatPage(browser, service, problems)
    await send('say hello there')
    await said('hello there')
    await page.keyboard.press('Alt+j')
    await page.click('#inspect')
  })

  after(async () => {
    await browser?.close()
    await service?.release()
  })
  afterEach(() => expect(problems).to.deep.equal([]))

  const send = async (text: string) => {
    await page.fill('#text', text)
    await page.press('#text', 'Enter')
  }
  const said = (text: string) => page.locator('#conversation').getByText(text, { exact: true }).last().waitFor()
  const session = () => new URL(page.url()).hash.split(/[/?]/)[2] as string
  const journaled = (text: string) => page.locator('.event-row', { hasText: text }).last().waitFor()
  const status = (text: string) => page.locator('#step-status', { hasText: text }).waitFor()
  /** SOMA_TEST_PICTURES: a folder for what a person wants to look at. */
  const picture = async (name: string) => {
    const folder = process.env.SOMA_TEST_PICTURES
    if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png` })
  }

  it('asks why before it does anything', async () => {
    await page.click('#step-mode')
    await page.locator('.inspection .note', { hasText: 'Say why' }).waitFor()
  })

  it('steps a turn: shows what waits, edits it, goes on', async () => {
    await page.fill('#inspect-why', 'ticket 4711')
    await page.click('#step-mode')
    await page.locator('#step-mode[aria-pressed="true"]').waitFor()
    await service.say(session(), 'call echo {"text":"as asked"}')
    await status('before the model call')
    await picture('held-before-model')
    await page.click('#step-next')
    await status('before a tool call')
    await page.fill('[aria-label="Pending: echo"]', '{"text":"as edited"}')
    await picture('held-before-call')
    await page.getByText('Save the edit').click()
    await journaled('step.edited')
    await page.click('#step-next')
    await status('before the model call')
    expect(await page.inputValue('[aria-label="Pending: tool"]')).to.equal('as edited')
    await page.click('#step-next')
    await journaled('completed: as edited')
    await page.click('#step-mode')
    await page.locator('#step-mode[aria-pressed="false"]').waitFor()
  })

  it('shows in a dry run what an injected message would change, and leaves the journal as it is', async () => {
    const events = await page.locator('#journal-count').textContent()
    await page.selectOption('#inject-role', 'user')
    await page.fill('#inject-text', 'say from the fork')
    await page.click('#dry-run')
    await page.locator('#dry-result [data-op="+"]', { hasText: 'from the fork' }).waitFor()
    await page.locator('#dry-result').scrollIntoViewIfNeeded()
    await picture('dry-run')
    expect(await page.locator('#journal-count').textContent()).to.equal(events)
  })

  it('injects a message, and a command', async () => {
    await page.click('#inject')
    await journaled('completed: from the fork')
    await page.selectOption('#inject-role', 'control')
    await page.selectOption('#inject-command', 'pause')
    await page.click('#inject')
    await journaled('operator: control pause (ticket 4711)')
    await page.locator('#step-status', { hasText: 'paused' }).waitFor()
    await picture('injected')
    await page.keyboard.press('Escape')
    await page.goto(`${service.url}/#/chat/${session()}`)
    await said('Injected by operator: pause (ticket 4711)')
  })
})
