import path from 'node:path'
import type { Clock, Ids } from '../actors/kernel/clock.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import echo from '../actors/tool/catalogue/echo.ts'
import { reachable } from '../actors/tool/catalogue/http/reachable.ts'
import { httpFetch } from '../actors/tool/catalogue/http-fetch.ts'
import timestamp from '../actors/tool/catalogue/timestamp.ts'
import { toolCatalogue } from '../actors/tool/catalogue.ts'
import type { ToolCatalogue } from '../actors/tool/tool.ts'
import type { ContentConfig } from './config.ts'
import { ownAddresses } from './own-addresses.ts'
import { packageRoot } from './package-root.ts'
import { PersonaFiles } from './personas/persona-files.ts'
import { FilePolicy } from './policy/file-policy.ts'
import { loadTools } from './tool-files.ts'

/** What operators add as files, on top of what is shipped: personas, tools, policy. */
export interface Content {
  readonly personas: PersonaFiles
  readonly tools: ToolCatalogue
  readonly policy: FilePolicy
}

export async function loadContent(
  config: ContentConfig,
  means: { clock: Clock; ids: Ids; log: Logger },
): Promise<Content> {
  const ownTools = config.toolsDir === undefined ? [] : await loadTools(config.toolsDir)
  const shipped = [echo, timestamp, httpFetch({ reachable: reachable(config.httpFetchAllow, ownAddresses) })]
  const policyFile = config.policyFile ?? path.join(packageRoot, 'infra/policy/default.yaml')
  const policy = new FilePolicy(policyFile, means.ids)
  await policy.check()
  const shippedPersonas = path.join(packageRoot, 'infra/personas')
  const directories = config.personasDir === undefined ? [shippedPersonas] : [shippedPersonas, config.personasDir]
  return {
    personas: new PersonaFiles({ directories, ...means }),
    tools: toolCatalogue([...shipped, ...ownTools]),
    policy,
  }
}
