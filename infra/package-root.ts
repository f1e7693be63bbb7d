import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of package.json, where migrations, personas and pages lie: this file is built to dist/infra/. */
export const packageRoot = fileURLToPath(new URL('../..', import.meta.url))

export const version = (JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as { version: string })
  .version
