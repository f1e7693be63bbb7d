/** Where the brokers are and how they are spoken to (infra/config/config.ts reads it from the environment). */
export interface KafkaSettings {
  /** host:port */
  readonly brokers: readonly string[]
  readonly ssl: boolean
  readonly sasl:
    | {
        readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
        readonly username: string
        readonly password: string
      }
    | undefined
  /** Put before every topic name. */
  readonly topicPrefix: string
  /** Copies of each partition of a topic that is created; 0: 3, or as many as there are brokers. */
  readonly replication: number
}
