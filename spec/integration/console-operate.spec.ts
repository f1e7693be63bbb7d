import path from 'node:path'
import { expect } from 'chai'
import type { Browser } from 'playwright-core'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { systemClock as clock, systemIds as ids } from '../../infra/clock.ts'
import { packageRoot } from '../../infra/package-root.ts'
import { openPersistence } from '../../persistence/open.ts'
import { launchChromium, needsChromium } from '../support/chat-page.ts'
import { Cluster } from '../support/cluster.ts'
import { openConsole as open, picture, serious } from '../support/console-page.ts'
import { eventually } from '../support/eventually.ts'
import { describeNeeding } from '../support/needs.ts'
import { Service } from '../support/service.ts'
import { describeWith } from '../support/test-services.ts'

const MENDED = '8c5f2f1e-0000-4000-8000-0000000dead1'
const DROPPED = '8c5f2f1e-0000-4000-8000-0000000dead2'

describeNeeding(...needsChromium, 'the operator’s views of the console', (executablePath) => {
  let browser: Browser
  before(async () => {
    browser = await launchChromium(executablePath)
  })
  after(() => browser?.close())

  describe('of one process', () => {
    let service: Service

    before(async function () {
      this.timeout(90_000)
      service = await Service.start({ env: { SOMA_POLICY_FILE: path.join(packageRoot, 'infra/policy/default.yaml') } })
      await service.say('noted', 'say hello')
      for (const [key, text] of [
        ['tea', 'Ada drinks green tea in the morning'],
        ['vault', 'The vault opens with the code 4711'],
      ]) {
        expect((await service.post('/v1/memory/remember', { key, text })).status).to.equal(200)
      }
      await service.stop()
      await parkLetters(service.dataDir)
      await service.start()
      await service.say('noted', 'say hello again')
    })
    after(() => service?.release())

    /** Two messages that their sessions could not understand. */
    async function parkLetters(dataDir: string): Promise<void> {
      const migrationsDir = path.join(packageRoot, 'persistence/migrations')
      const store = await openPersistence({ dataDir, migrationsDir, clock, ids, log: silentLogger })
      for (const [n, session] of [MENDED, DROPPED].entries()) {
        await store.deadLetters.park({
          envelope: {
            ...{ id: `broken-${n}`, to: `session:${session}`, from: 'gateway', tenant: 'local', priority: 'normal' },
            ...{ trace: {}, sentAt: clock.now(), body: { kind: 'AcceptUserTurn', v: 1 } },
          },
          ...{ source: `session:${session}`, code: 'MALFORMED_MESSAGE', detail: 'text: expected string', retries: 0 },
          at: clock.now(),
        })
      }
      await store.close()
    }

    const visits: readonly (readonly [name: string, shown: string])[] = [
      ['supervision', '.branch'],
      ['cluster', '.blank'],
      ['levels', '.chart'],
      ['drills', '.note'],
      ['dead-letters', '.data-row'],
      ['quarantine', '.blank'],
      ['memory', '.data-row'],
    ]
    for (const scheme of ['light', 'dark'] as const) {
      it(`are shown ${scheme}, and axe finds nothing serious`, async function () {
        this.timeout(120_000)
        for (const [name, shown] of visits) {
          const { page, context } = await open(browser, `${service.url}/#/${name}`, scheme)
          await page.locator(shown).first().waitFor()
          const list = page.locator('[role=grid], [role=listbox]').first()
          if ((await list.count()) > 0) {
            await list.focus()
            await page.keyboard.press('ArrowDown')
            await page.locator('.side h2').first().waitFor()
          }
          await picture(page, `${name}-${scheme}`)
          expect(await serious(page), `${name}, ${scheme}`).to.deep.equal([])
          await context.close()
        }
      })
    }

    it('recall a memory in other words, and forget it when that is confirmed', async () => {
      const { page, context } = await open(browser, `${service.url}/#/memory`, 'light')
      await page.locator('.data-row').nth(1).waitFor()
      await page.getByLabel('Recall').fill('which code opens the vault')
      await page.locator('.bar-about', { hasText: 'recalled in' }).waitFor()
      await page.locator('.data-row').first().filter({ hasText: '4711' }).click()
      await page.getByRole('button', { name: 'Forget' }).click()
      await page.getByRole('button', { name: 'Forget it' }).click()
      await eventually(async () => {
        const { body } = await service.get('/v1/memory?limit=10')
        return body.memories.every(({ key }: { key: string }) => key !== 'vault')
      })
      await context.close()
    })

    it('mend a dead letter and send it again, and forget another', async function () {
      this.timeout(30_000)
      const { page, context } = await open(browser, `${service.url}/#/dead-letters`, 'light')
      await page.locator('.data-row', { hasText: MENDED }).click()
      const message = page.getByLabel('Message')
      await message.fill('{')
      expect(await page.getByRole('button', { name: /^Send/ }).isDisabled(), 'no JSON').to.equal(true)
      const body = { kind: 'AcceptUserTurn', v: 1, turnId: 'mended', text: 'say mended', attachments: [], metadata: {} }
      await message.fill(JSON.stringify(body))
      await page.getByRole('button', { name: 'Send as edited' }).click()
      await eventually(async () => {
        const { body: page } = await service.get(`/v1/sessions/${MENDED}/events?limit=100`)
        return (page.events ?? []).some(({ payload }: { payload: { message: string } }) => payload.message === 'mended')
      })
      await page.locator('.data-row', { hasText: DROPPED }).click()
      await page.getByRole('button', { name: 'Forget' }).click()
      await page.getByRole('button', { name: 'Forget it' }).click()
      await page.locator('.blank', { hasText: 'No dead letters' }).waitFor()
      expect((await service.get('/v1/admin/dead-letters')).body.dead_letters).to.deep.equal([])
      await context.close()
    })
  })

  describeWith('kafka', 'of a cluster', (kafka) => {
    describeWith('postgres', 'on Postgres', (postgres) => {
      describeWith('redis', 'and Redis', (redis) => {
        let cluster: Cluster

        before(async function () {
          this.timeout(90_000)
          cluster = await Cluster.start({ kafka, postgres, redis })
          await cluster.say('seen', 'say hello')
        })
        after(async function () {
          this.timeout(60_000)
          await cluster?.release()
        })

        it('show every process, who owns which shard, and levels over all of them', async function () {
          this.timeout(90_000)
          const { page, context } = await open(browser, `${cluster.url()}/#/cluster`, 'light')
          await page.locator('.data-row', { hasText: 'node-2' }).waitFor()
          await page.locator('.shard-map li[data-owner="1"]').first().waitFor()
          await eventually(async () => (await page.locator('.shard-map li[data-owner="none"]').count()) === 0, 30_000)
          expect(await page.locator('.shard-map li').count()).to.equal(3 * 64)
          await picture(page, 'cluster-of-three-light')
          expect(await serious(page)).to.deep.equal([])
          await page.goto(`${cluster.url()}/#/levels`)
          await page.locator('.bar-about', { hasText: '3 of 3 processes answer' }).waitFor()
          await page.goto(`${cluster.url()}/#/supervision`)
          await page.locator('.bar-about', { hasText: '2 processes' }).waitFor()
          await page.goto(`${cluster.url()}/#/drills`)
          await page.getByRole('button', { name: 'Run it' }).waitFor()
          expect(await page.locator('select option').allTextContents()).to.include('kill-node')
          await context.close()
        })
      })
    })
  })
})
