import { networkInterfaces } from 'node:os'

/** Of this machine, as they are now: an interface may come and go. */
export function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
}
