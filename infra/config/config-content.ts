import { type OpaConfig, type OpenFgaConfig, policyServicesOf } from './config-services.ts'
import type { Values } from './config-variables.ts'
import type { Environment } from './environment.ts'

/** Undefined: nothing besides what is built in. */
export interface ContentConfig {
  readonly personasDir: string | undefined
  readonly toolsDir: string | undefined
  readonly policyFile: string | undefined
  readonly httpFetchAllow: readonly string[]
  readonly delegation: { readonly depth: number; readonly children: number; readonly timeoutMs: number }
  readonly filesDir: string | undefined
  readonly sandbox: SandboxConfig
  /** With the environment, whose variables the file may name. */
  readonly mcp?: { readonly file: string; readonly environment: Environment } | undefined
  /** Asked besides the policy file. */
  readonly opa?: OpaConfig | undefined
  readonly openFga?: OpenFgaConfig | undefined
}

/** Limits of a program of code_execute. */
export interface SandboxConfig {
  readonly timeoutMs: number
  readonly cpuSeconds: number
  readonly memoryMb: number
  /** Programs at once; 0 is one for each processor. */
  readonly atOnce: number
  readonly allWalls: boolean
}

/** `inDataDir`: where a file or folder lies, by its variable or its usual name; undefined when it is not there. */
export function contentOf(
  v: Values,
  env: Environment,
  inDataDir: (named: string | undefined, usual: string) => string | undefined,
): ContentConfig {
  return {
    personasDir: inDataDir(v.SOMA_PERSONAS_DIR, 'personas'),
    toolsDir: inDataDir(v.SOMA_TOOLS_DIR, 'tools'),
    policyFile: inDataDir(v.SOMA_POLICY_FILE, 'policy.yaml'),
    httpFetchAllow: v.SOMA_HTTP_FETCH_ALLOW,
    delegation: {
      depth: v.SOMA_DELEGATION_DEPTH,
      children: v.SOMA_DELEGATION_CHILDREN,
      timeoutMs: v.SOMA_DELEGATION_SECONDS * 1_000,
    },
    filesDir: inDataDir(v.SOMA_FILES_DIR, 'files'),
    sandbox: {
      timeoutMs: v.TOOL_EXECUTOR_TIMEOUT * 1_000,
      cpuSeconds: v.TOOL_EXECUTOR_CPU_SECONDS,
      memoryMb: v.TOOL_EXECUTOR_MEMORY_MB,
      atOnce: v.TOOL_EXECUTOR_SANDBOXES,
      allWalls: v.SOMA_SANDBOX === 'strict',
    },
    mcp: mcpOf(inDataDir(v.SOMA_MCP_FILE, 'mcp.yaml'), env),
    ...policyServicesOf(v),
  }
}

function mcpOf(file: string | undefined, env: Environment): ContentConfig['mcp'] {
  return file === undefined ? undefined : { file, environment: { ...env } }
}
