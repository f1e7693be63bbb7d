import type { ActorNode } from '../../actors/kernel/actor.ts'
import { table } from './terminal.ts'

/** The live tree as a table. Shards that hold nothing are left out: there are 64 of a kind, and most are empty. */
export function treeTable(tree: readonly ActorNode[]): string {
  return table(['ACTOR', 'TYPE', 'STATE', 'MAILBOX', 'RESTARTS'], rowsOf(tree, ''))
}

function rowsOf(nodes: readonly ActorNode[], indent: string): string[][] {
  return nodes
    .filter((node) => !isEmptyShard(node))
    .map((node) => ({ node, name: node.address ?? node.path.slice(node.path.lastIndexOf('/') + 1) }))
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
    .flatMap(({ node, name }) => [
      [indent + name, node.type, node.state, String(node.mailbox), String(node.restarts)],
      ...rowsOf(node.children, `${indent}  `),
    ])
}

function isEmptyShard({ type, state, mailbox, restarts, children }: ActorNode): boolean {
  return type === 'shard' && state === 'running' && mailbox === 0 && restarts === 0 && children.length === 0
}
