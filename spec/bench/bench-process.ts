import { benches } from './benches.ts'

// When the one who asked is gone, leaving is enough: what a bench started goes with it (service-process.ts D2).
process.once('disconnect', () => process.exit(1))
const bench = benches.find(({ name }) => name === process.argv[2])
const answer = await bench
  ?.load()
  .then((module) => module.run())
  .catch((error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error)))
process.send?.(answer, () => process.exit(0))
