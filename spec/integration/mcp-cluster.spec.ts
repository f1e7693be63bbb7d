import { readFileSync } from 'node:fs'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { expect } from 'chai'
import { stringify } from 'yaml'
import { address, shardOf } from '../../actors/kernel/address.ts'
import type { ServiceProcess } from '../../supervisors/drills/service-process.ts'
import { Cluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { odd } from '../support/mcp-world.ts'
import { ScratchFolder } from '../support/scratch-folder.ts'
import { describeWith } from '../support/test-services.ts'

type Result = {
  content: { text: string }[]
  structuredContent: Record<string, string>
  isError?: boolean
}

/** An MCP client at a gateway, which runs no session, no tool and no memory: all of them live on the nodes. */
describeWith('kafka', 'MCP on a cluster', (kafka) => {
  describeWith('postgres', 'on Postgres', (postgres) => {
    describeWith('redis', 'and Redis', (redis) => {
      const folder = new ScratchFolder()
      let cluster: Cluster
      let client: Client

      before(async function () {
        this.timeout(180_000)
        const SOMA_MCP_FILE = folder.write('mcp.yaml', stringify({ servers: { odd: odd(folder.path) } }))
        cluster = await Cluster.start({ kafka, postgres, redis, env: { SOMA_MCP_FILE } })
        await eventually(async () => (await owners()).size === 2, 60_000)
        client = new Client({ name: 'spec', version: '1' })
        await client.connect(new StreamableHTTPClientTransport(new URL(`${cluster.url()}/mcp`)) as Transport)
      })
      after(async function () {
        this.timeout(60_000)
        await client?.close()
        await cluster?.release()
        folder.remove()
      })

      async function sessionShards(): Promise<{ shard: number; owner_name: string | null }[]> {
        const { body } = await cluster.request('GET', '/v1/admin/shards')
        return body.shards.filter(({ kind }: { kind: string }) => kind === 'session')
      }

      async function owners(): Promise<Set<string>> {
        return new Set((await sessionShards()).flatMap(({ owner_name }) => owner_name ?? []))
      }

      async function ownerOf(session: string): Promise<ServiceProcess> {
        const owner = (await sessionShards()).find(({ shard }) => shard === shardOf(address('session', session)))
        return cluster.nodes[owner?.owner_name === 'node-1' ? 0 : 1] as ServiceProcess
      }

      const call = async (name: string, args: object, timeout = 60_000) =>
        (await client.callTool({ name, arguments: { ...args } }, undefined, { timeout })) as Result

      it('lists our tools, and sends, reads and lists by them', async () => {
        const { tools } = await client.listTools()
        expect(tools.map(({ name }) => name)).to.include.members(['send_message', 'recall'])
        const sent = await call('send_message', { session_id: 'desk', message: 'say hello there' })
        expect(sent.structuredContent).to.deep.include({ status: 'completed', answer: 'hello there' })
        const read = await call('read_session', { session_id: 'desk' })
        expect(read.content[0]?.text).to.include('assistant: hello there')
        const { resources } = await client.listResources()
        expect(resources.map(({ uri }) => uri)).to.include(`session://${sent.structuredContent.session_id}`)
      }).timeout(60_000)

      it('remembers and recalls what lives on the nodes', async () => {
        const kept = await call('remember', {
          text: 'The harbour freezes in March.',
          key: 'harbour',
          request_id: 'm-1',
        })
        expect(kept.content[0]?.text).to.equal('Remembered as harbour in default.')
        await eventually(async () => {
          const { content } = await call('recall', { query: 'when does the harbour freeze' })
          return content[0]?.text.includes('The harbour freezes in March. [harbour]') === true
        }, 30_000)
      }).timeout(60_000)

      it('shows at the gateway the servers of mcp.yaml and their tools, and an agent on a node uses them', async () => {
        await eventually(async () => {
          const { body } = await cluster.request('GET', '/v1/admin/mcp')
          return body.servers[0].state === 'ready'
        }, 30_000)
        const { body } = await cluster.request('GET', '/v1/tools')
        expect(JSON.stringify(body)).to.include('"odd__env"')
        const { structuredContent } = await call('send_message', { session_id: 'odd', message: 'call odd__fail {}' })
        expect(structuredContent.answer).to.include('the disk is full')
      }).timeout(60_000)

      it('answers once, by the call that asked, when the node is killed in the middle of the turn', async () => {
        const asked = {
          session_id: 'killed',
          message: 'stream 40 100 an answer that outlives its node',
          request_id: 'k-1',
          wait_seconds: 50,
        }
        const answer = call('send_message', asked)
        await eventually(async () => {
          const { body } = await cluster.request('GET', '/v1/sessions/killed')
          return body.running_turn_id != null
        }, 20_000)
        const { session_id } = (await cluster.request('GET', '/v1/sessions/killed')).body
        const owner = await ownerOf(session_id)
        await owner.kill()
        const { structuredContent } = await answer
        expect(structuredContent).to.deep.include({ status: 'completed', answer: 'an answer that outlives its node' })
        const finals = (await cluster.events('killed')).filter(({ type }) => type === 'assistant.final')
        expect(finals).to.have.length(1)
        const again = await call('send_message', asked)
        expect(again.structuredContent).to.deep.equal(structuredContent)
        expect((await cluster.events('killed')).filter(({ type }) => type === 'user.message')).to.have.length(1)
        owner.start()
        await owner.ready(60_000)
      }).timeout(150_000)

      it('runs a tool that may run once no second time when its node is killed, and says so', async () => {
        const answer = call('send_message', {
          session_id: 'once',
          message: 'call odd__work {"times":9}',
          wait_seconds: 60,
        })
        const runs = () =>
          readFileSync(`${folder.path}/runs`, 'utf8')
            .split('\n')
            .filter((line) => line.startsWith('work'))
        await eventually(() => {
          try {
            return runs().length === 1
          } catch {
            return false
          }
        }, 30_000)
        for (const node of cluster.nodes) await node.kill()
        for (const node of cluster.nodes) node.start()
        const { structuredContent } = await answer
        expect(structuredContent.answer).to.match(/^The tool was running when its node died/)
        expect(runs()).to.have.length(1)
      }).timeout(150_000)
    })
  })
})
