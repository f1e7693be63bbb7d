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
  const shownPersona = (id: string) =>
    page.locator(`#persona option[value="${id}"]:checked`).waitFor({ state: 'attached' })
  const personaOf = async (id: string) => (await service.get(`/v1/sessions/${id}`)).body.persona_id
  const sessionShown = () => new URL(page.url()).hash.slice(1)
  const focused = () => page.evaluate<string>('document.activeElement.id')
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
  const said = (text: string) => conversation().getByText(text, { exact: true }).waitFor()
  const send = async (text: string) => {
    await page.fill('#text', text)
    await page.press('#text', 'Enter')
  }

  it('shows how the service is, and each dependency with its remedy', async () => {
    await page.locator('#health[data-state="good"]').waitFor({ state: 'attached' })
    expect(await page.textContent('#health summary span')).to.equal('All is well')
    const report = {
      status: 'ready',
      dependencies: [{ name: 'redis', ok: false, detail: 'is away.', remedy: 'Start it.' }],
    }
    await page.route('**/readyz', (route) => route.fulfill({ json: report }))
    await page.click('#health summary')
    await page.locator('#health[data-state="degraded"]').waitFor()
    expect(await page.textContent('#health summary span')).to.equal('Without redis')
    expect(await page.textContent('#health li'))
      .to.include('is away.')
      .and.to.include('Start it.')
    await page.unroute('**/readyz')
    await page.click('#health summary')
  })

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
    expect(await page.locator('#events').textContent()).to.include('echo · success · allowed by')
    await page.click('#journal-toggle')
  })

  it('stops a streaming answer and keeps what was shown', async () => {
    await send(`stream 400 25 ${'word '.repeat(100)}`)
    await conversation().getByText('word').last().waitFor()
    await page.press('#text', 'Escape')
    await page.locator('#stop').waitFor({ state: 'hidden' })
    await said('Stopped')
    await send('say after the stop')
    await conversation().getByText('after the stop', { exact: true }).waitFor()
  })

  it('goes on by itself when the service is killed in the middle of an answer and started again', async () => {
    await send(`stream 40 50 ${'part '.repeat(20)}`)
    await page.locator('#stop').waitFor({ state: 'visible' })
    await service.kill()
    await service.start()
    await page.locator('#stop').waitFor({ state: 'hidden', timeout: 20_000 })
    await send('say still here')
    await conversation().getByText('still here', { exact: true }).waitFor()
  })

  it('shows a message that waits as waiting, and then right above its own answer', async () => {
    const first = 'first answered, slowly and in many small pieces'
    await send(`wait 500\nstream 40 25 ${first}`)
    await page.locator('#stop').waitFor({ state: 'visible' })
    await send('say second answered')
    await conversation().locator('.user.waiting', { hasText: 'say second answered' }).waitFor()
    await conversation().locator('.streaming').waitFor()
    expect(await conversation().locator('> :last-child').textContent()).to.equal('say second answered')
    await said('second answered')
    expect(await conversation().locator('.waiting').count()).to.equal(0)
    const { length, [length - 3]: before, [length - 1]: after } = await conversation().locator('> *').allTextContents()
    expect([before, after]).to.deep.equal([first, 'second answered'])
  })

  it('opens the journal at its newest event, and leaves the conversation at its end', async () => {
    await page.setViewportSize({ width: 1000, height: 500 })
    await atEnd('conversation')
    await page.click('#journal-toggle')
    await atEnd('events')
    await atEnd('conversation')
    await page.click('#journal-close')
  })

  it('names the built-in model that answers', async () => {
    await page.locator('#rehearsal', { hasText: 'rehearsal/script' }).waitFor()
  })

  it('keeps the persona of a session that is opened, and switches it only when another is chosen', async () => {
    const first = sessionShown()
    await page.click('#new')
    await page.selectOption('#persona', 'operator')
    await send('say begun by the operator')
    await said('begun by the operator')
    const operated = sessionShown()
    await page.locator(`#list [data-id="${first}"]`).click()
    await shownPersona('soma')
    await page.locator(`#list [data-id="${operated}"]`).click()
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
    await page.locator('#problem', { hasText: 'The service does not answer. Your message is kept' }).waitFor()
    expect(await page.inputValue('#text')).to.equal('say kept')
    await service.start()
    await page.locator('#problem').waitFor({ state: 'hidden', timeout: 20_000 })
    await page.press('#text', 'Enter')
    await said('kept')
  })

  it('on a phone, the sessions and the journal open over the conversation and close again', async () => {
    await page.setViewportSize({ width: 360, height: 640 })
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).to.equal(360)
    await page.click('#menu')
    await page.locator('#search').waitFor()
    await page.keyboard.press('Escape')
    await page.locator('#sessions').waitFor({ state: 'hidden' })
    expect(await focused()).to.equal('menu')
    await page.click('#menu')
    await page.mouse.click(350, 300)
    await page.locator('#sessions').waitFor({ state: 'hidden' })
    for (const close of [() => page.click('#journal-close'), () => page.keyboard.press('Escape')]) {
      await page.click('#journal-toggle')
      await close()
      await page.locator('#journal').waitFor({ state: 'hidden' })
      expect(await focused()).to.equal('journal-toggle')
    }
    await page.click('#menu')
    await page.locator('#list button').last().click()
    await page.locator('#sessions').waitFor({ state: 'hidden' })
  })

  it('had no error of its own', () => {
    expect(problems).to.deep.equal([])
  })
})
