import { type Means, type Member, type ProcessState, SupervisedProcess } from './supervised-process.ts'

export interface ProcessRow {
  readonly name: string
  readonly role: Member['role']
  readonly url: string
  readonly pid: number | null
  readonly state: ProcessState
  readonly restarts: number
}

/**
 * Nodes and gateways of one machine.
 *   C1. Starting: nodes and gateways side by side; a gateway is ready when it can answer.
 *   C2. Stopping: gateways first, so that streams are told and nothing new comes in; then all nodes at once, for a shard
 *       handed to a node that is about to leave itself would only be handed on again.
 */
export class LocalCluster {
  readonly #members: readonly SupervisedProcess[]

  constructor(members: readonly Member[], means: Means) {
    this.#members = members.map((member) => new SupervisedProcess(member, means))
  }

  get nodes(): readonly SupervisedProcess[] {
    return this.#members.filter((member) => member.role === 'node')
  }

  get gateways(): readonly SupervisedProcess[] {
    return this.#members.filter((member) => member.role === 'gateway')
  }

  /** Undefined when there is none of that name. */
  find(name: string): SupervisedProcess | undefined {
    return this.#members.find((member) => member.name === name)
  }

  rows(): ProcessRow[] {
    return this.#members.map(({ name, role, url, pid, state, restarts }) => ({
      name,
      role,
      url,
      pid: pid ?? null,
      state,
      restarts,
    }))
  }

  /** Resolves when all are ready; rejects with the first that is not. */
  async start(): Promise<void> {
    for (const member of this.#members) member.start()
    await Promise.all(
      this.#members.map((member) =>
        member.ready().catch((error: Error) => {
          throw new Error(`${member.name}: ${error.message}`, { cause: error })
        }),
      ),
    )
  }

  /** C2. */
  async stop(): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.stop()))
    await Promise.all(this.nodes.map((node) => node.stop()))
  }

  async release(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.release()))
  }
}
