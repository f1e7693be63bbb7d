import { z } from 'zod'
import { defineTool } from '../tool.ts'

export default defineTool({
  name: 'timestamp',
  description: 'Returns the current date and time, in UTC and in a time zone if one is named.',
  schema: z.object({
    timezone: z
      .string()
      .max(100)
      .refine(isTimeZone, 'is not a time zone; use an IANA name such as "Europe/Berlin"')
      .optional()
      .describe('IANA name of a time zone, for instance "Europe/Berlin". UTC alone when left out.'),
  }),
  idempotent: true,
  timeoutMs: 1_000,
  reaches: ['nothing'],
  async run({ timezone }, { now }) {
    const instant = new Date(now())
    const utc = instant.toISOString()
    if (timezone === undefined) return utc
    const local = new Intl.DateTimeFormat('en-GB', { timeZone: timezone, dateStyle: 'full', timeStyle: 'long' })
    return `${utc}\n${local.format(instant)}`
  },
})

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: name })
    return true
  } catch {
    return false
  }
}
