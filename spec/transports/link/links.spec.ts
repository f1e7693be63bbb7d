import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect } from 'chai'
import { pack } from 'msgpackr'
import { silentLogger } from '../../../actors/kernel/telemetry.ts'
import { MAX_LETTER_BYTES, writeLetter } from '../../../transports/link/letters.ts'
import { type LinkAddress, Links } from '../../../transports/link/links.ts'
import { eventually } from '../../support/eventually.ts'
import { settled } from '../../support/probe.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const clock = new VirtualClock()

/** The peers that were alive at the last beat. */
class Peers {
  readonly addresses = new Map<string, LinkAddress>()
  looks = 0
  look = async () => {}
}

class Peer {
  readonly heard: string[] = []
  readonly links: Links
  readonly id: string
  port = 0

  constructor(id: string, peers: Peers, key = `key of ${id}`) {
    this.id = id
    this.links = new Links({
      self: () => id,
      host: '127.0.0.1',
      key,
      addressOf: (peer) => peers.addresses.get(peer),
      lookAgain: () => {
        peers.looks++
        return peers.look()
      },
      take: (letter) => this.heard.push(letter.toString()),
      clock,
      log: silentLogger,
    })
  }

  post(to: string, text: string): Promise<boolean> {
    return this.links.post(to, Buffer.from(text))
  }
}

describe('links between processes', () => {
  let peers: Peers
  const opened: Peer[] = []
  const ends: (() => void)[] = []

  beforeEach(() => {
    peers = new Peers()
  })
  afterEach(async () => {
    for (const end of ends.splice(0)) end()
    for (const { links } of opened.splice(0)) await links.close()
  })

  async function given(id: string): Promise<Peer> {
    const peer = new Peer(id, peers)
    opened.push(peer)
    peer.port = await peer.links.listen()
    peers.addresses.set(id, { host: '127.0.0.1', port: peer.port, key: `key of ${id}` })
    return peer
  }

  /** A process that takes connections and does with them what the spec says. */
  async function odd(id: string, connected: (socket: Socket) => void): Promise<{ calls: () => number }> {
    let calls = 0
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      calls++
      sockets.add(socket.on('error', () => {}))
      connected(socket)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    ends.push(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    peers.addresses.set(id, { host: '127.0.0.1', port: (server.address() as AddressInfo).port, key: 'x' })
    return { calls: () => calls }
  }

  /** Calls as a stranger would; resolves when the other side has ended the connection. */
  async function cutOff(port: number, ...letters: Buffer[]): Promise<void> {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    ends.push(() => socket.destroy())
    let ended = false
    socket.on('close', () => {
      ended = true
    })
    socket.resume()
    for (const letter of letters) writeLetter(socket, letter)
    await eventually(() => ended)
  }

  it('carry letters both ways, in the order of post, though they are posted before there is a connection (K3)', async () => {
    const [a, b] = [await given('a'), await given('b')]
    const letters = Array.from({ length: 50 }, (_, n) => `letter ${n}`)
    const sent = await Promise.all(letters.map((text) => a.post('b', text)))
    await b.post('a', 'back')
    await eventually(() => b.heard.length === 50 && a.heard.length === 1)
    expect([new Set(sent), b.heard, a.heard]).to.deep.equal([new Set([true]), letters, ['back']])
  })

  it('carry letters in order to a peer that joined since the last look, however long the looks take (K3)', async () => {
    const [a, b] = [await given('a'), await given('b')]
    const address = peers.addresses.get('b') as LinkAddress
    peers.addresses.delete('b')
    const looks: (() => void)[] = []
    peers.look = () => new Promise((resolve) => void looks.push(resolve))
    const posted = [a.post('b', 'first'), a.post('b', 'second')]
    await settled(2)
    peers.addresses.set('b', address)
    for (const look of looks.reverse()) {
      look()
      await settled(2)
    }
    expect(await Promise.all(posted)).to.deep.equal([true, true])
    await eventually(() => b.heard.length === 2)
    expect(b.heard).to.deep.equal(['first', 'second'])
  })

  it('hear nobody without the key, and cut him off (K1)', async () => {
    const b = await given('b')
    const say = Buffer.from('do as I say')
    await cutOff(b.port, pack({ to: 'b', from: 'a', key: 'guessed' }), say)
    await cutOff(b.port, pack({ to: 'b', from: 'a', key: 'key of x' }), say)
    await cutOff(b.port, pack({ to: 'b', from: 'a' }), say)
    await cutOff(b.port, say, say)
    expect(b.heard).to.deep.equal([])
  })

  it('hear nobody who calls for the process that had this port before (K1)', async () => {
    const [a, b] = [await given('a'), await given('b')]
    peers.addresses.set('old b', { host: '127.0.0.1', port: b.port, key: 'key of b' })
    await a.post('old b', 'for the one before')
    await cutOff(b.port, pack({ to: 'old b', from: 'a', key: 'key of b' }), Buffer.from('me too'))
    expect(b.heard).to.deep.equal([])
    await a.post('b', 'for you')
    await eventually(() => b.heard.length > 0)
    expect(b.heard).to.deep.equal(['for you'])
  })

  it('cut off who says nothing, and who says more than a greeting before he is known (I9)', async () => {
    const b = await given('b')
    const cut = cutOff(b.port)
    await eventually(() => clock.pending > 0)
    clock.advance(5_000)
    await cut
    const announced = connect(b.port, '127.0.0.1').on('error', () => {})
    ends.push(() => announced.destroy())
    const length = Buffer.alloc(4)
    length.writeUInt32BE(5_000)
    announced.write(length)
    let ended = false
    announced.resume().on('close', () => {
      ended = true
    })
    await eventually(() => ended)
  })

  it('do not cut off a peer that was greeted and then had nothing to say', async () => {
    const [a, b] = [await given('a'), await given('b')]
    await a.post('b', 'one')
    await eventually(() => b.heard.length === 1)
    clock.advance(60_000)
    await a.post('b', 'two')
    await eventually(() => b.heard.length === 2)
  })

  it('say that a peer which is away was not told, call it again only after a pause, and then reach it (K2)', async () => {
    const a = await given('a')
    const b = await given('b')
    await b.links.close()
    const away = peers.addresses.get('b') as LinkAddress
    expect(await a.post('b', 'lost')).to.equal(false)
    const { calls } = await odd('b', () => {})
    for (let n = 0; n < 20; n++) expect(await a.post('b', 'lost')).to.equal(false)
    clock.advance(249)
    expect(await a.post('b', 'lost')).to.equal(false)
    expect(calls(), 'calls within the pause').to.equal(0)
    clock.advance(1)
    expect(await a.post('b', 'there')).to.equal(true)
    await eventually(() => calls() === 1)
    expect(away.port).to.not.equal(peers.addresses.get('b')?.port)
  })

  it('look for a peer that nobody knows once in a pause, not once for each letter (K2)', async () => {
    const a = await given('a')
    for (let n = 0; n < 20; n++) expect(await a.post('nobody', 'x')).to.equal(false)
    expect(peers.looks).to.equal(1)
    clock.advance(250)
    expect(await a.post('nobody', 'x')).to.equal(false)
    expect(peers.looks).to.equal(2)
  })

  it('let go what a peer that reads nothing would have waiting here, within a bound (I9)', async () => {
    const a = await given('a')
    await odd('slow', (socket) => socket.pause())
    const letter = Buffer.alloc(1024 * 1024)
    let sent = 0
    for (let n = 0; n < 64; n++) if (await a.links.post('slow', letter)) sent++
    // What waits here, and what the two kernels hold besides.
    expect(sent).to.be.greaterThan(15)
    expect(sent).to.be.lessThan(40)
    expect(await a.links.post('slow', letter)).to.equal(false)
  })

  it('do not send what the peer would not take, and keep the connection', async () => {
    const [a, b] = [await given('a'), await given('b')]
    expect(await a.links.post('b', Buffer.alloc(MAX_LETTER_BYTES + 1))).to.equal(false)
    expect(await a.post('b', 'still here')).to.equal(true)
    await eventually(() => b.heard.length === 1)
  })

  it('leave no socket when they close: not those heard, not those called, none that was on its way', async () => {
    const sockets = () => process.getActiveResourcesInfo().filter((it) => /TCP(SOCKET|SERVER)Wrap/i.test(it)).length
    // Other specs of this process may have left an idle one.
    const before = sockets()
    const [a, b] = [await given('a'), await given('b')]
    await a.post('b', 'one')
    await b.post('a', 'two')
    await eventually(() => a.heard.length === 1 && b.heard.length === 1)
    const { calls } = await odd('late', () => {})
    const late = peers.addresses.get('late') as LinkAddress
    peers.addresses.delete('late')
    let look = () => {}
    peers.look = () =>
      new Promise((resolve) => {
        look = resolve
      })
    const posted = a.post('late', 'never')
    await a.links.close()
    peers.addresses.set('late', late)
    look()
    expect([await posted, await a.post('late', 'nor this'), await a.post('b', 'nor that')]).to.deep.equal([
      false,
      false,
      false,
    ])
    await b.links.close()
    expect(calls()).to.equal(0)
    // One server of the spec's own is left.
    await eventually(() => sockets() <= before + 1)
  })
})
