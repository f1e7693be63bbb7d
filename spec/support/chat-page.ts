import { type Browser, chromium, type Page } from 'playwright-core'
import type { Service } from './service.ts'

export const needsChromium = [
  'SOMA_TEST_CHROMIUM',
  'the path of a Chromium, as Debian’s package chromium installs it',
] as const

export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
  })
}

/** What goes wrong in the page is put into `problems`. */
export async function openChatPage(browser: Browser, { url }: Service, problems: string[]): Promise<Page> {
  const page = await browser.newPage()
  page.setDefaultTimeout(10_000)
  page.on('pageerror', (error) => problems.push(String(error)))
  await page.goto(url)
  return page
}
