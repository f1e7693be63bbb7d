import { createRequire } from 'node:module'
import { type DestinationStream, pino } from 'pino'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import type { LogsConfig } from '../config/config.ts'
import { redactor } from './redaction.ts'

export interface TelemetryOptions extends Omit<LogsConfig, 'to'> {
  readonly secrets: readonly string[]
  readonly to: LogsConfig['to'] | DestinationStream
}

/** One line per event. Written synchronously: the line before a crash is the one that matters. */
export function createLogger({ level, format, secrets, to }: TelemetryOptions): Logger {
  const redact = redactor(secrets)
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // `error` is the name used throughout; pino knows only `err` by itself.
      serializers: { error: pino.stdSerializers.errWithCause, cause: pino.stdSerializers.errWithCause },
      hooks: { streamWrite: redact },
    },
    destination(format, to),
  )
}

function destination(format: LogsConfig['format'], to: TelemetryOptions['to']): DestinationStream {
  if (typeof to === 'object') return to
  const fd = to === 'stdout' ? 1 : 2
  const terminal = fd === 1 ? process.stdout.isTTY : process.stderr.isTTY
  if (format === 'json' || (format === 'auto' && !terminal)) return pino.destination({ dest: fd, sync: true })
  // Loaded only where a person looks on: it would cost every start in a container 30 ms.
  const pretty = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty')
  return pretty({
    destination: fd,
    sync: true,
    colorize: terminal,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname',
  })
}
