import { expect } from 'chai'
import { type TreeNode, totalsOf, treeRows } from '../../../transports/gateway/console/operate/tree-rows.ts'

const node = (
  path: string,
  type: string,
  children: readonly TreeNode[] = [],
  over: Partial<TreeNode> = {},
): TreeNode => ({
  ...{ path, type, children, state: 'running', mailbox: 0, restarts: 0 },
  ...over,
})

describe('the supervision tree as rows', () => {
  const tree = [
    node('/session', 'kind', [
      node('/session/shard-1', 'shard', [
        node('/session/shard-1/a', 'session', [], { address: 'session:a', mailbox: 2, restarts: 1 }),
        node('/session/shard-1/b', 'session', [], { address: 'session:b' }),
      ]),
    ]),
    node('/tool', 'kind'),
  ]
  const shown = (closed: readonly string[], search = '') =>
    treeRows(tree, new Set(closed), search).map(({ node: { path }, depth, below }) => `${depth} ${path} ${below}`)

  it('stand in the order of the tree, each with how many are below it', () => {
    expect(shown([])).to.deep.equal([
      ...['0 /session 3', '1 /session/shard-1 2', '2 /session/shard-1/a 0', '2 /session/shard-1/b 0', '0 /tool 0'],
    ])
  })

  it('hide what is below a closed one, and still count it', () => {
    expect(shown(['//session'])).to.deep.equal(['0 /session 3', '0 /tool 0'])
  })

  it('show what a search finds with all that stands above it, closed or not', () => {
    expect(shown(['//session'], 'session:b')).to.deep.equal([
      '0 /session 3',
      '1 /session/shard-1 2',
      '2 /session/shard-1/b 0',
    ])
    expect(shown([], 'nothing like it')).to.deep.equal([])
  })

  it('count actors without what only holds them, over one process or many', () => {
    expect(totalsOf(tree)).to.deep.equal({ processes: 1, actors: 2, waiting: 2, restarts: 1 })
    expect(totalsOf([node('n1', 'node', tree), node('n2', 'node')])).to.include({ processes: 2, actors: 2 })
  })
})
