#!/usr/bin/env node
// The `soma` command: a checkout is made current first, an installed package runs as it is.
import module from 'node:module'
import { prepareOrExit } from './build.mjs'

await prepareOrExit()
// Node 22 keeps compiled code between starts; Node 20 has no such cache and starts without.
module.enableCompileCache?.()
await import('../dist/infra/soma-main.js')
