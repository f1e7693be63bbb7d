import { expect } from 'chai'
import type { ActorNode } from '../../../actors/kernel/actor.ts'
import { treeTable } from '../../../transports/cli/tree-table.ts'

function node(path: string, type: string, more: Partial<ActorNode> = {}): ActorNode {
  return { path, type, state: 'running', mailbox: 0, restarts: 0, children: [], ...more }
}

describe('tree on the command line', () => {
  it('shows type, state, mailbox and restarts, sorted, without shards that hold nothing', () => {
    const session = node('/session/shard-10/s', 'session', {
      address: 'session:s',
      state: 'backing-off',
      mailbox: 2,
      restarts: 1,
    })
    const text = treeTable([
      node('/tool', 'kind', { children: [node('/tool/shard-0', 'shard')] }),
      node('/session', 'kind', {
        children: [
          node('/session/shard-10', 'shard', { children: [session] }),
          node('/session/shard-3', 'shard'),
          node('/session/shard-2', 'shard', { restarts: 1 }),
        ],
      }),
    ])
    expect(text.split('\n').map((line) => line.replaceAll(/(?<=\S) +/g, ' '))).to.deep.equal([
      'ACTOR TYPE STATE MAILBOX RESTARTS',
      'session kind running 0 0',
      '  shard-2 shard running 0 1',
      '  shard-10 shard running 0 0',
      '    session:s session backing-off 2 1',
      'tool kind running 0 0',
    ])
  })
})
