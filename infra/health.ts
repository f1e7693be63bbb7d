import type { Clock } from '../actors/kernel/clock.ts'
import type { Sql } from '../persistence/sql.ts'
import type { HealthReport } from '../transports/gateway/health.ts'
import type { ReachableModels } from '../transports/model/models.ts'
import type { ServicesConfig } from './config/config-services.ts'
import { modelFindings } from './probes/model.ts'
import { type Found, type Probe, runProbe, Trouble, wordsOf } from './probes/probe.ts'

export interface HealthParts {
  /** Of what is outside: those that the start looked at. */
  readonly probes: readonly Probe[]
  readonly sql: Sql
  readonly models: ReachableModels
  readonly policyFile: { check(): Promise<void> }
  readonly required: ServicesConfig['required']
  readonly clock: Clock
}

/** Anybody may ask /readyz: however often, a server that is well is looked at once in this time. */
const FRESH_MS = 1_000

/**
 * What /readyz answers: the probes of the start, and what only a running process has, its journal, its policy file and
 * the models it chose. Those that are not required degrade, and say so.
 */
export function readiness(parts: HealthParts): () => Promise<HealthReport> {
  const { clock, models, required } = parts
  const outside = parts.probes.map((probe) => seldom(() => runProbe(probe, clock), clock))
  const held = [journalProbe(parts.sql), policyFileProbe(parts.policyFile)]
  return async () => {
    const looks = [...held.map((probe) => runProbe(probe, clock)), ...outside.map((look) => look())]
    const chosen = modelFindings(models, required.includes('model'), () => clock.now())
    const dependencies = (await Promise.all([...looks, chosen])).flat()
    return { ready: dependencies.every(({ ok, required }) => ok || !required), dependencies }
  }
}

/** One look at a time for all who ask, and one that found all well for a second. What is not well is looked at anew. */
function seldom(look: () => Promise<Found>, clock: Clock): () => Promise<Found> {
  let last: { readonly found: Promise<Found>; readonly at: number; over: boolean; ok: boolean } | undefined
  return () => {
    if (last && (!last.over || (last.ok && clock.now() - last.at < FRESH_MS))) return last.found
    const current = { found: look(), at: clock.now(), over: false, ok: false }
    last = current
    void current.found.then(({ ok }) => Object.assign(current, { over: true, ok }))
    return current.found
  }
}

/** Through the connections that appends use: the server may be well and these not. */
function journalProbe(sql: Sql): Probe {
  const embedded = sql.dialect !== 'postgres'
  return {
    name: 'journal',
    required: true,
    place: embedded
      ? { address: 'the data directory', variable: 'SOMA_DATA_DIR' }
      : { address: 'its database', variable: 'POSTGRES_DSN' },
    async look() {
      await sql.query('select 1', []).catch((error: unknown) => {
        throw new Trouble('failed', wordsOf(error), 'See the disk or POSTGRES_DSN.', error)
      })
      return `${sql.dialect} answers`
    },
  }
}

/** Not required: sessions talk on without tools. But nothing that needs a decision runs until it is mended (I10). */
function policyFileProbe(policyFile: { check(): Promise<void> }): Probe {
  return {
    name: 'policy',
    required: false,
    place: { address: 'the policy file', variable: 'SOMA_POLICY_FILE' },
    async look() {
      await policyFile.check().catch((error: unknown) => {
        throw new Trouble('failed', wordsOf(error), 'Mend SOMA_POLICY_FILE. Until then no tool runs.', error)
      })
      return 'rules can be read'
    },
  }
}
