import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { expect } from 'chai'
import type { APIError } from 'openai'
import { eventually } from '../../support/eventually.ts'
import {
  attached,
  dataUrl,
  FilesWorld,
  headersOf,
  imageOf,
  type Parts,
  png,
  refusal,
  shown,
} from '../../support/files-world.ts'
import { eicar } from '../../support/hostile-files.ts'

describe('files in requests of OpenAI clients that are not taken', () => {
  let world: FilesWorld
  afterEach(() => world.close())

  it('names what is wrong, and where, and stores nothing of it', async () => {
    world = await FilesWorld.begin({ uploads: { files: 2, fileBytes: 1_000 } })
    const url = 'messages[1].content[1].image_url.url'
    const data = 'messages[1].content[1].file.file_data'
    const good = shown(png)
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
      const told = await refusal(world.ask(content, 'room', undefined, system))
      expect(told, JSON.stringify(part).slice(0, 80)).to.include({ code, param })
      expect(told.message).to.match(message)
    }
    expect(await refusal(world.ask([good, good, good]))).to.include({
      ...{ code: 'UPLOAD_TOO_LARGE', param: 'messages[0].content[2].image_url.url' },
    })
    const inAnswer = { role: 'tool' as const, tool_call_id: 'a', content: [good] as never }
    expect(await refusal(world.ask('x', 'room', undefined, [inAnswer]))).to.include({ param: 'messages[0].content[0]' })
    expect(world.harness.sent).to.deep.equal([])
    expect(await world.filesOf('room')).to.deep.equal([])
  })

  it('F3: quarantines as an upload does; what an operator took out later stops no conversation', async () => {
    world = await FilesWorld.begin()
    const bad = attached(dataUrl(eicar, 'text/plain'), 'a.txt')
    for (const content of [[bad], [bad]]) {
      expect(await refusal(world.ask(content, 'room'))).to.include({
        ...{ code: 'ATTACHMENT_QUARANTINED', param: 'messages[0].content[0].file.file_data', status: 403 },
      })
    }
    expect((await world.filesOf('room')).map(({ status }) => status)).to.deep.equal(['quarantined'])
    const seen = (content: Parts) => [
      { role: 'user' as const, content },
      { role: 'assistant' as const, content: 'seen' },
    ]
    expect(await refusal(world.ask('go on', 'room', undefined, seen([bad])))).to.include({
      code: 'ATTACHMENT_QUARANTINED',
    })

    const good = [shown(png)]
    await world.ask(good, 'room')
    const path = world.turns[0]?.attachments[0]?.replace('/v1/', '/v1/admin/')
    await world.call('POST', `${path}/quarantine`, 'acme', { why: 'private' })
    expect(await refusal(world.ask(good, 'room'))).to.include({ code: 'ATTACHMENT_QUARANTINED' })
    await world.ask('go on', 'room', undefined, seen(good))
    expect(world.turns).to.have.length(2)
  })

  it('takes a session to its limits and no further', async () => {
    world = await FilesWorld.begin({ uploads: { sessionFiles: 2 } })
    const some = (...numbers: number[]) => numbers.map((n) => shown(imageOf(n)))
    await world.ask(some(1, 2), 'room')
    expect(await refusal(world.ask(some(3), 'room'))).to.include({ code: 'UPLOAD_LIMIT', status: 409 })
    await world.ask(some(2), 'room')
  })

  it('I9: a larger body is for its files alone, and only so many are held at once', async () => {
    world = await FilesWorld.begin({ limits: { bodyBytes: 20_000, openAiBodyBytes: 100_000, heldBytes: 200_000 } })
    const large = [shown(dataUrl(Buffer.concat([png, randomBytes(40_000)]), 'image/png'))]
    await world.ask(large, 'room')
    expect(await refusal(world.ask('x'.repeat(50_000)))).to.include({ code: 'PAYLOAD_TOO_LARGE', status: 413 })
    expect(await refusal(world.ask([shown(dataUrl(randomBytes(90_000), 'image/png'))]))).to.include({ status: 413 })

    // What waits for its answer has given its place back: two of these would not fit side by side.
    const answers: (() => void)[] = []
    const { script } = world.harness.sessions
    world.harness.sessions.script = (turn) => void answers.push(() => turn.say('seen').finish())
    const waiting = [world.ask(large, 'a')]
    await eventually(() => answers.length === 1)
    waiting.push(world.ask(large, 'b'))
    await eventually(() => answers.length === 2)
    for (const answer of answers) answer()
    for (const answer of await Promise.all(waiting)) expect(answer.choices[0]?.message.content).to.equal('seen')

    // One that is being read has a place, from its head on; when its client goes away it is free again.
    world.harness.sessions.script = script
    const { hostname, port } = new URL(world.harness.url)
    const socket = connect(Number(port), hostname)
    const head = [
      'POST /v1/chat/completions HTTP/1.1',
      `host: ${hostname}`,
      `authorization: ${headersOf('acme').authorization}`,
      'content-type: application/json',
      'content-length: 60000',
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    const told = () =>
      world.ask(large, 'c').then(
        () => 'taken',
        ({ code }: APIError) => code,
      )
    await eventually(async () => (await told()) === 'TOO_MANY_LARGE_REQUESTS')
    expect((await world.ask('a few words', 'c')).choices[0]?.message.content).to.equal('You said: a few words')
    socket.destroy()
    await eventually(async () => (await told()) === 'taken')
  })
})
