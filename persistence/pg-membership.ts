import type { Clock, Ids } from '../actors/kernel/clock.ts'
import { Failure } from '../actors/kernel/failure.ts'
import type { Logger } from '../actors/kernel/telemetry.ts'
import { asDatabaseFailure } from './database-failure.ts'
import type { ClusterNode, Membership, NodeStatus, Role } from './membership.ts'
import { type Backend, SLOT_LOCKS, SlotConnection } from './pg-slot.ts'

const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 1_000

export interface JoinOptions {
  readonly dsn: string
  readonly name: string
  readonly roles: readonly Role[]
  readonly weight: number
  readonly url: string
  readonly leaseMs: number
  /** How many slots there are: partitions of the inbox topic. */
  readonly slots: number
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Logger
}

/** Rejects with JOURNAL_UNAVAILABLE, or CONFIG_INVALID when every slot is taken. */
export async function joinCluster(options: JoinOptions): Promise<Membership> {
  const membership = new PgMembership(options)
  try {
    await membership.join()
    return membership
  } catch (error) {
    await membership.leave()
    throw error
  }
}

/**
 * Membership on Postgres. A lost connection is made again, and until then `renew` fails: who cannot renew does not know
 * who else is there, and its lease runs out. Listeners are called after a reconnection too, for what was not heard.
 */
class PgMembership implements Membership {
  readonly nodeId: string
  slot = -1
  private readonly options: JoinOptions
  private readonly listeners: (() => void)[] = []
  private connection: SlotConnection | undefined
  private former: Backend | undefined
  private startedAt: number | undefined
  private status: NodeStatus = { state: 'starting', detail: {} }
  private left = false
  private cancelRetry = () => {}

  constructor(options: JoinOptions) {
    this.options = options
    this.nodeId = `${options.name}-${options.ids.uuid().slice(0, 13)}`
  }

  async join(): Promise<void> {
    try {
      const all = Array.from({ length: this.options.slots }, (_, slot) => slot)
      const order = this.slot === -1 ? all : [this.slot, ...all.filter((slot) => slot !== this.slot)]
      const connection = await SlotConnection.open(
        this.options.dsn,
        order,
        this.former,
        (from) => {
          if (from !== this.nodeId) this.tell()
        },
        () => this.lost(connection),
      )
      if (this.left) return await connection.close()
      this.connection = connection
      this.former = connection.backend
      this.slot = connection.slot
      await this.renew(this.status)
    } catch (error) {
      throw asDatabaseFailure(error)
    }
  }

  async renew(status: NodeStatus): Promise<readonly ClusterNode[]> {
    this.status = status
    const { name, roles, weight, url, leaseMs } = this.options
    const connection = this.connected()
    try {
      const nodes = await connection.query<ClusterNode & { own: boolean }>(renewing, [
        this.nodeId,
        name,
        connection.slot,
        roles,
        weight,
        url,
        status.state,
        JSON.stringify(status.detail),
        leaseMs,
        this.startedAt ?? null,
        SLOT_LOCKS,
      ])
      return nodes.map(({ own, ...node }) => {
        if (own) this.startedAt = node.startedAt
        return node
      })
    } catch (error) {
      throw asDatabaseFailure(error)
    }
  }

  onSignal(listener: () => void): void {
    this.listeners.push(listener)
  }

  async signal(): Promise<void> {
    try {
      await this.connected().notify(this.nodeId)
    } catch (error) {
      throw asDatabaseFailure(error)
    }
  }

  async leave(): Promise<void> {
    this.left = true
    this.cancelRetry()
    const connection = this.connection
    this.connection = undefined
    if (connection === undefined) return
    try {
      await connection.query('delete from nodes where id = $1', [this.nodeId])
      await connection.notify(this.nodeId)
    } catch (error) {
      // The lock goes with the connection, and the row with its lease.
      this.options.log.warn({ error: String(error) }, 'this process left the cluster without saying so')
    }
    await connection.close()
  }

  private connected(): SlotConnection {
    if (this.connection !== undefined) return this.connection
    throw new Failure('JOURNAL_UNAVAILABLE', 'this process is not connected to the cluster', { retryAfter: 1 })
  }

  private lost(connection: SlotConnection): void {
    if (this.left || this.connection !== connection) return
    this.connection = undefined
    this.options.log.warn({ slot: this.slot }, 'the connection to the cluster was lost; connecting again')
    this.retry(0)
  }

  private retry(tries: number): void {
    const { clock, ids, log } = this.options
    const delay = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** tries) * (0.5 + ids.random() / 2)
    this.cancelRetry = clock.after(delay, async () => {
      const before = this.slot
      try {
        await this.join()
        log.info({ before, slot: this.slot }, 'connected to the cluster again')
        this.tell()
      } catch (error) {
        // Connected, and lost again before it could renew: `lost` has begun another retry.
        if (this.connection === undefined && !this.left) this.retry(tries + 1)
        log.debug({ error: String(error) }, 'the cluster cannot be reached')
      }
    })
  }

  private tell(): void {
    for (const listener of this.listeners) listener()
  }
}

/**
 * One statement: own row renewed, or made again where it was removed; rows of the dead and of this slot's former holder
 * removed; every live process returned, by the clock of the database (N3).
 *   alive   its lease is not over, and its connection holds the lock of its slot (N2), or it renewed so recently that it
 *           may be connecting again.
 *   booted  when a restart of the server took every lock, who was there before it has a lease from then on: the first
 *           that reconnects must not take the others for dead. A crash restarts the checkpointer, but not the postmaster.
 */
const renewing = `with mine as (
    insert into nodes (id, name, slot, roles, weight, url, state, started_at, renewed_at, expires_at, detail)
    values ($1, $2, $3, $4, $5, $6, $7, coalesce(to_timestamp($10::float8 / 1000), now()), now(),
      now() + $9::float8 * interval '1 millisecond', $8)
    on conflict (id) do update set slot = excluded.slot, state = excluded.state, renewed_at = excluded.renewed_at,
      expires_at = excluded.expires_at, detail = excluded.detail
    returning *
  ), gone as (
    delete from nodes where id in (
      select id from nodes where id <> $1 and (slot = $3 or expires_at < now() - interval '10 minutes')
      for update skip locked)
  ), booted as materialized (
    select greatest(pg_postmaster_start_time(),
      (select backend_start from pg_stat_activity where backend_type = 'checkpointer')) as at
  ), locked as materialized (
    select objid::int8 as slot from pg_locks
    where locktype = 'advisory' and classid = $11::int8::oid and objsubid = 2 and granted
      and database = (select oid from pg_database where datname = current_database())
  ), alive as (
    select * from mine
    union all
    select n.* from nodes n, booted where n.id <> $1 and n.slot <> $3 and case
      when n.renewed_at < booted.at then now() < booted.at + $9::float8 * interval '1 millisecond'
        and n.expires_at > booted.at - interval '10 minutes'
      else n.expires_at > now()
        and (n.renewed_at > now() - interval '600 milliseconds' or exists (select from locked l where l.slot = n.slot))
      end
  )
  select id, name, slot, roles, weight, url, state, detail, id = $1 as own,
    (extract(epoch from started_at) * 1000)::float8 as "startedAt"
  from alive order by slot`
