import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { showAttachments } from '../../../actors/session/shown-attachments.ts'
import { systemClock, systemIds } from '../../../infra/clock.ts'
import { InMemoryAttachments } from '../../../persistence/in-memory-attachments.ts'
import { InMemoryStore } from '../../../persistence/in-memory-store.ts'
import type { ModelRequest } from '../../../transports/model/client.ts'

describe('attachments before the model', () => {
  const store = new InMemoryAttachments(new InMemoryStore(), systemIds, systemClock)
  const sessionId = randomUUID()
  const save = (filename: string, mime: string, session = sessionId) =>
    store.save({
      ...{ tenant: 'acme', sessionId: session, filename, mime, source: 'upload' as const },
      bytes: new TextEncoder().encode('bytes'),
    })
  const shown = async (names: string[], takesImages: boolean) => {
    const messages = [{ role: 'user' as const, content: 'look', attachments: names }]
    const request: ModelRequest = { model: 'm', messages, tools: [], deadline: 0 }
    const [message] = (await showAttachments(request, { tenant: 'acme', sessionId }, store, takesImages)).messages
    return message
  }

  it('names each file, and shows an image only to a model that takes images', async () => {
    const { id } = await save('cat.png', 'image/png')
    const line = (how: string) => `look\n\n[Attachment: cat.png, image/png, 5 bytes, id ${id}. ${how}]`
    const unseen = { role: 'user', content: line('It is an image that is not shown here.') }
    expect(await shown([`/v1/attachments/${id}`], false)).to.deep.equal(unseen)
    expect(await shown([id], true)).to.deep.equal({
      ...{ role: 'user', content: line('It is shown here.') },
      images: [{ mime: 'image/png', base64: Buffer.from('bytes').toString('base64') }],
    })
  })

  it('shows an image that is named again once, where it was named last', async () => {
    const { id } = await save('again.png', 'image/png')
    const message = (attachments: string[]) => ({ role: 'user' as const, content: 'look', attachments })
    const request = { model: 'm', messages: [message([id]), message([id])], tools: [], deadline: 0 }
    const { messages } = await showAttachments(request, { tenant: 'acme', sessionId }, store, true)
    expect(messages.map((one) => (one.role === 'user' ? one.images?.length : 'no user'))).to.deep.equal([undefined, 1])
    const where = messages.map(({ content }) => content.split(`id ${id}. `)[1])
    expect(where).to.deep.equal(['It is shown below.]', 'It is shown here.]'])
  })

  it('says of a document how its text is read', async () => {
    const { id } = await save('a.pdf', 'application/pdf')
    expect((await shown([id], true))?.content).to.contain(`id ${id}. document_ingest reads its text.]`)
  })

  it('shows nothing of another session or in quarantine', async () => {
    const other = await save('other.png', 'image/png', randomUUID())
    const bad = await save('bad.png', 'image/png')
    await store.mark('acme', bad.id, { status: 'quarantined', by: 'op' })
    for (const { id } of [other, bad]) {
      expect(await shown([id], true)).to.deep.equal({
        ...{ role: 'user', content: `look\n\n[Attachment ${id}: not available.]` },
      })
    }
  })
})
