import { fileURLToPath } from 'node:url'

/** The folder of package.json, where migrations, personas and pages lie: this file is built to dist/infra/. */
export const packageRoot = fileURLToPath(new URL('../..', import.meta.url))
