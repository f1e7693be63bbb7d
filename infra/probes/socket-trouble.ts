import net from 'node:net'
import { at, type Place, Trouble, wordsOf } from './probe.ts'

/** What an error of a socket, or of a client around one, means to the person who set the address. */
export function socketTrouble(error: unknown, product: string, place: Place): Trouble | undefined {
  for (const code of codesOf(error)) {
    const trouble = meaningOf(code, error, product, place)
    if (trouble) return trouble
  }
  return undefined
}

function meaningOf(code: string, error: unknown, product: string, place: Place): Trouble | undefined {
  const { variable } = place
  const told = (kind: ConstructorParameters<typeof Trouble>[0], detail: string, remedy: string) =>
    new Trouble(kind, detail, remedy, error)
  if (code === 'ECONNREFUSED' || code === 'ENOENT') {
    const detail = `nothing listens at ${at(place)}: the connection was refused`
    return told('refused', detail, `Start ${product} there, or correct ${variable}.`)
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EAI_NODATA') {
    const detail = `the host of ${at(place)} is not known here (${code})`
    return told('unknown-host', detail, `Correct the host in ${variable}, or see the name service (DNS).`)
  }
  if (['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'UND_ERR_CONNECT_TIMEOUT'].includes(code)) {
    const detail = `${at(place)} cannot be reached: the connection is not answered (${code})`
    return told('unreachable', detail, `See that the host is up and no firewall is between, or correct ${variable}.`)
  }
  if (/^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|CERT_|ERR_TLS_CERT)/.test(code)) {
    const detail = `the certificate of ${at(place)} is not trusted (${code})`
    const remedy = 'Name the authority that signed it in NODE_EXTRA_CA_CERTS, and use the host that it was made for.'
    return told('tls', detail, remedy)
  }
  if (/^(EPROTO|ERR_SSL)/.test(code)) {
    const detail = `${at(place)} does not speak TLS as ${variable} asks for (${code})`
    return told('tls', detail, `Ask for no TLS in ${variable}, or switch it on in ${product}.`)
  }
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET') {
    const detail = `${at(place)} ended the connection instead of answering`
    const remedy = `See the log of ${product}: it may be starting, want TLS, or be something else; else correct ${variable}.`
    return told('failed', detail, remedy)
  }
  return undefined
}

/** Codes of the error, of what caused it, and of all addresses that a name stands for, nearest first. */
function codesOf(error: unknown, depth = 0): string[] {
  if (typeof error !== 'object' || error === null || depth > 5) return []
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown }
  const nested = Array.isArray(errors) ? errors.flatMap((it) => codesOf(it, depth + 1)) : []
  return [...(typeof code === 'string' ? [code] : []), ...nested, ...codesOf(cause, depth + 1)]
}

const REACH_MS = 1_500

/**
 * Whether anything takes connections there. Looked at apart from what is then said, because clients report a host that
 * is down and a server that is silent in the same words, and the remedies differ.
 */
export function reach(host: string, port: number, product: string, place: Place, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port })
    const end = (trouble?: Trouble) => {
      socket.destroy()
      if (trouble) reject(trouble)
      else resolve()
    }
    const away = () => end(socketTrouble({ code: 'ETIMEDOUT' }, product, place))
    socket.setTimeout(REACH_MS, away)
    signal.addEventListener('abort', away, { once: true })
    socket.once('connect', () => end())
    socket.once('error', (error) =>
      end(socketTrouble(error, product, place) ?? new Trouble('failed', `${at(place)}: ${wordsOf(error)}`, '', error)),
    )
  })
}
