import * as kafka from './kafka.mjs'
import * as opa from './opa.mjs'
import * as openfga from './openfga.mjs'
import * as postgres from './postgres.mjs'
import * as prometheus from './prometheus.mjs'
import * as redis from './redis.mjs'

/**
 * Every kind of server. Each says, in a file of its own:
 *   programs(cache)          what it needs of the machine and of the cache, fetched or built if need be
 *   records(stack, found)    its servers: name, ports, command, home (the folder of its data)
 *   prepare(record, …)       what must be on disk before it starts; done again at every start, and then finds it done
 *   answers(record)          whether it takes requests
 *   started(record, stack)   what is put into it once it does (optional)
 *   variables(records, stack) how our processes find it
 *   stops, startsWithinMs    how it is ended, and how long it may take to come up
 */
export const kinds = { postgres, redis, kafka, opa, openfga, prometheus }

/** Those that SomaAgent's cluster cannot do without; the others come with --with. */
export const always = ['postgres', 'redis', 'kafka']
export const optional = Object.keys(kinds).filter((kind) => !always.includes(kind))

export const kindsOf = (stack) =>
  Object.keys(kinds).filter((kind) => always.includes(kind) || stack.with.includes(kind))
