import { expect } from 'chai'
import { systemClock, systemIds } from '../../infra/clock.ts'
import { reportTable } from '../../supervisors/drills/drill-report.ts'
import type { DrillName } from '../../supervisors/drills/drills.ts'
import { ownCluster } from '../../supervisors/drills/own-cluster.ts'
import { runDrill } from '../../supervisors/drills/run-drill.ts'
import type { DrillTarget } from '../../supervisors/drills/target.ts'
import { somaMain } from '../support/service.ts'
import { describeWith } from '../support/test-services.ts'

/** Correctness is what is judged here; how fast it is depends on what else the machine does (npx soma drill all). */
const LIMIT_MS = 30_000

describeWith('kafka', 'failover drills on two nodes (all of them: soma drill all)', (kafka) =>
  describeWith('postgres', 'and', (postgres) =>
    describeWith('redis', 'and', (redis) => {
      let target: DrillTarget
      let passed = true
      const lines: string[] = []

      before(async function () {
        this.timeout(90_000)
        target = await ownCluster({
          nodes: 2,
          gateways: 2,
          servers: { KAFKA_BOOTSTRAP_SERVERS: kafka, POSTGRES_DSN: postgres, REDIS_URL: redis },
          stack: { program: '', folder: '' },
          somaMain,
          id: `drill-${systemIds.uuid().slice(0, 8)}`,
          clock: systemClock,
          random: systemIds.random,
          progress: (line) => lines.push(line),
        })
      })
      after(async function () {
        this.timeout(60_000)
        await target.close(passed)
      })

      for (const drill of ['kill-node', 'freeze-node', 'kill-gateway'] satisfies DrillName[]) {
        it(`${drill}: nothing is lost, nothing is doubled, no stream has a gap`, async function () {
          this.timeout(150_000)
          this.slow(60_000)
          const report = await runDrill({
            drill,
            id: systemIds.uuid().slice(0, 8),
            target,
            sessions: 20,
            rate: 15,
            durationMs: 4_000,
            repeat: 1,
            seed: 20,
            limitMs: LIMIT_MS,
            progress: (line) => lines.push(line),
          })
          passed &&= report.passed
          // The table says what went wrong better than any single figure.
          expect(report.passed, `${lines.join('\n')}\n${reportTable(report)}`).to.equal(true)
          expect(report.accepted).to.be.greaterThan(20)
          expect(report.recovery.count).to.be.greaterThan(0)
        })
      }
    }),
  ),
)
