import { writeTables } from './docs-tables.ts'
import { packageRoot } from './package-root.ts'

writeTables(packageRoot)
