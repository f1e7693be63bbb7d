import path from 'node:path'
import type { Clock, Ids } from '../actors/kernel/clock.ts'
import { closest } from '../actors/kernel/did-you-mean.ts'
import { Failure } from '../actors/kernel/failure.ts'
import type { Policy } from '../actors/kernel/policy.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import type { Memory } from '../actors/memory/memory.ts'
import type { Personas } from '../actors/persona.ts'
import { codeExecute } from '../actors/tool/catalogue/code-execute.ts'
import { documentIngest } from '../actors/tool/catalogue/document-ingest.ts'
import echo from '../actors/tool/catalogue/echo.ts'
import { fileRead } from '../actors/tool/catalogue/file-read.ts'
import { urlRefusal } from '../actors/tool/catalogue/http/guarded-fetch.ts'
import { reachable } from '../actors/tool/catalogue/http/reachable.ts'
import { httpFetch } from '../actors/tool/catalogue/http-fetch.ts'
import { memoryTools } from '../actors/tool/catalogue/memory-tools.ts'
import timestamp from '../actors/tool/catalogue/timestamp.ts'
import { toolCatalogue } from '../actors/tool/catalogue.ts'
import type { Tool, ToolCatalogue } from '../actors/tool/tool.ts'
import type { Attachments } from '../persistence/attachments.ts'
import type { SessionRecords } from '../persistence/journal.ts'
import type { ContentConfig } from './config/config-content.ts'
import { ConfiguredMcpServers } from './mcp/mcp-servers.ts'
import { LateMemory } from './memory/late-memory.ts'
import { rememberChunks } from './memory/remember-chunks.ts'
import { ownAddresses } from './own-addresses.ts'
import { packageRoot } from './package-root.ts'
import { PersonaFiles } from './personas/persona-files.ts'
import { AllMustAllow } from './policy/all-must-allow.ts'
import { FilePolicy } from './policy/file-policy.ts'
import { CapsulePool } from './sandbox/capsule-pool.ts'
import { sessionTools } from './session-tools.ts'
import { loadTools } from './tool-files.ts'

/** What operators add as files, on top of what is shipped: personas, tools, policy. */
export interface Content {
  readonly personas: PersonaFiles
  readonly tools: ToolCatalogue
  readonly mcp: ConfiguredMcpServers
  /** All that were configured: the file, OPA, OpenFGA. */
  readonly policy: Policy
  readonly policyFile: FilePolicy
  /** Why the tools that reach the network would refuse a URL without asking anybody. */
  urlRefusal(url: string): string | undefined
  close(): Promise<void>
}

/** More than the model is shown, so that what is cut is cut by us, with both ends kept. */
const SANDBOX_OUTPUT_BYTES = 200_000

export async function loadContent(
  config: ContentConfig,
  means: {
    clock: Clock
    ids: Ids
    log: Logger
    memory?: Memory
    records?: () => Promise<SessionRecords>
    attachments?: () => Promise<Attachments>
  },
): Promise<Content> {
  const ownTools = config.toolsDir === undefined ? [] : await loadTools(config.toolsDir)
  const guard = reachable(config.httpFetchAllow, ownAddresses)
  const sandbox = new CapsulePool({ ...config.sandbox, outputBytes: SANDBOX_OUTPUT_BYTES }, means)
  // A look at the configuration (`soma doctor`) knows the tools too, and calls none.
  const memory = means.memory ?? new LateMemory()
  const shipped: Tool[] = [
    echo,
    timestamp,
    httpFetch({ reachable: guard }),
    codeExecute(sandbox),
    documentIngest({ attachments: means.attachments ?? noAttachments, rememberChunks: rememberChunks(memory) }),
    ...(config.filesDir === undefined ? [] : [fileRead(config.filesDir)]),
    ...memoryTools(memory),
  ]
  const policyFile = config.policyFile ?? path.join(packageRoot, 'infra/policy/default.yaml')
  const file = new FilePolicy(policyFile, means.ids)
  await file.check()
  const asked = await policyServices(config, means)
  const shippedPersonas = path.join(packageRoot, 'infra/personas')
  const directories = config.personasDir === undefined ? [shippedPersonas] : [shippedPersonas, config.personasDir]
  const personas = new PersonaFiles({ directories, ...means })
  const ofSessions = sessionTools({
    personas,
    records: means.records ?? (() => Promise.reject(new Error('nothing runs here'))),
    delegation: config.delegation,
    reachable: guard,
    clock: means.clock,
  })
  const mcp = new ConfiguredMcpServers(config.mcp, { ...means, allow: config.httpFetchAllow })
  const tools = mcp.catalogue(toolCatalogue([...shipped, ...ofSessions, ...ownTools]))
  for (const warning of unknownTools(personas, tools, mcp)) means.log.warn({ personas: directories }, warning)
  return {
    personas,
    tools,
    mcp,
    policy: new AllMustAllow([file, ...asked], means.ids),
    policyFile: file,
    urlRefusal: (url) => urlRefusal(url, guard),
    close: async () => void (await Promise.all([sandbox, ...asked].map((it) => it.close()))),
  }
}

/** For `soma doctor`, which lists the tools and runs none. */
function noAttachments(): Promise<never> {
  return Promise.reject(new Failure('JOURNAL_UNAVAILABLE', 'no journal is open here'))
}

/** Loaded only when configured, as their client costs a start a few ms. */
async function policyServices({ opa, openFga }: ContentConfig, means: { clock: Clock; ids: Ids }) {
  return [
    ...(opa ? [new (await import('./policy/opa-policy.ts')).OpaPolicy(opa, means)] : []),
    ...(openFga ? [new (await import('./policy/openfga-policy.ts')).OpenFgaPolicy(openFga, means)] : []),
  ]
}

/** A slip of the keys would show only as a model that never calls the tool. No error: tool folders differ by machine. */
function unknownTools(personas: Personas, tools: ToolCatalogue, mcp: ConfiguredMcpServers): string[] {
  const names = tools.list().flatMap(({ name, internal }) => (internal ? [] : [name]))
  return personas.list().flatMap(({ id, tools: wanted }) =>
    wanted
      .filter((name) => name !== '*' && !names.includes(name) && !mcp.promises(name))
      .map((name) => {
        const meant = closest(name, names)
        const hint = meant === undefined ? '' : ` Did you mean ${meant}?`
        return `persona ${id} names the tool ${name}, which is not here.${hint} The tools are: ${names.join(', ')}.`
      }),
  )
}
