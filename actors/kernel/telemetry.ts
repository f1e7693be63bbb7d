/** What the actors tell of themselves. infra/telemetry/logger.ts turns it into pino lines and prom-client metrics. */

export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Logger
}

/** One counter set per actor type; never labelled by address or tenant, whose number has no bound. */
export interface ActorMetrics {
  active(type: string, change: 1 | -1): void
  mailboxDepth(type: string, depth: number): void
  handled(type: string, outcome: 'ok' | 'failed' | 'duplicate' | 'dead', seconds: number): void
  restarted(type: string, reason: string): void
  activated(type: string): void
  passivated(type: string, reason: 'idle' | 'memory' | 'drain'): void
  deadLettered(type: string, cause: string): void
  quarantined(type: string, change: 1 | -1): void
}

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
}

export const silentMetrics: ActorMetrics = {
  active() {},
  mailboxDepth() {},
  handled() {},
  restarted() {},
  activated() {},
  passivated() {},
  deadLettered() {},
  quarantined() {},
}
