import type { Peer, PeerTalk } from '../../transports/link/peer-talk.ts'
import type { SloSample } from '../telemetry/slo-sample.ts'
import type { Peers } from './peers.ts'

/** A process that takes longer is counted as one that did not answer. */
const ASK_MS = 2_000

/** Of every process of the cluster, this one included. */
export function samplesOf(parts: {
  readonly peers: Pick<Peers, 'list'>
  readonly talk: Pick<PeerTalk, 'ask'>
  readonly self: () => Peer
  readonly sample: () => Promise<SloSample>
}): Promise<(SloSample | undefined)[]> {
  const { peers, talk, self, sample } = parts
  const others = peers.list().filter(({ id }) => id !== self().id)
  return Promise.all([
    sample(),
    ...others.map((node) => talk.ask<SloSample>(node, { op: 'sample' }, ASK_MS).catch(() => undefined)),
  ])
}
