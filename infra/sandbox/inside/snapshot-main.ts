import { writeSync } from 'node:fs'
import { pythonSnapshot } from './python.ts'

/** Writes the memory of a fresh Python to its standard output. It runs no program of anybody. */
const snapshot = await pythonSnapshot()
for (let at = 0; at < snapshot.length; ) at += writeSync(1, snapshot, at, snapshot.length - at)
process.exit(0)
