import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { launchChromium, needsChromium, openChatPage } from '../support/chat-page.ts'
import { describeNeeding } from '../support/needs.ts'
import { Service } from '../support/service.ts'

describeNeeding(...needsChromium, 'the chat page', (executablePath) => {
  let service: Service
  let browser: Browser
  let page: Page
  const problems: string[] = []

  before(async () => {
    service = await Service.start()
    browser = await launchChromium(executablePath)
    page = await openChatPage(browser, service, problems)
  })

  after(async () => {
    await browser?.close()
    await service?.release()
  })

  const conversation = () => page.locator('#conversation')
  const items = () => page.locator('.conversation-items')
  const shownPersona = (id: string) =>
    page.locator(`#persona option[value="${id}"]:checked`).waitFor({ state: 'attached' })
  const personaOf = async (id: string) => (await service.get(`/v1/sessions/${id}`)).body.persona_id
  const sessionShown = () => new URL(page.url()).hash.slice('#/chat/'.length)
  /** Looks once a frame, in the page: waitForFunction would need the eval that the page's policy forbids. */
  const atEnd = (id: string) =>
    page.evaluate(`new Promise((seen) => {
      const box = document.getElementById('${id}')
      const look = () => {
        const left = box.scrollHeight - box.scrollTop - box.clientHeight
        box.scrollTop > 0 && left < 3 ? seen() : requestAnimationFrame(look)
      }
      look()
    })`)
  const said = (text: string) => conversation().getByText(text, { exact: true }).last().waitFor()
  const send = async (text: string) => {
    await page.fill('#text', text)
    await page.press('#text', 'Enter')
  }

  it('shows how the service is, and each dependency with its remedy', async () => {
    await page.locator('#health[data-tone="good"]').waitFor({ state: 'attached' })
    expect(await page.textContent('#health summary span')).to.equal('All is well')
    const report = {
      status: 'ready',
      dependencies: [{ name: 'redis', ok: false, detail: 'is away.', remedy: 'Start it.' }],
    }
    await page.route('**/readyz', (route) => route.fulfill({ json: report }))
    await page.click('#health summary')
    await page.locator('#health[data-tone="warn"]').waitFor()
    expect(await page.textContent('#health summary span')).to.equal('Without redis')
    expect(await page.locator('#health li').first().textContent())
      .to.include('is away.')
      .and.to.include('Start it.')
    await page.unroute('**/readyz')
    await page.click('#health summary')
  })

  it('answers, and unfolds the tool call: arguments, decision, output, time and cost', async () => {
    await send('call echo {"text":"from the tool"}\nthen\nsay all done')
    await said('all done')
    await conversation().locator('.tool summary').click()
    expect(await conversation().locator('.tool-body').textContent())
      .to.include('"text": "from the tool"')
      .and.include('allowed by')
      .and.match(/Time\d+(\.\d)? m?s/)
      .and.match(/Cost\d+ tokens/)
  })

  it('lays out markdown, colours code, and lets nothing of it act', async () => {
    const words = '**bold** `code` <img src=x onerror=alert(1)> <b style="color:red">raw</b> [bad](javascript:alert(1))'
    await send(`say ${words}`)
    const answer = conversation().locator('.assistant').last()
    await answer.locator('strong', { hasText: 'bold' }).waitFor()
    expect(await answer.locator('code').textContent()).to.equal('code')
    expect(await answer.locator('img, [style], a[href^="javascript"]').count()).to.equal(0)
    // Nothing that the script can say holds a line break: what is echoed can.
    await send('An echo of code:\n```json\n{ "a": 1 }\n```')
    await conversation().locator('pre code .hljs-number', { hasText: '1' }).waitFor()
  })

  it('goes to the journal of the session and back', async () => {
    await page.keyboard.press('Alt+j')
    await page.locator('.event-row', { hasText: 'assistant.final' }).first().waitFor()
    await page.keyboard.press('o')
    await said('all done')
  })

  it('stops a streaming answer and keeps what was shown', async () => {
    await send(`stream 400 25 ${'word '.repeat(100)}`)
    await conversation().getByText('word').last().waitFor()
    await page.press('#text', 'Escape')
    await page.locator('#stop').waitFor({ state: 'hidden' })
    await said('Stopped')
    await send('say after the stop')
    await said('after the stop')
  })

  it('goes on by itself when the service is killed in the middle of an answer and started again', async () => {
    await send(`stream 40 50 ${'part '.repeat(20)}`)
    await page.locator('#stop').waitFor({ state: 'visible' })
    await service.kill()
    await service.start()
    await page.locator('#stop').waitFor({ state: 'hidden', timeout: 20_000 })
    await send('say still here')
    await said('still here')
  })

  it('shows a message that waits as waiting, and then right above its own answer', async () => {
    const first = 'first answered, slowly and in many small pieces'
    await send(`wait 500\nstream 40 25 ${first}`)
    await page.locator('#stop').waitFor({ state: 'visible' })
    await send('say second answered')
    await conversation().locator('.user.waiting', { hasText: 'say second answered' }).waitFor()
    await conversation().locator('.streaming').waitFor()
    expect(await items().locator('> :last-child .message-text').textContent()).to.equal('say second answered')
    await said('second answered')
    expect(await conversation().locator('.waiting').count()).to.equal(0)
    const shown = (await items().locator('> .message').allTextContents()).slice(-4).map((text) => text.trim())
    expect(shown.slice(1)).to.deep.equal([first, 'say second answered', 'second answered'])
  })

  it('keeps the conversation at its end for one who is there', async () => {
    await page.setViewportSize({ width: 1100, height: 500 })
    await atEnd('conversation')
    await page.setViewportSize({ width: 1280, height: 720 })
  })

  it('names the built-in model that answers', async () => {
    await page.locator('#rehearsal', { hasText: 'rehearsal/script' }).waitFor()
  })

  it('keeps the persona of a session that is opened, and switches it only when another is chosen', async () => {
    const first = sessionShown()
    await page.click('#new')
    await page.locator('#title', { hasText: 'New session' }).waitFor()
    await page.selectOption('#persona', 'operator')
    await send('say begun by the operator')
    await said('begun by the operator')
    const operated = sessionShown()
    await page.locator(`.session-list [data-id="${first}"]`).click()
    await shownPersona('soma')
    await page.locator(`.session-list [data-id="${operated}"]`).click()
    await said('begun by the operator')
    await shownPersona('operator')
    await send('say still the operator')
    await said('still the operator')
    expect(await personaOf(operated)).to.equal('operator')
    await page.selectOption('#persona', 'analyst')
    await said('Persona: analyst')
    expect(await personaOf(operated)).to.equal('analyst')
    await service.post(`/v1/sessions/${operated}/persona`, { persona_id: 'soma' })
    await shownPersona('soma')
    expect(await personaOf(first)).to.equal('soma')
  })

  it('says that the service does not answer, keeps the message, and forgets about it when it is back', async () => {
    await service.kill()
    await send('say kept')
    const kept = page.locator('.talk .note', { hasText: 'The service does not answer. Your message is kept' })
    await kept.waitFor()
    expect(await page.inputValue('#text')).to.equal('say kept')
    await service.start()
    await kept.waitFor({ state: 'hidden', timeout: 20_000 })
    await page.press('#text', 'Enter')
    await said('kept')
  })

  it('intervenes in a running turn with more words', async () => {
    await send(`stream 400 25 ${'never '.repeat(100)}`)
    await conversation().locator('.streaming', { hasText: 'never' }).waitFor()
    await page.fill('#text', 'say wanted instead')
    await page.press('#text', 'Control+Enter')
    await said('wanted instead')
    await conversation().locator('.message-tag', { hasText: 'intervened' }).waitFor()
  })

  it('on a phone nothing is wider than it, and the navigation opens over the view', async () => {
    await page.setViewportSize({ width: 360, height: 640 })
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).to.equal(360)
    await page.getByRole('button', { name: 'Open the navigation' }).click()
    await page.locator('.navigation').waitFor()
    await page.keyboard.press('Escape')
    await page.locator('.navigation').waitFor({ state: 'hidden' })
    await page.getByRole('button', { name: 'Open the navigation' }).click()
    await page.locator('.navigation a', { hasText: 'Sessions' }).click()
    await page.locator('.data-row').first().waitFor()
  })

  it('had no error of its own', () => {
    expect(problems).to.deep.equal([])
  })
})
