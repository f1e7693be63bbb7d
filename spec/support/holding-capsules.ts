import { never, poolOf, running } from './sandbox-run.ts'

/** A process that runs an endless program in a capsule, beside a spare; says so when both are there. To be killed. */
const pool = poolOf({ program: process.argv[2] as string, timeoutMs: 60_000, cpuSeconds: 60 })
await running(pool, 'javascript', '1')
await pool.spareReady('javascript')
void pool.run({ language: 'javascript', code: 'for (;;) {}', stdin: '', timeoutMs: 60_000 }, never)
await pool.spareReady('javascript')
process.stdout.write('holding\n')
setInterval(() => {}, 1_000)
