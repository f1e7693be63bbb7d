import ipaddr from 'ipaddr.js'
import { Failure } from '../../../kernel/failure.ts'

/**
 * Which addresses a tool may reach: the public internet and what an operator named, nothing else.
 *   G1. Every address is judged as a number, after the URL parser has read decimal, octal and hexadecimal forms, and
 *       an IPv4 address inside an IPv6 one (mapped) is judged as what it is.
 *   G2. An address is public only if its range is `unicast`: what no list knows is refused, not allowed.
 */
export interface Reachable {
  /** Throws BLOCKED_ADDRESS. For the name in a URL, before it is resolved: an address literal never is. */
  checkHost(hostname: string): void
  /** Throws BLOCKED_ADDRESS. For what the name resolved to. */
  checkAddress(hostname: string, address: string): void
}

type Cidr = [ipaddr.IPv4 | ipaddr.IPv6, number]

/** Public to every table of ranges, yet a cloud's own: the metadata and control channel of Azure's hosts. */
const CLOUD_INTERNAL = new Set(['168.63.129.16'])

/** Names that resolvers answer by themselves or inside a network only; refused before anyone is asked. */
const LOCAL_NAME = /(^|\.)(localhost|local|internal|intranet|lan|home|home\.arpa|corp|localdomain)$/

/**
 * `allow` lists exceptions, for intranets and specs: a CIDR or an address (`10.1.0.0/16`), or a host name
 * (`wiki.corp.example`, `*.corp.example`), which is then trusted to resolve to anything.
 * `own` are this machine's addresses: even a public one leads back to services that listen for neighbours only.
 */
export function reachable(allow: readonly string[] = [], own: () => readonly string[] = () => []): Reachable {
  const networks: Cidr[] = []
  const names: string[] = []
  for (const entry of allow.map((text) => text.trim().toLowerCase()).filter((text) => text !== '')) {
    const network = parseNetwork(entry)
    if (network) networks.push(network)
    else if (/^(\*\.)?[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?$/.test(entry)) names.push(entry)
    else throw new Failure('CONFIG_INVALID', `SOMA_HTTP_FETCH_ALLOW: "${entry}" is no host name, address or CIDR`)
  }

  const isNamed = (hostname: string) =>
    names.some((name) => (name.startsWith('*.') ? hostname.endsWith(name.slice(1)) : hostname === name))

  function checkAddress(hostname: string, address: string): void {
    if (isNamed(nameOf(hostname))) return
    const ip = parse(address)
    if (ip && networks.some(([net, bits]) => net.kind() === ip.kind() && ip.match(net, bits))) return
    const text = ip?.toString() ?? address
    const isPublic = ip !== undefined && isUnicast(ip) && !CLOUD_INTERNAL.has(text) // G2
    if (isPublic && !own().some((mine) => parse(mine)?.toString() === text)) return
    const what = ip && !isPublic ? `${text} (${ip.range()})` : text
    throw new Failure('BLOCKED_ADDRESS', `${hostname} leads to ${what}, which is not a public address.`)
  }

  function checkHost(hostname: string): void {
    const name = nameOf(hostname)
    if (ipaddr.isValid(name)) checkAddress(hostname, name)
    else if (!isNamed(name) && (LOCAL_NAME.test(name) || !name.includes('.'))) {
      throw new Failure('BLOCKED_ADDRESS', `${hostname} is a name of this machine or its network, not a public one.`)
    }
  }

  return { checkHost, checkAddress }
}

/** The only part of IPv6 that is given out so far. The rest counts as unicast too, such as `::127.0.0.1` of old. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3')

function isUnicast(ip: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return ip.range() === 'unicast' && (!(ip instanceof ipaddr.IPv6) || ip.match(GLOBAL_IPV6))
}

/** As URL gives it (`[::1]`, `example.com.`), without brackets, zone and the root's dot. */
function nameOf(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
}

/** G1. */
function parse(address: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const bare = address.replace(/%.*$/, '')
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : undefined
}

function parseNetwork(entry: string): Cidr | undefined {
  if (ipaddr.isValidCIDR(entry)) return ipaddr.parseCIDR(entry)
  const ip = parse(entry)
  return ip && [ip, ip.kind() === 'ipv4' ? 32 : 128]
}
