/** What /readyz and `soma doctor` say: each dependency, and what to do when it is down. */
export interface HealthReport {
  readonly ready: boolean
  readonly dependencies: readonly DependencyHealth[]
}

export interface DependencyHealth {
  readonly name: string
  /** The service is not ready without it. */
  readonly required: boolean
  readonly ok: boolean
  readonly detail: string
  /** Empty when there is nothing to do. */
  readonly remedy: string
  readonly ms: number
  /** Where it was looked for, and which variable said so; of what is outside this process. */
  readonly address?: string
  readonly variable?: string
  /** The kind of trouble: refused, unresponsive, unauthorized… */
  readonly cause?: string | undefined
}
