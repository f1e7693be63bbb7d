import { BenchService } from './bench-service.ts'
import { tokenRows } from './token-streams.ts'

export const run = () => tokenRows('model token to client', [1, 50, 200], (env) => BenchService.start(env))
