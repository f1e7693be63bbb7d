import { z } from 'zod'
import { defineTool } from '../tool.ts'

export default defineTool({
  name: 'echo',
  description: 'Returns the text it is given, unchanged.',
  schema: z.object({ text: z.string().max(100_000).describe('The text to return.') }),
  idempotent: true,
  timeoutMs: 1_000,
  reaches: ['nothing'],
  run: async ({ text }) => text,
})
