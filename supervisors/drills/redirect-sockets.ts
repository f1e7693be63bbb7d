/**
 * Preloaded (`node --import`) into a process that a drill wants to cut from its servers: connections to the addresses of
 * SOMA_DRILL_REDIRECT (`host:port=port,…`) go to a proxy on this machine instead.
 *
 * Why here, below every client: a Kafka client connects to what the brokers advertise, not to what it was told, so a proxy
 * in its settings is left at the first metadata answer; and the same three lines do for Postgres and Redis.
 */
import net from 'node:net'

const redirects = new Map(
  (process.env.SOMA_DRILL_REDIRECT ?? '')
    .split(',')
    .filter((pair) => pair !== '')
    .map((pair) => pair.split('=') as [string, string]),
)

type Connect = (this: net.Socket, ...given: unknown[]) => net.Socket
const connect = net.Socket.prototype.connect as Connect

if (redirects.size > 0) {
  ;(net.Socket.prototype as { connect: Connect }).connect = function (...given) {
    redirect(given)
    return connect.apply(this, given)
  }
}

/** All the forms that connect takes: (options), (port, host), and the normalised [options, callback] of net.connect. */
function redirect(given: unknown[]): void {
  const [first, second] = given
  if (Array.isArray(first)) {
    first[0] = redirected(first[0] as net.TcpNetConnectOpts)
  } else if (typeof first === 'object' && first !== null) {
    given[0] = redirected(first as net.TcpNetConnectOpts)
  } else if (typeof first === 'number') {
    const host = typeof second === 'string' ? second : undefined
    const options = redirected({ port: first, ...(host !== undefined && { host }) })
    given.splice(0, host === undefined ? 1 : 2, options)
  }
}

function redirected(options: net.TcpNetConnectOpts): net.TcpNetConnectOpts {
  const to = redirects.get(`${options.host ?? 'localhost'}:${options.port}`)
  return to === undefined ? options : { ...options, host: '127.0.0.1', port: Number(to) }
}
