import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { Failure } from '../../../actors/kernel/failure.ts'
import { fetchFile } from '../../../infra/fetch-file.ts'
import { FilesWorld, png, refusal, shown } from '../../support/files-world.ts'

describe('files that OpenAI clients name by URL', () => {
  let world: FilesWorld
  afterEach(() => world.close())

  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    if (request.url === '/inside') return void response.writeHead(302, { location: 'http://10.0.0.1/cat.png' }).end()
    if (request.url === '/gone') return void response.writeHead(404).end()
    // Whatever it says of itself.
    response.setHeader('content-type', request.url === '/page' ? 'image/png' : 'text/html')
    response.end(
      request.url === '/page' ? '<!doctype html><p>no image' : request.url === '/large' ? randomBytes(3_000) : png,
    )
  })
  const asked: string[] = []
  let url: string
  before(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => void server.close())
  beforeEach(() => void asked.splice(0))

  it('F2: fetches it once in a session, where that is on, and believes its bytes alone', async () => {
    world = await FilesWorld.begin({ uploads: { fileBytes: 2_000 }, deps: { fetchFile: fetchFile(['127.0.0.1']) } })
    for (const key of ['a', 'a', 'b']) await world.ask([shown(`${url}/cat`)], 'room', key)
    expect(asked).to.deep.equal(['/cat'])
    const [file, ...others] = await world.filesOf('room')
    expect(others).to.deep.equal([])
    expect(file).to.include({ mime: 'image/png', sha256: createHash('sha256').update(png).digest('hex') })
    for (const [path, code, message] of [
      ['/page', 'CONTENT_INVALID', /it is text\/html; images are/],
      ['/gone', 'CONTENT_NOT_FETCHED', /answers 404/],
      ['/large', 'UPLOAD_TOO_LARGE', /2000 bytes allowed/],
      ['/inside', 'CONTENT_NOT_FETCHED', /not at a public/],
    ] as const) {
      const told = await refusal(world.ask([shown(url + path)], 'room'))
      expect(told, path).to.include({ code, param: 'messages[0].content[0].image_url.url' })
      expect(told.message).to.match(message).and.not.contain('10.0.0.1')
    }
    expect(await world.filesOf('room')).to.have.length(1)
  })

  it('reaches nothing inside the network, and tells a client nothing of it', async () => {
    world = await FilesWorld.begin({ deps: { fetchFile: fetchFile([]) } })
    for (const inside of [url, 'http://169.254.169.254/latest', 'http://localhost:1/', 'http://[::1]/']) {
      const told = await refusal(world.ask([shown(inside)], 'room'))
      expect(told, inside).to.include({ code: 'CONTENT_NOT_FETCHED', status: 400 })
      expect(told.message).to.contain('not at a public')
    }
    expect(asked).to.deep.equal([])
    expect(world.harness.sent).to.deep.equal([])
  })

  it('gives up on what does not come, and leaves its seat in the queue', async () => {
    const fetchNever = () => Promise.reject(new Failure('TOOL_FAILED', 'The page could not be fetched: no answer'))
    world = await FilesWorld.begin({ deps: { fetchFile: fetchNever } })
    for (let n = 0; n < 40; n++) {
      expect(await refusal(world.ask([shown(`${url}/${n}`)], 'room'))).to.include({ code: 'CONTENT_NOT_FETCHED' })
    }
  })
})
