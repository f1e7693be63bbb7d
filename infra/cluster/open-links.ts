import { hostname } from 'node:os'
import type { Clock, Ids } from '../../actors/kernel/clock.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import { type LinkAddress, Links } from '../../transports/link/links.ts'
import { type Peer, PeerTalk } from '../../transports/link/peer-talk.ts'
import type { Config } from '../config/config.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Peers } from './peers.ts'

export interface LinkParts {
  readonly config: Config
  readonly lifecycle: Lifecycle
  readonly peers: Peers
  readonly self: () => Peer
  /** Looks at once who is in the cluster. */
  readonly beat: () => Promise<void>
  readonly metrics: Metrics
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Logger
}

/** How the processes of the cluster talk to each other about what need not survive. */
export async function openLinks(parts: LinkParts): Promise<{ talk: PeerTalk; address: LinkAddress }> {
  const { config, lifecycle, peers, self, beat, metrics, clock, ids, log } = parts
  const { host } = config.gateway
  const key = `${ids.uuid()}${ids.uuid()}`
  const links: Links = new Links({
    self: () => self().id,
    host,
    key,
    addressOf: (id) => peers.linkOf(id),
    lookAgain: beat,
    take: (letter) => talk.hear(letter),
    clock,
    log,
  })
  const port = await lifecycle.start(
    'links',
    () => links.listen(),
    () => links.close(),
  )
  const talk = await lifecycle.start(
    'talk',
    () =>
      new PeerTalk({
        self,
        post: (peer, letter) => links.post(peer, letter),
        clock,
        ids,
        log,
        counted: (direction, frames) => {
          if (direction !== 'dropped') metrics.frames(direction === 'sent' ? 'out' : 'in', frames)
        },
      }),
    (it) => it.close(),
  )
  return { talk, address: { host: reachableAs(host), port, key } }
}

/** What others may call this host: one that listens on all of its addresses has told none. */
export function reachableAs(host: string): string {
  if (host === '0.0.0.0' || host === '::') return hostname()
  return host
}
