import { createHash, createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import OpenAI, { type APIError } from 'openai'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { SessionCommand } from '../../../actors/session/protocol.ts'
import { fetchFile } from '../../../infra/fetch-file.ts'
import { type GatewayHarness, type HarnessOptions, startGateway } from '../../support/gateway-harness.ts'
import { eicar } from '../../support/hostile-files.ts'

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
/** Another image each time: what is behind its end no decoder reads. */
const image = (n: number) => Buffer.concat([png, Buffer.from(`${n}`)])
const dataUrl = (bytes: Uint8Array | string, type: string) =>
  `data:${type};base64,${Buffer.from(bytes).toString('base64')}`
const shown = (url: string) => ({ type: 'image_url' as const, image_url: { url } })
const attached = (file_data: string, filename?: string) => ({
  type: 'file' as const,
  file: { file_data, ...(filename !== undefined && { filename }) },
})
type Parts = OpenAI.ChatCompletionContentPart[]

const secret = 'a secret that is long enough for HS256'
function tokenOf(tenant: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const said = `${part({ alg: 'HS256' })}.${part({ tenant, scope: 'admin', sub: 'ann', exp: 4_000_000_000 })}`
  return `${said}.${createHmac('sha256', secret).update(said).digest('base64url')}`
}

describe('files in requests of OpenAI clients', () => {
  let harness: GatewayHarness
  const clientOf = (tenant = 'acme') =>
    new OpenAI({ baseURL: `${harness.url}/v1`, apiKey: tokenOf(tenant), maxRetries: 0 })
  const begin = async (options: HarnessOptions = {}) => {
    harness = await startGateway({ auth: { mode: 'jwt', secret }, ...options })
  }
  afterEach(() => harness.close())

  const model = 'rehearsal/demo'
  const ask = (
    content: Parts | string,
    session?: string,
    key?: string,
    before: OpenAI.ChatCompletionMessageParam[] = [],
  ) =>
    clientOf().chat.completions.create(
      {
        model,
        messages: [...before, { role: 'user', content }],
        ...(session && { metadata: { session_id: session } }),
      },
      { headers: key === undefined ? {} : { 'idempotency-key': key } },
    )
  const refusal = (asked: Promise<unknown>) =>
    asked.then(
      () => expect.fail('it was taken'),
      (error: APIError) => ({ code: error.code, param: error.param, status: error.status, message: error.message }),
    )
  const get = async (path: string, tenant = 'acme') => {
    const answer = await fetch(`${harness.url}${path}`, { headers: { authorization: `Bearer ${tokenOf(tenant)}` } })
    return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) }
  }
  const filesOf = async (session: string) =>
    JSON.parse(String((await get(`/v1/sessions/${session}/attachments`)).bytes)).attachments as {
      path: string
      filename: string
      mime: string
      sha256: string
      status: string
    }[]
  const turns = () =>
    harness.sent.map(({ body }) => body).filter((body) => body.kind === 'AcceptUserTurn') as Extract<
      SessionCommand,
      { kind: 'AcceptUserTurn' }
    >[]

  it('puts images and files into the session as an upload does, and names them to the turn', async () => {
    await begin()
    await ask(
      [
        { type: 'text', text: 'What do they say?' },
        shown(dataUrl(png, 'image/png')),
        attached(dataUrl('# notes', 'text/markdown'), '../notes.md'),
        attached(Buffer.from('%PDF-1.7\nbare base64').toString('base64'), 'report.pdf'),
      ],
      'room',
    )
    const files = await filesOf('room')
    expect(
      files.map(({ filename, mime, status }) => [filename.replace(/-[0-9a-f]{8}/, ''), mime, status]),
    ).to.have.deep.members([
      ['image.png', 'image/png', 'clean'],
      ['notes.md', 'text/markdown', 'clean'],
      ['report.pdf', 'application/pdf', 'clean'],
    ])
    const [turn] = turns()
    expect(turn).to.include({ text: 'What do they say?' })
    expect(turn?.attachments).to.have.members(files.map(({ path }) => path))
    expect((await get(turn?.attachments[0] ?? '')).bytes.equals(png)).to.equal(true)
    const noted = harness.sent.flatMap(({ body }) => (body.kind === 'NoteUpload' ? [body.phase] : []))
    expect(noted, 'the session’s stream tells of each').to.deep.equal(['clean', 'clean', 'clean'])
  })

  it('takes them in a response too, and without a word beside them', async () => {
    await begin()
    const client = clientOf()
    const input: OpenAI.Responses.ResponseInput = [
      {
        role: 'user',
        content: [
          { type: 'input_image', image_url: dataUrl(png, 'image/png'), detail: 'low' },
          { type: 'input_file', filename: 'a.html', file_data: dataUrl('<!doctype html><p>hi', 'text/html') },
        ],
      },
    ]
    const response = await client.responses.create({ model, input, metadata: { session_id: 'room' } })
    expect(response.status).to.equal('completed')
    expect((await filesOf('room')).map(({ mime }) => mime)).to.have.members(['image/png', 'text/html'])
    expect(turns()[0]?.attachments).to.have.length(2)
    const bad = [
      {
        role: 'user' as const,
        content: [{ type: 'input_image' as const, image_url: 'data:x', detail: 'auto' as const }],
      },
    ]
    expect(await refusal(client.responses.create({ model, input: bad }))).to.include({
      code: 'CONTENT_INVALID',
      param: 'input[0].content[0].image_url',
    })
  })

  it('F1: stores what is sent again once: by its key, by its content, and in a resent history', async () => {
    await begin()
    const first = [shown(dataUrl(png, 'image/png'))]
    for (const key of ['k', 'k']) await ask(first, undefined, key)
    expect(new Set(turns().map(({ turnId }) => turnId)).size).to.equal(1)
    const [keyed] = [...harness.records.keys()]
    expect(await filesOf(keyed ?? '')).to.have.length(1)
    expect(await refusal(ask([shown(dataUrl(image(1), 'image/png'))], undefined, 'k'))).to.include({
      code: 'IDEMPOTENCY_CONFLICT',
    })
    expect(await filesOf(keyed ?? '')).to.have.length(1)

    await ask(first, 'room')
    const history = [
      { role: 'user' as const, content: first },
      { role: 'assistant' as const, content: 'a dot' },
    ]
    await ask([{ type: 'text', text: 'and this?' }, shown(dataUrl(image(2), 'image/png'))], 'room', undefined, history)
    expect(await filesOf('room')).to.have.length(2)
    const [, , asked, again] = turns()
    expect(again?.history?.[0], 'in the place where it stood').to.deep.equal({
      ...{ role: 'user', content: '', attachments: asked?.attachments },
    })
    expect(again?.attachments).to.have.length(1).and.not.to.deep.equal(asked?.attachments)
  })

  it('belongs to its session’s tenant: to another neither the session nor the file is there', async () => {
    await begin()
    await ask([shown(dataUrl(png, 'image/png'))], 'room')
    const [file] = await filesOf('room')
    const sessionId = [...harness.records.keys()][0] ?? ''
    expect((await get(file?.path ?? '', 'evil')).status).to.equal(404)
    const into = clientOf('evil').chat.completions.create({
      model,
      messages: [{ role: 'user', content: [shown(dataUrl(image(1), 'image/png'))] }],
      metadata: { session_id: sessionId },
    })
    expect(await refusal(into)).to.include({ code: 'SESSION_NOT_FOUND' })
    const named = (tenant: string, session: string) =>
      clientOf(tenant).chat.completions.create({
        model,
        messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: file?.path ?? '' } }] }],
        metadata: { session_id: session },
      })
    for (const [tenant, session] of [
      ['evil', 'room'],
      ['acme', 'other'],
    ] as const) {
      expect(await refusal(named(tenant, session))).to.include({
        code: 'ATTACHMENT_NOT_FOUND',
        param: 'messages[0].content[0].file.file_id',
      })
    }
    await named('acme', 'room')
    expect(turns().at(-1)?.attachments).to.deep.equal([file?.path])
  })

  it('names what is wrong, and where, and stores nothing of it', async () => {
    await begin({ uploads: { files: 2, fileBytes: 1_000 } })
    const url = 'messages[1].content[1].image_url.url'
    const data = 'messages[1].content[1].file.file_data'
    const good = shown(dataUrl(png, 'image/png'))
    const refusals: [object, string, string, RegExp][] = [
      [shown('x'), 'CONTENT_INVALID', url, /neither a data: URL nor/],
      [shown('data:image/png;base64,iVBORw0K Ggo='), 'CONTENT_INVALID', url, /not base64/],
      [shown('data:image/png,plain'), 'CONTENT_INVALID', url, /not in base64/],
      [shown('data:image/png;base64,'), 'CONTENT_INVALID', url, /empty/],
      [
        shown(dataUrl('<svg xmlns="a"/>', 'image/svg+xml')),
        'CONTENT_INVALID',
        url,
        /it is image\/svg\+xml; images are png/,
      ],
      [shown(dataUrl('%PDF-1.7', 'image/png')), 'CONTENT_INVALID', url, /sent as image\/png and is application\/pdf/],
      [shown(dataUrl(randomBytes(1_001), 'image/png')), 'UPLOAD_TOO_LARGE', url, /1001 bytes, more than the 1000/],
      [shown('https://example.com/cat.png'), 'CONTENT_NOT_FETCHED', url, /data: URL/],
      [attached(dataUrl(png, 'image/png')), 'CONTENT_INVALID', data, /image_url or input_image/],
      [attached(dataUrl('words', 'application/pdf'), 'a.pdf'), 'CONTENT_INVALID', data, /text under the name a\.pdf/],
      [attached(dataUrl(randomBytes(50), ''), 'a'), 'CONTENT_INVALID', data, /files are PDF, text/],
      [{ type: 'file', file: {} }, 'CONTENT_INVALID', data, /file_data/],
      [
        { type: 'file', file: { file_id: 'file-abc' } },
        'ATTACHMENT_NOT_FOUND',
        'messages[1].content[1].file.file_id',
        /v1\/uploads/,
      ],
      [{ type: 'input_audio', input_audio: {} }, 'CONTENT_INVALID', 'messages[1].content[1]', /`input_audio`/],
    ]
    const system = [{ role: 'system' as const, content: 'Be brief.' }]
    for (const [part, code, param, message] of refusals) {
      const content = [{ type: 'text', text: 'look' }, part] as Parts
      const told = await refusal(ask(content, 'room', undefined, system))
      expect(told, JSON.stringify(part).slice(0, 80)).to.include({ code, param })
      expect(told.message).to.match(message)
    }
    expect(await refusal(ask([good, good, good]))).to.include({
      ...{ code: 'UPLOAD_TOO_LARGE', param: 'messages[0].content[2].image_url.url' },
    })
    const inAnswer = { role: 'tool' as const, tool_call_id: 'a', content: [good] as never }
    expect(await refusal(ask('x', 'room', undefined, [inAnswer]))).to.include({ param: 'messages[0].content[0]' })
    expect(harness.sent).to.deep.equal([])
    expect(await filesOf('room')).to.deep.equal([])
  })

  it('F3: quarantines as an upload does; what an operator took out later stops no conversation', async () => {
    await begin()
    const bad = attached(dataUrl(eicar, 'text/plain'), 'a.txt')
    for (const content of [[bad], [bad]]) {
      expect(await refusal(ask(content, 'room'))).to.include({
        ...{ code: 'ATTACHMENT_QUARANTINED', param: 'messages[0].content[0].file.file_data', status: 403 },
      })
    }
    expect((await filesOf('room')).map(({ status }) => status)).to.deep.equal(['quarantined'])
    const seen = (content: Parts) => [
      { role: 'user' as const, content },
      { role: 'assistant' as const, content: 'seen' },
    ]
    expect(await refusal(ask('go on', 'room', undefined, seen([bad])))).to.include({ code: 'ATTACHMENT_QUARANTINED' })

    const good = [shown(dataUrl(png, 'image/png'))]
    await ask(good, 'room')
    const path = turns()[0]?.attachments[0]?.replace('/v1/', '/v1/admin/')
    const headers = { authorization: `Bearer ${tokenOf('acme')}`, 'content-type': 'application/json' }
    await fetch(`${harness.url}${path}/quarantine`, { method: 'POST', headers, body: '{"why":"private"}' })
    expect(await refusal(ask(good, 'room'))).to.include({ code: 'ATTACHMENT_QUARANTINED' })
    await ask('go on', 'room', undefined, seen(good))
    expect(turns()).to.have.length(2)
  })

  it('takes a session to its limits and no further', async () => {
    await begin({ uploads: { sessionFiles: 2 } })
    const some = (...numbers: number[]) => numbers.map((n) => shown(dataUrl(image(n), 'image/png')))
    await ask(some(1, 2), 'room')
    expect(await refusal(ask(some(3), 'room'))).to.include({ code: 'UPLOAD_LIMIT', status: 409 })
    await ask(some(2), 'room')
  })

  it('I9: a larger body is for its files alone, and only so many are held at once', async () => {
    await begin({ limits: { bodyBytes: 20_000, openAiBodyBytes: 100_000, heldBytes: 200_000 } })
    const large = [shown(dataUrl(Buffer.concat([png, randomBytes(40_000)]), 'image/png'))]
    await ask(large, 'room')
    expect(await refusal(ask('x'.repeat(50_000)))).to.include({ code: 'PAYLOAD_TOO_LARGE', status: 413 })
    expect(await refusal(ask([shown(dataUrl(randomBytes(90_000), 'image/png'))]))).to.include({ status: 413 })

    // One that is being read holds its place, and gives it back while its answer is awaited.
    let answer = () => {}
    harness.sessions.script = (turn) => {
      turn.start()
      answer = () => void turn.say('seen').finish()
    }
    const waiting = ask(large, 'room')
    while (turns().length < 2) await new Promise(setImmediate)
    const body = JSON.stringify({ model, messages: [{ role: 'user', content: large }] })
    const { hostname, port } = new URL(harness.url)
    const { connect } = await import('node:net')
    const socket = connect(Number(port), hostname)
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${tokenOf('acme')}\r\n`
    socket.write(`${head}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`)
    for (;;) {
      const told = await ask(large).catch((error: APIError) => error)
      if ((told as APIError).code === 'TOO_MANY_LARGE_REQUESTS') break
      if (turns().length > 20) expect.fail('nothing was counted')
    }
    socket.destroy()
    answer()
    expect((await waiting).choices[0]?.message.content).to.equal('seen')
  })

  describe('by URL', () => {
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
      await begin({ uploads: { fileBytes: 2_000 }, deps: { fetchFile: fetchFile(['127.0.0.1']) } })
      for (const key of ['a', 'a', 'b']) await ask([shown(`${url}/cat`)], 'room', key)
      expect(asked).to.deep.equal(['/cat'])
      const [file, ...others] = await filesOf('room')
      expect(others).to.deep.equal([])
      expect(file).to.include({ mime: 'image/png', sha256: createHash('sha256').update(png).digest('hex') })
      for (const [path, code, message] of [
        ['/page', 'CONTENT_INVALID', /it is text\/html; images are/],
        ['/gone', 'CONTENT_NOT_FETCHED', /answers 404/],
        ['/large', 'UPLOAD_TOO_LARGE', /2000 bytes allowed/],
        ['/inside', 'CONTENT_NOT_FETCHED', /not at a public/],
      ] as const) {
        const told = await refusal(ask([shown(url + path)], 'room'))
        expect(told, path).to.include({ code, param: 'messages[0].content[0].image_url.url' })
        expect(told.message).to.match(message).and.not.contain('10.0.0.1')
      }
      expect(await filesOf('room')).to.have.length(1)
    })

    it('reaches nothing inside the network, and tells a client nothing of it', async () => {
      await begin({ deps: { fetchFile: fetchFile([]) } })
      for (const inside of [url, 'http://169.254.169.254/latest', 'http://localhost:1/', 'http://[::1]/']) {
        const told = await refusal(ask([shown(inside)], 'room'))
        expect(told, inside).to.include({ code: 'CONTENT_NOT_FETCHED', status: 400 })
        expect(told.message).to.contain('not at a public')
      }
      expect(asked).to.deep.equal([])
      expect(harness.sent).to.deep.equal([])
    })

    it('gives up on what does not come, and leaves its seat in the queue', async () => {
      const fetchNever = () => Promise.reject(new Failure('TOOL_FAILED', 'The page could not be fetched: no answer'))
      await begin({ deps: { fetchFile: fetchNever } })
      for (let n = 0; n < 40; n++) {
        expect(await refusal(ask([shown(`${url}/${n}`)], 'room'))).to.include({ code: 'CONTENT_NOT_FETCHED' })
      }
    })
  })
})
