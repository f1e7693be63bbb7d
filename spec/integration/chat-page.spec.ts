import { expect } from 'chai'
import { type Browser, chromium, type Page } from 'playwright-core'
import { describeNeeding } from '../support/needs.ts'
import { Service } from '../support/service.ts'

const how = 'the path of a Chromium, as Debian’s package chromium installs it'

describeNeeding('SOMA_TEST_CHROMIUM', how, 'the chat page', (executablePath) => {
  let service: Service
  let browser: Browser
  let page: Page
  const problems: string[] = []

  before(async () => {
    service = await Service.start()
    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
    })
    page = await browser.newPage()
    page.on('pageerror', (error) => problems.push(String(error)))
    await page.goto(service.url)
  })

  after(async () => {
    await browser?.close()
    await service?.release()
  })

  const conversation = () => page.locator('#conversation')
  const send = async (text: string) => {
    await page.fill('#text', text)
    await page.press('#text', 'Enter')
  }

  it('answers, and shows the tool call with its decision', async () => {
    await send('call echo {"text":"from the tool"}\nthen\nsay all done')
    await conversation().getByText('all done', { exact: true }).waitFor()
    expect(await conversation().textContent())
      .to.include('echo')
      .and.include('from the tool')
  })

  it('shows the journal', async () => {
    await page.click('#journal-toggle')
    await page.locator('#events').getByText('assistant.final').waitFor()
    await page.click('#journal-toggle')
  })

  it('stops a streaming answer and keeps what was shown', async () => {
    await send('stream 400 25 word')
    await conversation().getByText('word').last().waitFor()
    await page.press('#text', 'Escape')
    await page.locator('#stop').waitFor({ state: 'hidden' })
    await send('say after the stop')
    await conversation().getByText('after the stop', { exact: true }).waitFor()
  })

  it('goes on by itself when the service is killed in the middle of an answer and started again', async () => {
    await send('stream 40 25 part\nthen\nsay never')
    await page.locator('#stop').waitFor({ state: 'visible' })
    await service.kill()
    await service.start()
    await page.locator('#stop').waitFor({ state: 'hidden', timeout: 20_000 })
    await send('say still here')
    await conversation().getByText('still here', { exact: true }).waitFor()
  })

  it('had no error of its own', () => {
    expect(problems).to.deep.equal([])
  })
})
