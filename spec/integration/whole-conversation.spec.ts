import { expect } from 'chai'
import type { ServiceProcess } from '../../supervisors/drills/service-process.ts'
import { Cluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { describeWith } from '../support/test-services.ts'

/**
 * The whole agent on a cluster: plans, runs code, reads an uploaded document, remembers, recalls in another session, delegates;
 * and every node is killed and started again, one after another, while it does. It ends right, and each step happened once.
 */
describeWith('kafka', 'a conversation that uses everything', (kafka) => {
  describeWith('postgres', 'on Postgres', (postgres) => {
    describeWith('redis', 'and Redis', (redis) => {
      let cluster: Cluster

      before(async function () {
        this.timeout(90_000)
        cluster = await Cluster.start({ kafka, postgres, redis, nodes: 2, gateways: 2 })
      })
      after(async function () {
        this.timeout(60_000)
        await cluster?.release()
      })

      async function upload(session: string): Promise<string> {
        const form = new FormData()
        form.set('session_id', session)
        form.append('files', new Blob([PDF], { type: 'application/pdf' }), 'vault.pdf')
        const response = await fetch(`${cluster.url()}/v1/uploads`, { method: 'POST', body: form })
        const uploaded = (await response.json()) as { id: string; status: string }[]
        expect(response.status, JSON.stringify(uploaded)).to.equal(200)
        expect(uploaded[0]?.status).to.equal('clean')
        return uploaded[0]?.id as string
      }

      it('ends right when every node dies in the middle, each step once', async function () {
        this.timeout(120_000)
        const session = 'everything'
        const { session_id } = await cluster.say(session, 'say hello')
        const attachment = await upload(session_id)
        const script = [
          'stream 4 100 first I compute, then I read, remember and ask a colleague',
          `call code_execute ${JSON.stringify({ language: 'javascript', code: '6 * 7' })}`,
          'then',
          `call document_ingest ${JSON.stringify({ attachment_id: attachment })}`,
          'then',
          `call memory_remember ${JSON.stringify({ key: 'vault', text: 'The vault opens with the code 4711.' })}`,
          'then',
          `call delegate ${JSON.stringify({ task: 'stream 10 100 the colleague says forty-two' })}`,
          'then',
          'say all is done',
        ].join('\n')
        const { event_id } = await cluster.say(session, script)
        const killing = killOneAfterAnother(cluster.nodes)
        const events = () => cluster.events(session_id, 1)
        await eventually(
          async () => (await events()).some((it) => it.type === 'assistant.final' && it.metadata.turn_id === event_id),
          90_000,
        )
        await killing
        const journal = await events()
        const finals = journal.filter((it) => it.type === 'assistant.final' && it.metadata.turn_id === event_id)
        expect(finals.map(({ message }) => message)).to.deep.equal(['all is done'])
        const results = journal.filter((it) => it.type === 'tool.result' && it.metadata.turn_id === event_id)
        const told = results.map(({ message, metadata }) => `${metadata.tool ?? metadata.tool_name}: ${message}`)
        expect(results, told.join('\n')).to.have.length(4)
        expect(told[0]).to.include('42')
        expect(told[1]).to.include('The code is 4711')
        expect(told[2]).to.not.include('denied')
        expect(told[3]).to.include('forty-two')

        const remembered = (await cluster.request('GET', '/v1/memory?limit=50', undefined, 1)).body.memories
        expect(remembered.filter(({ key }: { key: string }) => key === 'vault')).to.have.length(1)
        const children = (await cluster.request('GET', '/v1/sessions?limit=50', undefined, 1)).body.sessions.filter(
          ({ parent_session_id }: { parent_session_id?: string }) => parent_session_id === session_id,
        )
        expect(children, 'one child').to.have.length(1)
        const child = await cluster.events(children[0].session_id, 1)
        expect(
          child.filter(({ type }) => type === 'assistant.final'),
          'which answered once',
        ).to.have.length(1)

        const other = await cluster.say(
          'another',
          `call memory_recall ${JSON.stringify({ query: 'how does the vault open' })}`,
        )
        await eventually(
          async () => (await cluster.events(other.session_id)).some(({ type }) => type === 'assistant.final'),
          20_000,
        )
        const final = (await cluster.events(other.session_id)).find(({ type }) => type === 'assistant.final')
        expect(final?.message, 'another session of the same tenant recalls it').to.include('4711')
      })

      async function killOneAfterAnother(nodes: readonly ServiceProcess[]): Promise<void> {
        for (const node of nodes) {
          const before = (await cluster.events('everything', 1)).length
          // In the middle: something new has happened since the last one died.
          await eventually(async () => (await cluster.events('everything', 1)).length > before, 60_000).catch(() => {})
          await node.kill()
          node.start()
          await node.ready(60_000)
        }
      }
    })
  })
})

/** One page that says what is not in the question; written by hand, so that the spec depends on no writer of PDF. */
const PDF = (() => {
  const text = 'BT /F1 18 Tf 72 700 Td (The code is 4711) Tj ET'
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>',
    `<< /Length ${text.length} >>\nstream\n${text}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ]
  let file = '%PDF-1.4\n'
  const offsets = objects.map((object, n) => {
    const at = file.length
    file += `${n + 1} 0 obj\n${object}\nendobj\n`
    return at
  })
  const start = file.length
  const rows = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('')
  return `${file}xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`
})()
