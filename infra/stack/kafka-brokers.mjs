import { createConnection } from 'node:net'
import { loopback } from './ports.mjs'

const metadata = 3
const version = 1
const answerWithinMs = 2_000

/**
 * The cluster as the broker at this port sees it: ids of the live brokers, and where each partition's copies are and which
 * of them are in step. A Metadata request by hand, because this runs before anything is installed. An open port alone says
 * little: a broker that is fenced has one too. Undefined if there is no answer.
 */
export function clusterSeenAt(port) {
  return new Promise((resolve) => {
    const socket = createConnection({ host: loopback, port }, () => socket.write(request()))
    let answer = Buffer.alloc(0)
    const done = (cluster) => {
      socket.destroy()
      resolve(cluster)
    }
    socket.setTimeout(answerWithinMs, () => done(undefined))
    socket.on('error', () => done(undefined))
    socket.on('close', () => done(undefined))
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk])
      if (answer.length >= 4 && answer.length >= 4 + answer.readInt32BE(0)) done(clusterIn(answer))
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
  bytes.writeInt32BE(-1, 14 + client.length) // of all topics
  return bytes
}

function clusterIn(answer) {
  let at = 8 // behind length and correlation
  const skip = (bytes) => {
    at += Math.max(0, bytes) // a string that is null has length -1
  }
  const int16 = () => {
    at += 2
    return answer.readInt16BE(at - 2)
  }
  const int32 = () => {
    at += 4
    return answer.readInt32BE(at - 4)
  }
  const many = (read) => Array.from({ length: int32() }, read)
  const brokers = many(() => {
    const id = int32()
    skip(int16()) // host
    int32() // port
    skip(int16()) // rack
    return id
  })
  int32() // controller
  const partitions = many(() => {
    int16() // error
    skip(int16()) // name
    skip(1) // internal or not
    return many(() => {
      int16() // error
      int32() // number
      return { leader: int32(), replicas: many(int32), inStep: many(int32) }
    })
  }).flat()
  return { brokers, partitions }
}
