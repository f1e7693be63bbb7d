import { expect } from 'chai'
import type OpenAI from 'openai'
import { quarantineRules } from '../../../infra/screening/quarantine-rules.ts'
import { screenUploads } from '../../../infra/screening/screen-uploads.ts'
import { attached, dataUrl, FilesWorld, imageOf, model, png, refusal, shown } from '../../support/files-world.ts'

describe('files in requests of OpenAI clients', () => {
  let world: FilesWorld
  afterEach(() => world.close())

  it('puts images and files into the session as an upload does, and names them to the turn', async () => {
    world = await FilesWorld.begin()
    await world.ask(
      [
        { type: 'text', text: 'What do they say?' },
        shown(png),
        attached(dataUrl('# notes', 'text/markdown'), '../notes.md'),
        attached(Buffer.from('%PDF-1.7\nbare base64').toString('base64'), 'report.pdf'),
      ],
      'room',
    )
    const files = await world.filesOf('room')
    expect(
      files.map(({ filename, mime, status }) => [filename.replace(/-[0-9a-f]{8}/, ''), mime, status]),
    ).to.have.deep.members([
      ['image.png', 'image/png', 'clean'],
      ['notes.md', 'text/markdown', 'clean'],
      ['report.pdf', 'application/pdf', 'clean'],
    ])
    const [turn] = world.turns
    expect(turn).to.include({ text: 'What do they say?' })
    expect(turn?.attachments).to.have.members(files.map(({ path }) => path))
    expect((await world.call('GET', turn?.attachments[0] ?? '')).bytes.equals(png)).to.equal(true)
    const noted = world.harness.sent.flatMap(({ body }) => (body.kind === 'NoteUpload' ? [body.phase] : []))
    expect(noted, 'the session’s stream tells of each').to.deep.equal(['clean', 'clean', 'clean'])
  })

  it('takes them in a response too, and without a word beside them', async () => {
    world = await FilesWorld.begin()
    const client = world.client()
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
    expect((await world.filesOf('room')).map(({ mime }) => mime)).to.have.members(['image/png', 'text/html'])
    expect(world.turns[0]?.attachments).to.have.length(2)
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
    world = await FilesWorld.begin()
    const first = [shown(png)]
    for (const key of ['k', 'k']) await world.ask(first, undefined, key)
    expect(new Set(world.turns.map(({ turnId }) => turnId)).size).to.equal(1)
    const [keyed] = [...world.harness.records.keys()]
    expect(await world.filesOf(keyed ?? '')).to.have.length(1)
    expect(await refusal(world.ask([shown(imageOf(1))], undefined, 'k'))).to.include({
      code: 'IDEMPOTENCY_CONFLICT',
    })
    expect(await world.filesOf(keyed ?? '')).to.have.length(1)

    await world.ask(first, 'room')
    const history = [
      { role: 'user' as const, content: first },
      { role: 'assistant' as const, content: 'a dot' },
    ]
    await world.ask([{ type: 'text', text: 'and this?' }, shown(imageOf(2))], 'room', undefined, history)
    expect(await world.filesOf('room')).to.have.length(2)
    const [, , asked, again] = world.turns
    expect(again?.history?.[0], 'in the place where it stood').to.deep.equal({
      ...{ role: 'user', content: '', attachments: asked?.attachments },
    })
    expect(again?.attachments).to.have.length(1).and.not.to.deep.equal(asked?.attachments)
  })

  it('F1: keeps the bytes once for a client that names no session and sends its conversation with each request', async () => {
    let screened = 0
    const screen = screenUploads(quarantineRules)
    world = await FilesWorld.begin({
      deps: {
        screen(content, claimed) {
          screened++
          return screen(content, claimed)
        },
      },
    })
    const messages: OpenAI.ChatCompletionMessageParam[] = [
      { role: 'user', content: [shown(png)] },
      { role: 'assistant', content: 'a dot' },
    ]
    for (let n = 0; n < 3; n++) await world.ask(`question ${n}`, undefined, undefined, messages)
    expect(world.turns).to.have.length(3)
    for (const session of world.harness.records.keys()) expect(await world.filesOf(session)).to.have.length(1)
    expect(world.harness.records.size).to.equal(3)
    expect(screened, 'what the tenant has is neither read nor screened again').to.equal(1)
  })

  it('belongs to its session’s tenant: to another neither the session nor the file is there', async () => {
    world = await FilesWorld.begin()
    await world.ask([shown(png)], 'room')
    const [file] = await world.filesOf('room')
    const sessionId = [...world.harness.records.keys()][0] ?? ''
    expect((await world.call('GET', file?.path ?? '', 'evil')).status).to.equal(404)
    const into = world.client('evil').chat.completions.create({
      model,
      messages: [{ role: 'user', content: [shown(imageOf(1))] }],
      metadata: { session_id: sessionId },
    })
    expect(await refusal(into)).to.include({ code: 'SESSION_NOT_FOUND' })
    const { bytes } = await world.call('GET', '/v1/admin/attachments', 'evil')
    expect(JSON.parse(String(bytes)).attachments, 'nothing was put into it either').to.deep.equal([])
    const named = (tenant: string, session: string) =>
      world.client(tenant).chat.completions.create({
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
    expect(world.turns.at(-1)?.attachments).to.deep.equal([file?.path])
  })
})
