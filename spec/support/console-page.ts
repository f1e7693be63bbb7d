import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Browser, BrowserContext, Page } from 'playwright-core'

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** A page of the console; axe comes as a file of the page's own origin, for its policy lets nothing else in. */
export async function openConsole(
  browser: Browser,
  url: string,
  colorScheme: 'light' | 'dark',
  /** Before anything is loaded: what shall be heard of it. */
  prepare: (page: Page) => void = () => {},
): Promise<{ page: Page; context: BrowserContext }> {
  const context = await browser.newContext({
    colorScheme,
    reducedMotion: 'reduce',
    viewport: { width: 1440, height: 900 },
  })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  prepare(page)
  const source = await readFile(axe, 'utf8')
  await page.route('**/axe.js', (route) => route.fulfill({ body: source, contentType: 'text/javascript' }))
  await page.goto(url)
  return { page, context }
}

/** What axe finds that is serious or worse. */
export async function serious(page: Page): Promise<string[]> {
  await page.addScriptTag({ url: '/axe.js' })
  const found = await page.evaluate<
    { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[]
  >('axe.run().then(({ violations }) => violations)')
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join(' | ')}`)
}

/** For people to look at: SOMA_TEST_PICTURES names the folder. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.SOMA_TEST_PICTURES
  if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png` })
}
