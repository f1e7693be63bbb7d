import type { AuthConfig } from './auth.ts'

/** What infra/config/config.ts reads from the environment for the gateway. */
export interface GatewayConfig {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly auth: AuthConfig
  /** Host names (any port) or host:port that requests may name; `*` takes all. */
  readonly allowedHosts: readonly string[]
  /** Origins besides the service's own; `*` takes all. */
  readonly allowedOrigins: readonly string[]
  readonly limits: GatewayLimits
  readonly uploads: UploadLimits
  /** Folder of the built console: what Vite makes of transports/gateway/console. */
  readonly consoleDir: string
  readonly version: string
}

export interface GatewayLimits {
  /** SOMA_MAX_BODY_BYTES */
  readonly bodyBytes: number
  /** SOMA_OPENAI_MAX_BODY_BYTES: of a request whose content has files in it. */
  readonly openAiBodyBytes: number
  /** Of all such requests that are read at once; a tenant may have half of it. */
  readonly heldBytes: number
  /** SOMA_MAX_STREAMS */
  readonly streams: number
  readonly streamsPerTenant: number
  readonly messageChars: number
  readonly attachments: number
  readonly jsonDepth: number
  /** Events that may wait for one slow reader. */
  readonly pendingEvents: number
  /** A reader that takes nothing for so long is cut off. */
  readonly stallMs: number
  readonly heartbeatMs: number
  /** How long an OpenAI request waits for its turn; the turn itself goes on. */
  readonly turnWaitMs: number
  /** How long a stop waits for requests in progress. */
  readonly drainMs: number
}

/** Of POST /v1/uploads and of what one session may hold: SOMA_UPLOAD_*, SOMA_SESSION_ATTACHMENT*. */
export interface UploadLimits {
  readonly fileBytes: number
  /** Of one request. */
  readonly files: number
  /** Of one request, from its first byte to its last. */
  readonly seconds: number
  readonly sessionFiles: number
  readonly sessionBytes: number
}

export const defaultUploadLimits: UploadLimits = {
  fileBytes: 25 * 1024 * 1024,
  files: 10,
  seconds: 300,
  sessionFiles: 1_000,
  sessionBytes: 1024 * 1024 * 1024,
}

export const defaultLimits: GatewayLimits = {
  bodyBytes: 2 * 1024 * 1024,
  // The largest upload, 25 MB, in base64, and what stands around it. Each costs about four times its size while it is read.
  openAiBodyBytes: 36 * 1024 * 1024,
  heldBytes: 4 * 36 * 1024 * 1024,
  streams: 2_000,
  streamsPerTenant: 1_000,
  messageChars: 200_000,
  attachments: 32,
  jsonDepth: 64,
  pendingEvents: 1_000,
  stallMs: 30_000,
  heartbeatMs: 15_000,
  turnWaitMs: 900_000,
  drainMs: 5_000,
}

/** Names under which a service on the loopback interface may be called. Any other is DNS rebinding. */
export const loopbackHosts: readonly string[] = ['localhost', '127.0.0.1', '[::1]']
