import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { Failure } from '../../actors/kernel/failure.ts'
import type { McpServer } from '../../actors/mcp/protocol.ts'
import { reachable } from '../../actors/tool/catalogue/http/reachable.ts'
import type { Environment } from '../config/environment.ts'
import { matchesGlob } from '../policy/glob.ts'
import { parseYaml } from '../yaml-file.ts'

const names = z.array(z.string().min(1).max(200)).max(1_000)
const texts = z.record(z.string().regex(/^[\w.-]+$/, 'must be a name'), z.coerce.string().max(10_000))

const entry = z
  .strictObject({
    command: z.string().min(1).max(1_000).optional(),
    args: z.array(z.coerce.string().max(10_000)).max(200).default([]),
    env: texts.default({}),
    cwd: z.string().min(1).optional(),
    url: z.string().min(1).max(4_000).optional(),
    headers: texts.default({}),
    /** Internal hosts, addresses or networks that `url` may lead to. */
    allow: names.default([]),
    disabled: z.boolean().default(false),
    timeout_seconds: z.number().min(1).max(86_400).default(60),
    start_timeout_seconds: z.number().min(1).max(600).default(30),
    concurrency: z.int().min(1).max(1_000).default(8),
    max_output: z.int().min(100).max(1_000_000).default(16_000),
    tools: names.default(['*']),
    idempotent: z.union([z.boolean(), names]).optional(),
  })
  .superRefine((server, context) => {
    const wrong = (message: string, path: string[] = []) => context.addIssue({ code: 'custom', message, path })
    if ((server.command === undefined) === (server.url === undefined))
      wrong('needs `command` (a program here) or `url` (streamable HTTP), one of them')
    else if (server.url === undefined) {
      if (Object.keys(server.headers).length > 0) wrong('goes with `url`', ['headers'])
      if (server.allow.length > 0) wrong('goes with `url`', ['allow'])
    } else {
      for (const field of ['args', 'env'] as const)
        if (Object.keys(server[field]).length > 0) wrong('goes with `command`', [field])
      if (server.cwd !== undefined) wrong('goes with `command`', ['cwd'])
    }
  })

/** No `_` at the end: the tool `b` of a server `a_` and the tool `_b` of a server `a` would both be `a___b`. */
const SERVER_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]|_(?=[a-zA-Z0-9-])){0,23}$/

const file = z.strictObject({
  servers: z.record(z.string(), entry).superRefine((servers, context) => {
    const names = Object.keys(servers)
    if (names.length > 100) context.addIssue({ code: 'custom', message: 'at most 100 servers' })
    const rule =
      'a server’s name must be 1 to 24 letters, digits, "-" or single "_", a letter or digit first and no "_" last'
    for (const name of names.filter((one) => !SERVER_NAME.test(one)))
      context.addIssue({ code: 'custom', message: rule, path: [name] })
  }),
})

/** The MCP servers of a file. Throws CONFIG_INVALID that names file, server, field, and what would be right. */
export function readMcpFile(path: string, environment: Environment): McpServer[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Failure('CONFIG_INVALID', `SOMA_MCP_FILE ${path} cannot be read: ${why}`)
  }
  const { servers } = parseYaml(text, path, file)
  return Object.entries(servers)
    .filter(([, { disabled }]) => !disabled)
    .map(([name, settings]) => serverOf(name, settings, environment, path))
}

function serverOf(name: string, settings: z.infer<typeof entry>, environment: Environment, path: string): McpServer {
  const secrets: string[] = []
  const fill = (text: string, field: string) => {
    const filled = filledIn(text, environment, secrets)
    if (typeof filled === 'string') return filled
    const remedy = 'set it, or write the value itself'
    throw new Failure('CONFIG_INVALID', `${path}: servers.${name}.${field}: ${filled.missing} is not set; ${remedy}`)
  }
  const fillAll = (values: Readonly<Record<string, string>>, field: string) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, fill(value, `${field}.${key}`)]))
  const { command, url, tools, idempotent } = settings
  const hints = typeof idempotent === 'boolean' ? [idempotent ? '*' : ''] : idempotent
  return {
    name,
    way:
      command === undefined
        ? {
            kind: 'http',
            url: checkedUrl(fill(url as string, 'url'), `${path}: servers.${name}.url`),
            headers: fillAll(settings.headers, 'headers'),
            allow: checkedAllow(settings.allow, `${path}: servers.${name}.allow`),
          }
        : {
            kind: 'stdio',
            command: fill(command, 'command'),
            args: settings.args.map((arg, index) => fill(arg, `args.${index}`)),
            env: fillAll(settings.env, 'env'),
            // Programs lie beside the file that names them.
            cwd: resolve(dirname(path), settings.cwd ?? '.'),
          },
    timeoutMs: settings.timeout_seconds * 1_000,
    startMs: settings.start_timeout_seconds * 1_000,
    concurrency: settings.concurrency,
    maxOutput: settings.max_output,
    offers: (tool) => tools.some((pattern) => matchesGlob(pattern, tool)),
    idempotent: (tool) => hints?.some((pattern) => matchesGlob(pattern, tool)),
    secrets,
  }
}

/** `${NAME}` is the variable's value, `$${NAME}` the text `${NAME}`. */
function filledIn(text: string, environment: Environment, secrets: string[]): string | { readonly missing: string } {
  let missing: string | undefined
  const filled = text.replace(/\$(\$?)\{(\w+)\}/g, (whole, escaped: string, name: string) => {
    if (escaped === '$') return whole.slice(1)
    const value = environment[name]
    if (value === undefined || value === '') missing ??= name
    else secrets.push(value)
    return value ?? ''
  })
  return missing === undefined ? filled : { missing }
}

function checkedUrl(text: string, where: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw new Failure(
      'CONFIG_INVALID',
      `${where}: must be an http or https address; a credential goes into \`headers\``,
    )
  }
  return text
}

function checkedAllow(allow: readonly string[], where: string): readonly string[] {
  try {
    reachable(allow)
    return allow
  } catch (error) {
    const why = error instanceof Failure ? error.detail.replace(/^SOMA_HTTP_FETCH_ALLOW: /, '') : String(error)
    throw new Failure('CONFIG_INVALID', `${where}: ${why}`)
  }
}
