import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import { silentMetrics } from '../../actors/kernel/telemetry.ts'
import type { McpServerView } from '../../actors/mcp/protocol.ts'
import { toolCatalogue } from '../../actors/tool/catalogue.ts'
import { runTool } from '../../actors/tool/run.ts'
import type { Tool, ToolCatalogue, ToolContext } from '../../actors/tool/tool.ts'
import { systemClock, systemIds } from '../../infra/clock.ts'
import { ConfiguredMcpServers } from '../../infra/mcp/mcp-servers.ts'
import { createActorSystem, type WatchedActorSystem } from '../../supervisors/actor-system.ts'
import { eventually } from './eventually.ts'
import { ScratchFolder } from './scratch-folder.ts'

export const oddServer = fileURLToPath(new URL('./odd-mcp-server.js', import.meta.url))

/** MCP servers as a process of ours has them: from a file, supervised by a real actor system; no sessions around. */
export class McpWorld {
  readonly folder = new ScratchFolder()
  readonly servers: ConfiguredMcpServers
  readonly tools: ToolCatalogue
  readonly system: WatchedActorSystem
  readonly lines: { readonly level: string; readonly fields: Record<string, unknown>; readonly message: string }[] = []
  readonly #stop: () => Promise<void>

  /** `servers`: the `servers:` of the file, or a function of the folder in which odd servers note what they ran. */
  constructor(
    servers: object | ((folder: string) => object),
    environment: Record<string, string> = {},
    own: readonly Tool[] = [],
  ) {
    const entries = typeof servers === 'function' ? servers(this.folder.path) : servers
    const file = this.folder.write('mcp.yaml', stringify({ servers: entries }))
    const log = this.#log()
    this.servers = new ConfiguredMcpServers({ file, environment }, { clock: systemClock, log, allow: [] })
    this.tools = this.servers.catalogue(toolCatalogue(own))
    this.system = createActorSystem({
      clock: systemClock,
      ids: systemIds,
      log,
      metrics: silentMetrics,
      escalated: (failure, path) => this.lines.push({ level: 'fatal', fields: { failure }, message: path }),
    })
    this.#stop = this.servers.start(this.system)
  }

  view(name: string): McpServerView {
    const view = this.servers.list().find((server) => server.name === name)
    if (!view) throw new Error(`no server ${name}`)
    return view
  }

  ready(name: string): Promise<void> {
    return eventually(() => this.view(name).state === 'ready', 15_000)
  }

  tool(name: string): Tool {
    const tool = this.tools.get(name)
    if (!tool) throw new Error(`no tool ${name}; there are ${this.tools.list().map((one) => one.name)}`)
    return tool
  }

  /** One attempt of a call, as the tool actor makes it. */
  run(name: string, args: object = {}, over: Partial<ToolContext> = {}) {
    const context: ToolContext = {
      callId: 'call-1',
      tenant: 'acme',
      sessionId: 's-1',
      personaId: 'soma',
      signal: new AbortController().signal,
      progress() {},
      now: () => systemClock.now(),
      ...over,
    }
    return runTool(this.tool(name), args, context, systemClock)
  }

  /** What odd servers ran, line by line. */
  runs(): string[] {
    const file = join(this.folder.path, 'runs')
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  }

  ran(start: string): Promise<void> {
    return eventually(() => this.runs().some((line) => line.startsWith(start)), 15_000)
  }

  async close(): Promise<void> {
    await this.#stop()
    await this.system.shutdown()
    this.folder.remove()
  }

  #log(): Logger {
    const at = (level: string) => (fields: object, message: string) =>
      void this.lines.push({ level, fields: fields as Record<string, unknown>, message })
    const log: Logger = {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: () => log,
    }
    return log
  }
}

export function odd(folder: string, over: object = {}, manner: readonly string[] = []): object {
  return { command: process.execPath, args: [oddServer, 'stdio', folder, ...manner], timeout_seconds: 10, ...over }
}
