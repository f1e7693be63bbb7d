import { createConnection } from 'node:net'
import { loopback } from './ports.mjs'

const metadata = 3
const version = 1
const answerWithinMs = 2_000

/**
 * Ids of the live brokers as the broker at this port sees them (a Metadata request without topics, by hand, because this
 * runs before anything is installed). An open port alone says little: a broker that is fenced has one too.
 */
export function brokersSeenAt(port) {
  return new Promise((resolve) => {
    const socket = createConnection({ host: loopback, port }, () => socket.write(request()))
    let answer = Buffer.alloc(0)
    const done = (ids) => {
      socket.destroy()
      resolve(ids)
    }
    socket.setTimeout(answerWithinMs, () => done([]))
    socket.on('error', () => done([]))
    socket.on('close', () => done([]))
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk])
      if (answer.length >= 4 && answer.length >= 4 + answer.readInt32BE(0)) done(idsIn(answer))
    })
  })
}

function request() {
  const client = Buffer.from('soma-stack')
  const bytes = Buffer.alloc(4 + 2 + 2 + 4 + 2 + client.length + 4)
  bytes.writeInt32BE(bytes.length - 4, 0)
  bytes.writeInt16BE(metadata, 4)
  bytes.writeInt16BE(version, 6)
  bytes.writeInt32BE(1, 8) // correlation
  bytes.writeInt16BE(client.length, 12)
  client.copy(bytes, 14)
  bytes.writeInt32BE(0, 14 + client.length) // no topics
  return bytes
}

function idsIn(answer) {
  let at = 8 // behind length and correlation
  const ids = []
  const brokers = answer.readInt32BE(at)
  at += 4
  for (let i = 0; i < brokers; i += 1) {
    ids.push(answer.readInt32BE(at))
    at += 4
    at += 2 + answer.readInt16BE(at) // host
    at += 4 // port
    at += 2 + Math.max(0, answer.readInt16BE(at)) // rack, -1 when there is none
  }
  return ids
}
