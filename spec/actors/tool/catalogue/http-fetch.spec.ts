import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type LookupFunction } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { reachable } from '../../../../actors/tool/catalogue/http/reachable.ts'
import { httpFetch } from '../../../../actors/tool/catalogue/http-fetch.ts'
import type { ToolContext } from '../../../../actors/tool/tool.ts'
import { innerPlaces } from '../../../support/inner-places.ts'

/** Names of the specs, as a resolver would answer; each question is counted. */
class Names {
  asked = 0
  readonly lookup: LookupFunction
  constructor(answers: Record<string, string[] | string[][]>) {
    this.lookup = (hostname, _options, callback) => {
      const answer = answers[hostname]
      const turns = Array.isArray(answer?.[0]) ? (answer as string[][]) : [answer as string[] | undefined]
      const now = turns[Math.min(this.asked++, turns.length - 1)]
      if (!now) return void callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`)), [])
      callback(
        null,
        now.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    }
  }
}

let server: Server
let port: number
let requests: IncomingMessage[]
let answer: RequestListener

function contextOf(signal = new AbortController().signal): ToolContext {
  return { callId: 'c', tenant: 'acme', sessionId: 's', personaId: 'p', signal, now: () => 0, progress() {} }
}

interface Place {
  readonly url?: string
  readonly allow?: string[]
  readonly names?: Names
  readonly method?: 'GET' | 'HEAD'
  readonly signal?: AbortSignal
}

/** The server of the spec is 127.0.0.1, so that one address is allowed, and no other. */
function fetchPage({
  url = `http://127.0.0.1:${port}/`,
  allow = ['127.0.0.1'],
  names,
  method = 'GET',
  signal,
}: Place = {}) {
  const tool = httpFetch({ reachable: reachable(allow), ...(names && { lookup: names.lookup }) })
  return tool.run({ url, method }, contextOf(signal))
}

async function refusal(place: Place): Promise<string> {
  return fetchPage(place).then(
    (text) => `fetched: ${text}`,
    (error: Error) => error.message,
  )
}

const page = (type: string, body: string | Buffer, headers: Record<string, string> = {}) =>
  ((_, response) => response.writeHead(200, { 'content-type': type, ...headers }).end(body)) as RequestListener
const redirect = (location: string, status = 302) =>
  ((_, response) => response.writeHead(status, { location }).end('moved')) as RequestListener

describe('http_fetch', () => {
  before(async () => {
    server = createServer((request: IncomingMessage, response: ServerResponse) => {
      requests.push(request)
      answer(request, response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })

  beforeEach(() => {
    requests = []
    answer = page('text/plain', 'hello')
  })

  after(() => {
    server.closeAllConnections()
    server.close()
  })

  describe('where it goes', () => {
    it('refuses an internal address, before anything is sent', async () => {
      expect(await refusal({ allow: [] })).to.match(/BLOCKED_ADDRESS: 127\.0\.0\.1 leads to 127\.0\.0\.1 \(loopback\)/)
      expect(requests).to.have.length(0)
    })

    it('refuses a public name that leads inside', async () => {
      for (const inside of ['127.0.0.1', '10.0.0.8', '169.254.169.254', '::1', '::ffff:127.0.0.1']) {
        const names = new Names({ 'public.example': [inside] })
        const url = `http://public.example:${port}/`
        expect(await refusal({ url, allow: [], names }), inside).to.match(/^BLOCKED_ADDRESS: public\.example leads to/)
      }
      expect(requests).to.have.length(0)
    })

    it('refuses a name with one internal address among public ones', async () => {
      const names = new Names({ 'mixed.example': ['93.184.216.34', '10.0.0.8'] })
      expect(await refusal({ url: 'http://mixed.example/', names })).to.include('mixed.example leads to 10.0.0.8')
    })

    it('G3: connects to the address that it checked: a name is asked once', async () => {
      const names = new Names({ 'rebind.example': [['127.0.0.1'], ['127.0.0.2']] })
      expect(await fetchPage({ url: `http://rebind.example:${port}/`, names })).to.include('hello')
      expect([names.asked, requests.length]).to.deep.equal([1, 1])
      expect(requests[0]?.headers.host).to.equal(`rebind.example:${port}`)
    })

    it('G3: checks again when a redirect asks the same name again', async () => {
      const names = new Names({ 'rebind.example': [['127.0.0.1'], ['127.0.0.2']] })
      answer = (request, response) => {
        response.writeHead(302, { location: `http://rebind.example:${port}/2`, connection: 'close' }).end()
        request.socket.end()
      }
      expect(await refusal({ url: `http://rebind.example:${port}/`, names })).to.include('leads to 127.0.0.2')
    })

    for (const location of innerPlaces) {
      it(`G4: refuses a redirect to ${location}`, async () => {
        answer = redirect(location)
        expect(await refusal({})).to.match(/^BLOCKED_ADDRESS/)
        expect(requests).to.have.length(1)
      })
    }

    it('G4: refuses an internal address at the end of a chain of good redirects', async () => {
      answer = (request, response) => {
        const step = Number(request.url?.slice(1) || 0)
        redirect(step < 3 ? `/${step + 1}` : 'http://10.0.0.1/')(request, response)
      }
      expect(await refusal({})).to.include('BLOCKED_ADDRESS: 10.0.0.1')
      expect(requests).to.have.length(4)
    })

    it('G4: follows five redirects and no more', async () => {
      answer = (request, response) => {
        const step = Number(request.url?.slice(1) || 0)
        if (step < 5) redirect(`/${step + 1}`, 307)(request, response)
        else page('text/plain', 'there')(request, response)
      }
      expect(await fetchPage())
        .to.include(`URL: http://127.0.0.1:${port}/5`)
        .and.include('there')
      answer = redirect('/again')
      requests = []
      expect(await refusal({})).to.include('redirected more than 5 times')
      expect(requests).to.have.length(6)
    })

    it('refuses other schemes and credentials, and what is no URL', async () => {
      expect(await refusal({ url: 'ftp://127.0.0.1/' })).to.include('BLOCKED_ADDRESS: Only http and https')
      expect(await refusal({ url: `http://me:pw@127.0.0.1:${port}/` })).to.include('user name or password')
      const { schema } = httpFetch()
      for (const url of ['', 'example.com', 'file:///etc/passwd', 'javascript:alert(1)']) {
        expect(schema.safeParse({ url }).success, url).to.equal(false)
      }
      expect(schema.safeParse({ url: 'https://example.com', method: 'POST' }).success).to.equal(false)
    })

    it('refuses the ports of mail, remote shells and their like, also after a redirect', async () => {
      for (const odd of [1, 22, 25, 110, 143, 465, 587, 6000, 6667, 10080]) {
        expect(await refusal({ url: `http://127.0.0.1:${odd}/` }), String(odd)).to.match(/TOOL_FAILED.*bad port/)
      }
      answer = redirect('http://127.0.0.1:25/')
      expect(await refusal({})).to.match(/TOOL_FAILED.*bad port/)
    })

    it('sends nothing of what came before to where a redirect leads', async () => {
      answer = (request, response) =>
        request.url === '/'
          ? response.writeHead(302, { location: '/next', 'set-cookie': 'session=secret' }).end()
          : response.writeHead(200, { 'content-type': 'text/plain' }).end('there')
      await fetchPage()
      expect(requests[1]?.headers).to.not.have.any.keys('cookie', 'authorization', 'referer')
    })

    it('sends no cookie and no credential', async () => {
      await fetchPage()
      expect(requests[0]?.headers).to.not.have.any.keys('cookie', 'authorization')
    })

    it('says so when the name or the place is not there', async () => {
      const names = new Names({})
      expect(await refusal({ url: 'http://nowhere.example/', names })).to.include('ENOTFOUND nowhere.example')
      const closed = createTcpServer()
      await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
      const free = (closed.address() as AddressInfo).port
      await new Promise((resolve) => closed.close(resolve))
      expect(await refusal({ url: `http://127.0.0.1:${free}/` })).to.match(/TOOL_FAILED.*ECONNREFUSED/)
    })
  })

  describe('what it brings back', () => {
    it('is the status, the address and the text, whatever the status', async () => {
      answer = (_, response) => response.writeHead(404, { 'content-type': 'application/json' }).end('{"no":1}')
      expect(await fetchPage()).to.equal(
        `HTTP 404 Not Found\nURL: http://127.0.0.1:${port}/\nContent-Type: application/json\n\n{"no":1}`,
      )
    })

    it('is the headers alone for HEAD', async () => {
      answer = page('text/plain', '', { etag: '"7"', 'content-length': '5' })
      const text = await fetchPage({ method: 'HEAD' })
      expect([requests[0]?.method, text.split('\n').slice(3)]).to.deep.equal([
        'HEAD',
        ['content-length: 5', 'etag: "7"'],
      ])
    })

    it('is readable text for HTML', async () => {
      answer = page(
        'text/html; charset=utf-8',
        `<html><head><title>t</title><style>a{}</style></head><body><nav>menu</nav><script>steal()</script>
         <h1>News</h1><p>Snow in <a href="/oslo">Oslo</a> &amp; rain.</p><table><tr><td>a</td><td>b</td></tr></table>`,
      )
      const text = await fetchPage()
      expect(text).to.include('# News\n\nSnow in Oslo [/oslo] & rain.').and.include('a | b')
      expect(text).to.not.match(/steal|menu|a\{\}/)
    })

    it('describes binary content, and does not show it', async () => {
      answer = page('image/png', Buffer.from([0x89, 0x50, 0, 1]))
      expect(await fetchPage()).to.include('(binary content, 4 bytes, not shown)')
      answer = (_, response) => response.writeHead(200).end(Buffer.from([1, 0, 2]))
      expect(await fetchPage()).to.include('binary content')
      answer = (_, response) => response.writeHead(200).end('plain')
      expect(await fetchPage()).to.include('plain')
    })

    it('reads the charset of the header, of the page, or guesses', async () => {
      answer = page('text/plain; charset=iso-8859-1', Buffer.from([0x67, 0xfc, 0x6e]))
      expect(await fetchPage()).to.include('gün')
      answer = page('text/html', Buffer.from('<meta charset="windows-1252"><p>g\xfcn', 'latin1'))
      expect(await fetchPage()).to.include('gün')
      answer = page('text/plain; charset=klingon', 'gün')
      expect(await fetchPage()).to.include('gün')
    })

    it('G5: stops reading at a megabyte, and says so, also of a stream without end', async () => {
      answer = (_, response) => {
        response.writeHead(200, { 'content-type': 'text/plain' })
        const flood = () => {
          while (!response.destroyed && response.write('x'.repeat(65_536)));
        }
        response.on('drain', flood)
        flood()
      }
      const text = await fetchPage()
      expect(text).to.include('Only the first 1000000 bytes were read')
      expect(text.length).to.be.below(1_000_300)
    })

    for (const [encoding, compress] of [
      ['gzip', gzipSync],
      ['br', brotliCompressSync],
    ] as const) {
      it(`G5: counts the bytes of a ${encoding} bomb after unpacking`, async () => {
        answer = page('text/plain', compress(Buffer.alloc(8_000_000, 'x')), { 'content-encoding': encoding })
        const text = await fetchPage()
        expect(text).to.include('Only the first 1000000 bytes were read')
        expect(text.length).to.be.below(1_000_300)
      })
    }

    it('fails, and does not crash, when the body breaks off or is no HTTP at all', async () => {
      answer = (_, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('half')
        setImmediate(() => response.destroy())
      }
      expect(await refusal({})).to.include('TOOL_FAILED')
      const rubbish = createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n'))
      await new Promise<void>((resolve) => rubbish.listen(0, '127.0.0.1', resolve))
      const { port: other } = rubbish.address() as AddressInfo
      expect(await refusal({ url: `http://127.0.0.1:${other}/` })).to.include('TOOL_FAILED')
      rubbish.close()
    })

    it('ends at once when its time is up, though the server never answers', async () => {
      const time = new AbortController()
      answer = () => time.abort(new Error('time is up'))
      expect(await refusal({ signal: time.signal })).to.equal('time is up')
      const slow = new AbortController()
      answer = (_, response) => {
        response.writeHead(200, { 'content-type': 'text/plain' }).write('one letter at a ti')
        setImmediate(() => slow.abort(new Error('time is up')))
      }
      expect(await refusal({ signal: slow.signal })).to.equal('time is up')
    })
  })
})
