import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { freePort } from '../../supervisors/drills/service-process.ts'
import { TcpProxy } from '../../supervisors/drills/tcp-proxy.ts'
import { ScratchFolder } from '../support/scratch-folder.ts'

describe('cutting a process off from a server', () => {
  let server: Server
  let proxy: TcpProxy
  const folder = new ScratchFolder()

  beforeEach(async () => {
    server = createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', (bytes) => socket.write(`heard ${bytes}`))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    proxy = await TcpProxy.listen('127.0.0.1', (server.address() as AddressInfo).port)
  })
  afterEach(async () => {
    await proxy.close()
    server.close()
  })
  after(() => folder.remove())

  async function connected() {
    const { createConnection } = await import('node:net')
    const client = createConnection(proxy.port, '127.0.0.1')
    client.on('error', () => {})
    await once(client, 'connect')
    const ask = async (words: string) => {
      client.write(words)
      const [answer] = (await once(client, 'data')) as [Buffer]
      return answer.toString()
    }
    return { client, ask }
  }

  it('passes on what is said', async () => {
    const { client, ask } = await connected()
    expect(await ask('one')).to.equal('heard one')
    client.destroy()
  })

  it('keeps silent when cut so, and delivers what waited when mended', async () => {
    const { client, ask } = await connected()
    expect(await ask('one')).to.equal('heard one')
    proxy.cut('silent')
    const late = ask('two')
    const other = await connected()
    const unheard = other.ask('three')
    const nothing = new Promise((resolve) => setImmediate(() => setImmediate(resolve, 'nothing')))
    expect(await Promise.race([late, unheard, nothing])).to.equal('nothing')
    proxy.mend()
    expect(await late).to.equal('heard two')
    expect(await unheard).to.equal('heard three')
    client.destroy()
    other.client.destroy()
  })

  it('cuts what is open when closed, and what comes', async () => {
    const { client } = await connected()
    proxy.cut('closed')
    await once(client, 'close')
    const { client: second } = await connected()
    await once(second, 'close')
  })

  it('reaches a process whatever address its clients connect to, in all the forms of connect', async () => {
    const advertised = await freePort()
    const file = folder.write(
      'client.mjs',
      `import net from 'node:net'
const ask = (socket) => new Promise((resolve) => {
  socket.on('data', (bytes) => { resolve(String(bytes)); socket.destroy() })
  socket.write('hello')
})
const port = ${advertised}
console.log(JSON.stringify([
  await ask(net.connect({ port, host: '127.0.0.1' })),
  await ask(net.connect(port, '127.0.0.1')),
  await ask(new net.Socket().connect(port, '127.0.0.1')),
  await ask(new net.Socket().connect({ port, host: '127.0.0.1' })),
]))`,
    )
    const preload = new URL('../../supervisors/drills/redirect-sockets.js', import.meta.url).href
    const child = spawn(process.execPath, ['--import', preload, file], {
      env: { SOMA_DRILL_REDIRECT: `127.0.0.1:${advertised}=${proxy.port}` },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    expect(JSON.parse(await text(child.stdout))).to.deep.equal(Array(4).fill('heard hello'))
  })
})
