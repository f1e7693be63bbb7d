import path from 'node:path'
import { expect } from 'chai'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { systemClock as clock, systemIds as ids } from '../../infra/clock.ts'
import { packageRoot } from '../../infra/package-root.ts'
import { openPersistence } from '../../persistence/open.ts'
import { launchChromium, needsChromium } from '../support/chat-page.ts'
import { openConsole, picture, serious } from '../support/console-page.ts'
import { eventually } from '../support/eventually.ts'
import { describeNeeding } from '../support/needs.ts'
import { Service } from '../support/service.ts'

const LONG = '8c5f2f1e-0000-4000-8000-00000000c0de'
const SESSIONS = 10_000
const TURNS = 910

describeNeeding(...needsChromium, 'the console', (executablePath) => {
  let service: Service
  let browser: Browser
  let events = 0
  const problems: string[] = []

  before(async function () {
    this.timeout(180_000)
    service = await Service.start()
    await service.say(LONG, 'call echo {"text":"from the tool"}\nand call timestamp {}\nthen\nsay **all** done')
    await settled(LONG)
    await service.stop()
    events = await grown()
    await service.start()
    browser = await launchChromium(executablePath)
  })
  after(async () => {
    await browser?.close()
    await service?.release()
  })
  afterEach(() => expect(problems).to.deep.equal([]))

  async function settled(session: string) {
    await eventually(async () => {
      const { body } = await service.get(`/v1/sessions/${session}`)
      return body.usage.completion_tokens > 0 && body.running_turn_id === null
    })
  }

  /** That one turn written down again and again, and many sessions: ten thousand turns would take minutes. */
  async function grown(): Promise<number> {
    const migrationsDir = path.join(packageRoot, 'persistence/migrations')
    const store = await openPersistence({ dataDir: service.dataDir, migrationsDir, clock, ids, log: silentLogger })
    const { sql } = store
    const address = `session:${LONG}`
    const [{ first, last }] = (await sql.query(
      `select min(seq)::int as first, max(seq)::int as last from events where address = $1 and kind <> 'SessionStarted'`,
      [address],
    )) as [{ first: number; last: number }]
    const [{ turn }] = (await sql.query(
      `select data->>'turnId' as turn from events where address = $1 and kind = 'TurnStarted'`,
      [address],
    )) as [{ turn: string }]
    const length = last - first + 1
    await sql.query(
      `insert into events (address, seq, envelope_id, kind, version, at, data)
       select address, seq + n * $2::int, envelope_id || '-' || n, kind, version, at + n * interval '2 seconds',
              replace(data::text, $3, left($3, 24) || lpad(n::text, 12, '0'))::jsonb
       from events, generate_series(1, $4::int) as n where address = $1 and seq >= $5::int`,
      [address, length, turn, TURNS, first],
    )
    await sql.query('update actors set seq = $2 where address = $1', [address, last + TURNS * length])
    await sql.query(
      `insert into session_envelopes (session_id, tenant, created_at, updated_at, persona_id, subject, issuer, scope, title, state)
       select gen_random_uuid(), tenant, created_at, updated_at - n * interval '1 minute', persona_id, subject, issuer, scope,
              'Session ' || n, 'idle'
       from session_envelopes, generate_series(1, $1::int) as n`,
      [SESSIONS],
    )
    await store.close()
    return last + TURNS * length
  }

  async function open(colorScheme: 'light' | 'dark', hash = ''): Promise<{ page: Page; context: BrowserContext }> {
    return openConsole(browser, `${service.url}/${hash}`, colorScheme, (page) => {
      page.setDefaultTimeout(15_000)
      page.on('pageerror', (error) => problems.push(String(error)))
      page.on('console', (said) => {
        if (said.type() === 'error' && said.text().includes('Content Security Policy')) problems.push(said.text())
      })
    })
  }

  const visits: readonly (readonly [name: string, hash: string, shown: string])[] = [
    ['chat', `#/chat/${LONG}`, '.conversation .message.assistant'],
    ['new-session', '#/chat', '.blank'],
    ['sessions', '#/sessions', '.data-row'],
    ['journal', `#/journal/${LONG}?at=5`, '.state-facts'],
    ['journal-none', '#/journal', '.blank'],
    ['api', '#/api', '.reference details'],
  ]

  for (const scheme of ['light', 'dark'] as const) {
    it(`shows every view ${scheme}, and axe finds nothing serious`, async function () {
      this.timeout(120_000)
      for (const [name, hash, shown] of visits) {
        const { page, context } = await open(scheme, hash)
        await page.locator(shown).first().waitFor()
        if (name === 'chat') await page.locator('.tool summary').last().click()
        if (name === 'journal') await page.click('#inspect')
        await picture(page, `${name}-${scheme}`)
        expect(await serious(page), `${name}, ${scheme}`).to.deep.equal([])
        await context.close()
      }
    })
  }

  it('takes keys everywhere: goes to views, finds, lists its keys, and gives the focus back', async () => {
    const { page, context } = await open('light', '#/sessions')
    await page.locator('.data-row').first().waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('a')
    await page.locator('.reference').waitFor()
    await page.keyboard.press('?')
    await page.locator('.key-help', { hasText: 'Go to Sessions' }).waitFor()
    expect(await serious(page)).to.deep.equal([])
    await page.keyboard.press('Escape')
    await page.locator('.key-help').waitFor({ state: 'detached' })
    await page.keyboard.press('Control+k')
    await page.keyboard.type('Session 77')
    await page.locator('.palette [role=option]', { hasText: 'Session 77' }).first().waitFor()
    expect(await serious(page)).to.deep.equal([])
    await picture(page, 'palette-light')
    await page.keyboard.press('Enter')
    await page.locator('#title', { hasText: 'Session 77' }).waitFor()
    await context.close()
  })

  it('keeps the theme that is chosen', async () => {
    const { page, context } = await open('light', '#/api')
    const theme = () => page.evaluate<string>('document.documentElement.dataset.theme')
    await page.getByRole('button', { name: /^Theme/ }).click()
    await page.getByRole('button', { name: /^Theme/ }).click()
    expect(await theme()).to.equal('dark')
    await page.reload()
    await page.locator('.reference').waitFor()
    expect(await theme()).to.equal('dark')
    await context.close()
  })

  it('walks 10,000 sessions with few rows drawn, to the last page, and finds one', async function () {
    this.timeout(90_000)
    const { page, context } = await open('light', '#/sessions')
    await page.locator('.data-row').first().waitFor()
    for (let shown = 0; !shown; ) {
      await page.keyboard.press('End')
      shown = await page.locator('.bar-about', { hasText: `${SESSIONS + 1} shown` }).count()
    }
    await page.keyboard.press('End')
    await page.locator('.data-row', { hasText: `Session ${SESSIONS}` }).waitFor()
    expect(await page.locator('.data-row').count()).to.be.below(80)
    await page.keyboard.press('/')
    await page.keyboard.type('Session 4711')
    await page.locator('.bar-about', { hasText: /^1 shown$/ }).waitFor()
    await page.getByRole('button', { name: 'quarantined' }).click()
    await page.locator('.blank', { hasText: 'No session matches' }).waitFor()
    await context.close()
  })

  it('steps through a journal of 10,000 events by j and k, with the state each left', async function () {
    this.timeout(90_000)
    const { page, context } = await open('light', `#/chat/${LONG}`)
    await page.locator('.conversation .message.assistant').first().waitFor()
    const from = clock.now()
    await page.keyboard.press('Alt+j')
    await page.locator('.event-row').first().waitFor()
    await page.locator('.state-facts').waitFor()
    const usable = clock.now() - from
    await page.locator('#journal-count', { hasText: new RegExp(`^${events} events$`) }).waitFor()
    const whole = clock.now() - from
    await page.locator('.detail-head', { hasText: String(events) }).waitFor()
    await page.keyboard.press('Home')
    await page.locator('.detail-head', { hasText: /^1 / }).waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.locator('.detail-head', { hasText: 'turn.started' }).waitFor()
    await page.locator('.state-facts [data-changed=true]', { hasText: 'running' }).waitFor()
    await page.keyboard.press('k')
    await page.locator('.detail-head', { hasText: 'user.message' }).waitFor()
    const stepping = clock.now()
    for (let step = 0; step < 20; step++) await page.keyboard.press('k')
    await page.keyboard.press('End')
    await page.locator('.detail-head', { hasText: String(events) }).waitFor()
    const stepped = clock.now() - stepping
    expect(await page.locator('.event-row').count()).to.be.below(80)
    console.log(
      `      journal of ${events} events: usable ${usable} ms, whole ${whole} ms after the key; 21 keys ${stepped} ms`,
    )
    await page.getByRole('button', { name: 'tool', exact: true }).click()
    await page.locator('.filters', { hasText: 'shown' }).waitFor()
    expect(await page.locator('.event-row[data-kind=tool]').count()).to.equal(0)
    await context.close()
  })

  it('is ready to type in soon', async () => {
    const { page, context } = await open('light')
    await page.locator('#text').waitFor()
    const [painted, size] = await page.evaluate<[number, number]>(`[
      performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1,
      performance.getEntriesByType('resource').reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
    ]`)
    const interactive = await page.evaluate<number>('performance.now()')
    console.log(
      `      first paint ${painted.toFixed(0)} ms, interactive ${interactive.toFixed(0)} ms, ${size} bytes fetched`,
    )
    expect(size).to.be.below(150_000)
    await context.close()
  })
})
