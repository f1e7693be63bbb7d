import { type ClusterNode, isNode, type Shard } from './cluster-answers.ts'

/** One square a shard, in the colour of its owner: a takeover is seen as squares that change hands. */
export function ShardMap({
  shards,
  nodes,
}: {
  readonly shards: readonly Shard[]
  readonly nodes: readonly ClusterNode[]
}) {
  const owners = nodes.filter(isNode)
  const colourOf = (owner: string | null) => {
    const at = owners.findIndex(({ id }) => id === owner)
    return at < 0 ? 'none' : String(at % 6)
  }
  const kinds = [...new Set(shards.map(({ kind }) => kind))]
  return (
    <div class="shard-kinds">
      <ul class="legend" aria-label="Owners">
        {owners.map(({ id, name }) => (
          <li key={id}>
            <i class="square" data-owner={colourOf(id)} /> {name}
          </li>
        ))}
        <li>
          <i class="square" data-owner="none" /> nobody
        </li>
      </ul>
      {kinds.map((kind) => {
        const own = shards.filter((shard) => shard.kind === kind).sort((a, b) => a.shard - b.shard)
        const nobody = own.filter(({ owner }) => owner === null).length
        return (
          <section key={kind}>
            <h3>
              {kind}{' '}
              <span class="quiet">
                {own.length - nobody} of {own.length} owned, highest epoch{' '}
                {Math.max(0, ...own.map(({ epoch }) => epoch))}
              </span>
            </h3>
            <ol class="shard-map" aria-label={`Shards of ${kind}`}>
              {own.map(({ shard, owner, owner_name, epoch }) => (
                <li
                  key={shard}
                  data-owner={colourOf(owner)}
                  title={`${kind} ${shard}: ${owner_name ?? 'nobody'}, epoch ${epoch}`}
                >
                  {shard}
                </li>
              ))}
            </ol>
          </section>
        )
      })}
    </div>
  )
}
