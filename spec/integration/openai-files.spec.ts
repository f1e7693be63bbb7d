import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import OpenAI from 'openai'
import { PDFDocument, StandardFonts } from 'pdf-lib'
import { eventually } from '../support/eventually.ts'
import { type ModelServer, type RecordedRequest, reply, startModelServer } from '../support/model-server.ts'
import { describePython, runPython } from '../support/python.ts'
import { Service } from '../support/service.ts'

const image =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

async function pdf(): Promise<string> {
  const document = await PDFDocument.create()
  const font = await document.embedFont(StandardFonts.Helvetica)
  document.addPage().drawText('The password is swordfish.', { x: 40, y: 500, size: 12, font })
  return `data:application/pdf;base64,${Buffer.from(await document.save()).toString('base64')}`
}

type ModelPart = { readonly type: string; readonly text?: string; readonly image_url?: { readonly url: string } }

/** Images as the model's endpoint gets them: the index of the message, and the URL. */
function imagesOf({ body }: RecordedRequest): [number, string | undefined][] {
  return body.messages.flatMap(({ content }, index) =>
    (Array.isArray(content) ? (content as ModelPart[]) : [])
      .filter(({ type }) => type === 'image_url')
      .map(({ image_url }): [number, string | undefined] => [index, image_url?.url]),
  )
}

/** Asks document_ingest for the first document that a line names, then says what was read; else how many images it sees. */
function looks(request: RecordedRequest) {
  const { messages } = request.body
  const last = messages.at(-1)
  if (last?.role === 'tool')
    return reply.text(/password is \w+/.exec(String(last.content))?.[0] ?? String(last.content))
  const id = /application\/pdf, \d+ bytes, id ([0-9a-f-]+)/.exec(JSON.stringify(last))?.[1]
  if (id !== undefined) return reply.calls({ name: 'document_ingest', arguments: { attachment_id: id } })
  return reply.text(`${imagesOf(request).length} images`)
}

describe('images and documents from OpenAI clients', function () {
  this.timeout(120_000)
  let model: ModelServer
  let service: Service
  let client: OpenAI
  let answerWith: (request: RecordedRequest) => ReturnType<typeof looks> = looks
  before(async () => {
    model = await startModelServer((request) => answerWith(request))
    service = await Service.start({
      env: { SOMA_MODEL: '', OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'the-key', SOMA_MODEL_IMAGES: 'true' },
    })
    client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'none', maxRetries: 0 })
  })
  afterEach(() => {
    answerWith = looks
  })
  after(async () => {
    await service?.release()
    await model?.close()
  })

  const see = (url: string): OpenAI.ChatCompletionContentPart => ({ type: 'image_url', image_url: { url } })
  const ask = (messages: OpenAI.ChatCompletionMessageParam[], session?: string, key?: string) =>
    client.chat.completions.create(
      { model: 'model-a', messages, ...(session !== undefined && { metadata: { session_id: session } }) },
      { headers: key === undefined ? {} : { 'idempotency-key': key } },
    )
  const filesOf = async (session: string) =>
    (await service.get(`/v1/sessions/${session}/attachments`)).body.attachments as { mime: string; id: string }[]

  it('reach the model: the image to look at, the document to be read; once, though the client sends all again', async () => {
    const document: OpenAI.ChatCompletionContentPart = {
      type: 'file',
      file: { filename: 'a.pdf', file_data: await pdf() },
    }
    const question = { role: 'user' as const, content: [see(image), document] }
    const before = model.requests.length
    const first = await ask([question], 'both')
    expect(first.choices[0]?.message.content).to.equal('password is swordfish')
    const [asked] = model.requests.slice(before)
    expect(imagesOf(asked as RecordedRequest)).to.deep.equal([[1, image]])

    const again = await ask(
      [question, { role: 'assistant', content: 'password is swordfish' }, { role: 'user', content: [see(image)] }],
      'both',
    )
    expect(again.choices[0]?.message.content, 'shown twice it would be 2').to.equal('1 images')
    expect((await filesOf('both')).map(({ mime }) => mime)).to.have.members(['image/png', 'application/pdf'])
  })

  it('are where they stood when a client that keeps no session sends its conversation again', async () => {
    const messages: OpenAI.ChatCompletionMessageParam[] = [
      { role: 'user', content: [{ type: 'text', text: 'look' }, see(image)] },
      { role: 'assistant', content: '1 images' },
      { role: 'user', content: 'and now?' },
    ]
    const { data, response } = await ask(messages).withResponse()
    expect(data.choices[0]?.message.content).to.equal('1 images')
    const last = model.requests.at(-1) as RecordedRequest
    expect(imagesOf(last)).to.deep.equal([[1, image]])
    expect(last.body.messages.map(({ role }) => role)).to.deep.equal(['system', 'user', 'assistant', 'user'])
    expect(await filesOf(response.headers.get('x-session-id') ?? '')).to.have.length(1)
  })

  it('are stored once under one Idempotency-Key, and kill -9 between request and answer loses neither', async () => {
    const key = randomUUID()
    const messages = [{ role: 'user' as const, content: [see(image)] }]
    const before = model.requests.length
    answerWith = () => reply.silence()
    const cut = ask(messages, 'killed', key).then(
      () => 'answered',
      () => 'cut off',
    )
    expect(imagesOf(await model.request(before))).to.deep.equal([[1, image]])
    await service.kill()
    expect(await cut).to.equal('cut off')
    answerWith = looks

    await service.start()
    const answer = await ask(messages, 'killed', key)
    expect(answer.choices[0]?.message.content).to.equal('1 images')
    expect(await filesOf('killed')).to.have.length(1)
    const { body } = await service.get('/v1/sessions/killed/history')
    expect(body.history.map(({ role }: { role: string }) => role)).to.deep.equal(['user', 'assistant'])
    const asked = model.requests.length
    expect((await ask(messages, 'killed', key)).id).to.equal(answer.id)
    expect(model.requests).to.have.length(asked)
  })

  it('go with their session', async () => {
    await ask([{ role: 'user', content: [see(image)] }], 'gone')
    const [file] = await filesOf('gone')
    expect((await service.request('DELETE', '/v1/sessions/gone')).status).to.equal(200)
    await eventually(async () => (await fetch(`${service.url}/v1/attachments/${file?.id}`)).status === 404)
    const [other] = await filesOf('killed')
    expect((await fetch(`${service.url}/v1/attachments/${other?.id}`)).status, 'the same image elsewhere').to.equal(200)
  })

  it('are named in text to a model that takes no images', async () => {
    const blind = await Service.start({
      env: { SOMA_MODEL: '', OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'k', SOMA_MODEL_IMAGES: 'false' },
    })
    try {
      const elsewhere = new OpenAI({ baseURL: `${blind.url}/v1`, apiKey: 'none', maxRetries: 0 })
      await elsewhere.chat.completions.create({ model: 'model-a', messages: [{ role: 'user', content: [see(image)] }] })
      const said = model.requests.at(-1)?.body.messages.at(-1)?.content
      expect(said).to.match(/^\[Attachment: image-\w+\.png, image\/png, \d+ bytes, id [0-9a-f-]+\./)
    } finally {
      await blind.release()
    }
  })

  describePython('in Python', (python) => {
    it('reach the model in the same way', async () => {
      const told = await runPython(python, 'openai-files.py', {
        ...{ base_url: `${service.url}/v1`, session: 'python-files', image, document: await pdf() },
      })
      expect(told).to.deep.equal({
        chat: 'password is swordfish',
        chat_again: '1 images',
        response: '1 images',
        refused: { status: 400, code: 'CONTENT_INVALID', param: 'messages[0].content[0].image_url.url' },
      })
      expect(await filesOf('python-files')).to.have.length(2)
    })
  })
})
