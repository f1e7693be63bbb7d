/**
 * The catalogue of failures: one code, what the supervisor does with it, what a client is answered, and the remedy.
 * docs/ERRORS.md is compared with this table by a spec. Expected outcomes are values; a Failure is thrown only for
 * what the code at hand cannot answer.
 *
 * Dispositions: `reply` tell the caller; `retry` restart the actor with backoff; `passivate` stop it quietly (its
 * owner is elsewhere); `dead-letter` park the message and go on; `fatal` the process cannot go on.
 */
export type Disposition = 'reply' | 'retry' | 'passivate' | 'dead-letter' | 'fatal'

interface FailureKind {
  readonly disposition: Disposition
  readonly status: number
  readonly title: string
  readonly remedy: string
}

export const failures = {
  // Requests
  INVALID_REQUEST: {
    disposition: 'reply',
    status: 400,
    title: 'The request does not fit its schema',
    remedy: 'Compare the fields named in `errors` with /openapi.json.',
  },
  MALFORMED_JSON: {
    disposition: 'reply',
    status: 400,
    title: 'The body is not valid JSON',
    remedy: 'Send well-formed JSON in UTF-8 with content-type application/json.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    disposition: 'reply',
    status: 415,
    title: 'The content type is not understood',
    remedy: 'Send application/json.',
  },
  PAYLOAD_TOO_LARGE: {
    disposition: 'reply',
    status: 413,
    title: 'The payload is larger than allowed',
    remedy: 'Send less than SOMA_MAX_BODY_BYTES, or upload the content as a file.',
  },
  INVALID_CURSOR: {
    disposition: 'reply',
    status: 400,
    title: 'The cursor is not one that this service gave',
    remedy: 'Use an id or next_cursor from an earlier answer, or leave the cursor out to read from the start.',
  },
  ROUTE_NOT_FOUND: {
    disposition: 'reply',
    status: 404,
    title: 'There is no such route',
    remedy: 'See /docs for the routes.',
  },
  METHOD_NOT_ALLOWED: {
    disposition: 'reply',
    status: 405,
    title: 'The route does not take this method',
    remedy: 'Use a method named in the Allow header.',
  },
  IDEMPOTENCY_CONFLICT: {
    disposition: 'reply',
    status: 422,
    title: 'The Idempotency-Key was used with another request',
    remedy: 'Use a new key for a new request.',
  },
  // Uploads and attachments
  UPLOAD_INVALID: {
    disposition: 'reply',
    status: 400,
    title: 'The upload cannot be taken as it is',
    remedy:
      'Send multipart/form-data: the field session_id first, then 1 to 10 fields named files, each with a filename.',
  },
  UPLOAD_TOO_LARGE: {
    disposition: 'reply',
    status: 413,
    title: 'A file, or their number, is larger than allowed',
    remedy: 'Send smaller files, or fewer at once: SOMA_UPLOAD_MAX_BYTES and SOMA_UPLOAD_MAX_FILES.',
  },
  UPLOAD_TIMEOUT: {
    disposition: 'reply',
    status: 408,
    title: 'The upload did not end in time',
    remedy:
      'Send it again, with the same Idempotency-Key: files that arrived are not stored twice. See SOMA_UPLOAD_SECONDS.',
  },
  UPLOAD_LIMIT: {
    disposition: 'reply',
    status: 409,
    title: 'The session holds as much as it may',
    remedy: 'Use a new session, or raise SOMA_SESSION_ATTACHMENTS_MAX or SOMA_SESSION_ATTACHMENT_BYTES.',
  },
  ATTACHMENT_NOT_FOUND: {
    disposition: 'reply',
    status: 404,
    title: 'There is no such attachment for this tenant and session',
    remedy: 'Upload the file with POST /v1/uploads and use the path or id that it answers.',
  },
  ATTACHMENT_QUARANTINED: {
    disposition: 'reply',
    status: 403,
    title: 'The attachment is quarantined',
    remedy: 'Ask an operator, who can release or delete it: /v1/admin/attachments.',
  },
  CONTENT_INVALID: {
    disposition: 'reply',
    status: 400,
    title: 'A part of the content cannot be taken as it is',
    remedy:
      'See `param`. Images are png, jpeg, gif or webp, files are PDF, text, Markdown, HTML or DOCX; each in base64, as a data: URL.',
  },
  CONTENT_NOT_FETCHED: {
    disposition: 'reply',
    status: 400,
    title: 'The address in a part of the content was not fetched',
    remedy:
      'Send the content itself, as a data: URL in base64. Addresses are fetched only with SOMA_OPENAI_FETCH_URLS, from public hosts.',
  },
  DOCUMENT_UNREADABLE: {
    disposition: 'reply',
    status: 422,
    title: 'No text can be read from the document',
    remedy: 'The detail says why: save it again without a password, as a text, HTML, PDF or DOCX file that has text.',
  },
  // Who may
  UNAUTHENTICATED: {
    disposition: 'reply',
    status: 401,
    title: 'No valid credential',
    remedy: 'Send Authorization: Bearer with a token that the configured issuer signed.',
  },
  FORBIDDEN: {
    disposition: 'reply',
    status: 403,
    title: 'This credential may not do that',
    remedy: 'Ask for the scope named in the detail.',
  },
  ORIGIN_REJECTED: {
    disposition: 'reply',
    status: 403,
    title: 'A web page from elsewhere may not call this service',
    remedy: 'Open the page that this service serves itself, or add the origin to SOMA_ALLOWED_ORIGINS.',
  },
  HOST_REJECTED: {
    disposition: 'reply',
    status: 421,
    title: 'The Host header is not one of this service',
    remedy: 'Use the printed address, or add the host to SOMA_ALLOWED_HOSTS.',
  },
  // Sessions
  SESSION_NOT_FOUND: {
    disposition: 'reply',
    status: 404,
    title: 'There is no such session for this tenant',
    remedy:
      'List your sessions with GET /v1/sessions. A new one begins by a name or a random UUID, not by a UUID of version 5.',
  },
  SESSION_DELETED: {
    disposition: 'reply',
    status: 410,
    title: 'The session was deleted',
    remedy: 'Start a new session.',
  },
  SESSION_QUARANTINED: {
    disposition: 'reply',
    status: 503,
    title: 'The session is quarantined after repeated failures',
    remedy: 'An operator inspects it with `soma quarantine` and resumes it.',
  },
  TURN_QUEUE_FULL: {
    disposition: 'reply',
    status: 429,
    title: 'The session has too many turns waiting',
    remedy: 'Wait for the running turn, or stop it.',
  },
  TURN_NOT_FOUND: {
    disposition: 'reply',
    status: 404,
    title: 'There is no such turn',
    remedy: 'Use the id of an earlier answer of this session.',
  },
  NOTHING_PENDING: {
    disposition: 'reply',
    status: 409,
    title: 'Step mode holds nothing that this is about',
    remedy: 'See what is held now with `soma step SESSION show`: the step may have gone on, or the session be paused.',
  },
  DRY_RUN_BUSY: {
    disposition: 'reply',
    status: 429,
    title: 'Too many dry runs are in progress',
    remedy: 'Wait for Retry-After and ask again.',
  },
  PERSONA_NOT_FOUND: {
    disposition: 'reply',
    status: 422,
    title: 'There is no such persona',
    remedy: 'Add its file to the personas folder, or use one that GET /v1/personas lists.',
  },
  UNKNOWN_ACTION: {
    disposition: 'reply',
    status: 422,
    title: 'There is no such action',
    remedy: 'Use one of the actions named in the detail.',
  },
  // Limits
  STEP_LIMIT: {
    disposition: 'reply',
    status: 429,
    title: 'The turn took more steps than allowed',
    remedy: 'Ask for less in one turn, or raise the persona’s limits.steps.',
  },
  REPEATED_CALL: {
    disposition: 'reply',
    status: 429,
    title: 'The model made the same call again and again',
    remedy: 'Rephrase the request, or raise limits.identicalCalls.',
  },
  TURN_DEADLINE: {
    disposition: 'reply',
    status: 504,
    title: 'The turn did not finish in time',
    remedy: 'Ask again, or raise limits.turnSeconds.',
  },
  BUDGET_EXCEEDED: {
    disposition: 'reply',
    status: 429,
    title: 'The budget is used up',
    remedy: 'Wait for the next UTC day, or raise the budget named in the detail.',
  },
  HISTORY_TOO_LONG: {
    disposition: 'reply',
    status: 422,
    title: 'The conversation no longer fits the model',
    remedy: 'Reset the session or start a new one.',
  },
  // Model
  MODEL_UNAVAILABLE: {
    disposition: 'reply',
    status: 503,
    title: 'The model does not answer',
    remedy: 'See that OPENAI_BASE_URL is reachable; `soma doctor` tries it.',
  },
  MODEL_REJECTED: {
    disposition: 'reply',
    status: 502,
    title: 'The model endpoint refused the request',
    remedy: 'See the detail: usually the key, the model’s name, or its context length.',
  },
  MODEL_GARBLED: {
    disposition: 'reply',
    status: 502,
    title: 'The model answered with something that is not the protocol',
    remedy: 'See that the endpoint speaks OpenAI chat completions.',
  },
  MODEL_NOT_FOUND: {
    disposition: 'reply',
    status: 404,
    title: 'There is no such model',
    remedy: 'Use one that GET /v1/models lists.',
  },
  // Tools
  TOOL_NOT_FOUND: {
    disposition: 'reply',
    status: 404,
    title: 'There is no such tool',
    remedy: 'Use one that GET /v1/tools lists.',
  },
  TOOL_ARGUMENTS: {
    disposition: 'reply',
    status: 422,
    title: 'The arguments do not fit the tool’s schema',
    remedy: 'Compare them with the schema that GET /v1/tools shows.',
  },
  TOOL_DENIED: {
    disposition: 'reply',
    status: 403,
    title: 'Policy denies this tool call',
    remedy: 'See the reason; an operator changes the policy file.',
  },
  SCHEDULE_LIMIT: {
    disposition: 'reply',
    status: 422,
    title: 'The timer is beyond a limit',
    remedy: 'Cancel another timer, choose a longer interval, or raise SOMA_TIMERS_PER_SESSION or SOMA_TIMER_SECONDS.',
  },
  TIMER_NOT_FOUND: {
    disposition: 'reply',
    status: 404,
    title: 'The session has no such timer',
    remedy: 'Use the id or name of one that GET /v1/sessions/{id}/timers lists.',
  },
  DELEGATION_NOT_FOUND: {
    disposition: 'reply',
    status: 404,
    title: 'There is no such task',
    remedy: 'Use the task_id that POST /v1/delegation/task answered, with a token of the same tenant.',
  },
  DELEGATION_LIMIT: {
    disposition: 'reply',
    status: 422,
    title: 'No more can be delegated',
    remedy: 'Do the task in this session, or raise SOMA_DELEGATION_DEPTH or SOMA_DELEGATION_CHILDREN.',
  },
  POLICY_UNAVAILABLE: {
    disposition: 'reply',
    status: 503,
    title: 'No policy decision could be had, so nothing ran',
    remedy: 'See that the policy service or file is readable.',
  },
  TOOL_TIMEOUT: {
    disposition: 'reply',
    status: 504,
    title: 'The tool did not finish in time',
    remedy: 'Ask for less, or raise the tool’s timeout.',
  },
  TOOL_FAILED: { disposition: 'reply', status: 502, title: 'The tool failed', remedy: 'See the detail.' },
  TOOL_TRANSIENT: {
    disposition: 'reply',
    status: 502,
    title: 'The tool failed, for now',
    remedy: 'Ask again later; a tool that declares `retry` was tried again already.',
  },
  TOOL_QUEUE_FULL: {
    disposition: 'reply',
    status: 429,
    title: 'Too many calls wait for the tool',
    remedy:
      'Ask again after the time told, for fewer at once; or raise TOOL_EXECUTOR_MAX_CONCURRENT, or add tool nodes.',
  },
  CIRCUIT_OPEN: {
    disposition: 'reply',
    status: 503,
    title: 'The tool failed too often and is given a rest',
    remedy: 'See why it failed; after the time told one call tries it again.',
  },
  TOOL_DISABLED: {
    disposition: 'reply',
    status: 403,
    title: 'An operator has switched the tool off',
    remedy: 'See the reason; PUT /v1/tool-catalog/{name} switches it on again.',
  },
  REQUEUED_CALL_NOT_FOUND: {
    disposition: 'reply',
    status: 404,
    title: 'There is no such denied call',
    remedy: 'List those that wait with GET /v1/requeue.',
  },
  REQUEUED_CALL_RESOLVED: {
    disposition: 'reply',
    status: 409,
    title: 'Another has resolved the denied call otherwise',
    remedy: 'See who and why in the detail; ask for the call anew if it must run.',
  },
  TOOL_OUTCOME_UNKNOWN: {
    disposition: 'reply',
    status: 502,
    title: 'The tool was running when its node or server died; whether it took effect is unknown',
    remedy: 'Check the effect before you ask for it again.',
  },
  BLOCKED_ADDRESS: {
    disposition: 'reply',
    status: 403,
    title: 'The address is not one that tools may reach',
    remedy: 'Only public http and https addresses are allowed.',
  },
  BLOCKED_PATH: {
    disposition: 'reply',
    status: 403,
    title: 'The path is not one that tools may read',
    remedy: 'Name a regular file below the tenant’s folder in SOMA_FILES_DIR, without links that lead out of it.',
  },
  SANDBOX_BUSY: {
    disposition: 'reply',
    status: 503,
    title: 'Too many programs wait for a sandbox',
    remedy: 'Try again after Retry-After; operators: see TOOL_EXECUTOR_SANDBOXES.',
  },
  SANDBOX_UNAVAILABLE: {
    disposition: 'reply',
    status: 503,
    title: 'No sandbox can be had for a program',
    remedy: 'See the detail, and docs/SANDBOX.md for what the sandbox needs of the system.',
  },
  MCP_UNAVAILABLE: {
    disposition: 'retry',
    status: 503,
    title: 'The MCP server of this tool is not running',
    remedy: 'It is started again by itself; `soma mcp` says what is wrong with it.',
  },
  // Actors
  MAILBOX_FULL: {
    disposition: 'reply',
    status: 503,
    title: 'The actor has too many messages waiting',
    remedy: 'Send again after Retry-After.',
  },
  ACTOR_STOPPED: {
    disposition: 'retry',
    status: 503,
    title: 'The actor is stopping',
    remedy: 'Send again after Retry-After.',
  },
  ASK_TIMEOUT: {
    disposition: 'retry',
    status: 504,
    title: 'No answer before the deadline',
    remedy: 'Send again; the same Idempotency-Key never does it twice.',
  },
  EXPIRED: {
    disposition: 'dead-letter',
    status: 504,
    title: 'The message outlived its deadline before it was handled',
    remedy: 'Replay it with `soma dead-letters replay` if it still matters.',
  },
  MALFORMED_MESSAGE: {
    disposition: 'dead-letter',
    status: 422,
    title: 'The message cannot be understood by its actor',
    remedy: 'Inspect it with `soma dead-letters`.',
  },
  UNROUTABLE: {
    disposition: 'dead-letter',
    status: 404,
    title: 'No actor has this address',
    remedy: 'Inspect it with `soma dead-letters`.',
  },
  DEAD_LETTER_NOT_FOUND: {
    disposition: 'reply',
    status: 404,
    title: 'There is no such dead letter',
    remedy: 'List them with `soma dead-letters`.',
  },
  NOT_QUARANTINED: {
    disposition: 'reply',
    status: 404,
    title: 'The address is not quarantined',
    remedy: 'List those that are with `soma quarantine`.',
  },
  POISON_MESSAGE: {
    disposition: 'dead-letter',
    status: 500,
    title: 'Handling the message failed again and again',
    remedy: 'Inspect it with `soma quarantine`, then edit, drop or retry it.',
  },
  // Journal
  EPOCH_FENCED: {
    disposition: 'passivate',
    status: 503,
    title: 'Another node owns this shard now',
    remedy: 'Nothing to do: the message goes on at its new owner.',
  },
  JOURNAL_CONFLICT: {
    disposition: 'retry',
    status: 503,
    title: 'The journal holds newer events than this activation',
    remedy: 'Nothing to do: the actor recovers from the journal.',
  },
  JOURNAL_UNAVAILABLE: {
    disposition: 'retry',
    status: 503,
    title: 'The journal cannot be written',
    remedy: 'See the disk or POSTGRES_DSN; `soma doctor` tells which.',
  },
  UNREADABLE_EVENT: {
    disposition: 'retry',
    status: 500,
    title: 'A journaled event cannot be read by this version',
    remedy: 'Run a version that knows the event, or restore its upcaster.',
  },
  // Memory
  MEMORY_NOT_FOUND: {
    disposition: 'reply',
    status: 404,
    title: 'There is no such memory for this tenant',
    remedy: 'List them with GET /v1/memory or `soma memory list`.',
  },
  MEMORY_DENIED: {
    disposition: 'reply',
    status: 403,
    title: 'Policy denies this change of memory',
    remedy: 'See the reason in the detail; operators: a rule with `action: memory.write` in the policy file.',
  },
  MEMORY_FULL: {
    disposition: 'reply',
    status: 507,
    title: 'No more memories fit into this part of the namespace',
    remedy: 'Forget some, give them a time to live, or use another namespace.',
  },
  MEMORY_UNAVAILABLE: {
    disposition: 'reply',
    status: 503,
    title: 'The memory does not answer now',
    remedy:
      'Try again after Retry-After with the same Idempotency-Key: what was accepted is not lost, and is applied once.',
  },
  DRAINING: {
    disposition: 'reply',
    status: 503,
    title: 'The service is shutting down',
    remedy: 'Send again after Retry-After, to any node.',
  },
  TOO_MANY_STREAMS: {
    disposition: 'reply',
    status: 503,
    title: 'Too many open streams',
    remedy: 'Close some, or raise SOMA_MAX_STREAMS.',
  },
  TOO_MANY_LARGE_REQUESTS: {
    disposition: 'reply',
    status: 503,
    title: 'Too many requests with files in them are being read',
    remedy:
      'Send it again after Retry-After, or upload the files with POST /v1/uploads, which holds none of them in memory.',
  },
  SLOW_READER: {
    disposition: 'reply',
    status: 408,
    title: 'The reader fell too far behind and was cut off',
    remedy: 'Reconnect with the last cursor; nothing is lost.',
  },
  INTERNAL: { disposition: 'retry', status: 500, title: 'A defect of this service', remedy: 'Report the trace id.' },
  MAILBOX_UNAVAILABLE: {
    disposition: 'retry',
    status: 503,
    title: 'The mailbox cannot store messages now',
    remedy: 'Try again after Retry-After with the same Idempotency-Key; operators: see the brokers in /readyz.',
  },
  NODE_NOT_FOUND: {
    disposition: 'reply',
    status: 404,
    title: 'No such process is in the cluster',
    remedy: 'See `soma nodes` for those that are.',
  },
  NODE_UNREACHABLE: {
    disposition: 'reply',
    status: 503,
    title: 'The process that owns this did not answer',
    remedy: 'Try again: another takes over within seconds when it is gone.',
  },
  DRILL_NOT_FOUND: {
    disposition: 'reply',
    status: 404,
    title: 'There is no report of such a drill',
    remedy: 'See `soma drills` for those that there are.',
  },
  DRILL_BUSY: {
    disposition: 'reply',
    status: 409,
    title: 'A drill is running already',
    remedy: 'Wait for its report, or stop it on the page or with POST /v1/admin/drill-runs/{id}/stop.',
  },
  DRILL_REFUSED: {
    disposition: 'reply',
    status: 403,
    title: 'This drill is not for this cluster',
    remedy: 'See the detail; `soma drill NAME` without --cluster starts a cluster of its own.',
  },
  // Start
  CLUSTER_NOT_READY: {
    disposition: 'fatal',
    status: 500,
    title: 'A process of the local cluster did not become ready',
    remedy: 'See the end of its log in the detail.',
  },
  DEPENDENCY_UNAVAILABLE: {
    disposition: 'fatal',
    status: 500,
    title: 'Something that the service cannot start without does not answer as it should',
    remedy: 'See the dependency and the remedy named in the detail; `soma doctor` looks again.',
  },
  CONFIG_INVALID: {
    disposition: 'fatal',
    status: 500,
    title: 'The configuration is not usable',
    remedy: 'See the variable named in the detail.',
  },
  DATA_DIR_UNUSABLE: {
    disposition: 'fatal',
    status: 500,
    title: 'The data directory cannot be used',
    remedy: 'Make SOMA_DATA_DIR writable, or choose another.',
  },
  DATABASE_IN_USE: {
    disposition: 'fatal',
    status: 500,
    title: 'Another process uses this database',
    remedy: 'Stop it, or give POSTGRES_DSN a database of its own.',
  },
  DATA_DIR_IN_USE: {
    disposition: 'fatal',
    status: 500,
    title: 'Another process uses this data directory',
    remedy: 'Stop it (its id is in the detail), or set SOMA_DATA_DIR to another folder.',
  },
  PORT_IN_USE: {
    disposition: 'fatal',
    status: 500,
    title: 'The port is taken',
    remedy: 'Set SOMA_PORT to a free one.',
  },
  SCHEMA_TOO_NEW: {
    disposition: 'fatal',
    status: 500,
    title: 'The database was migrated by a newer version',
    remedy: 'Run that version or newer.',
  },
  // Memory search
  MEMORY_INDEX_LOST: {
    disposition: 'retry',
    status: 503,
    title: 'The search index of a memory shard is gone',
    remedy: 'Try again: the shard starts anew and builds its index from the journal, where nothing was lost.',
  },
  EMBEDDING_UNAVAILABLE: {
    disposition: 'reply',
    status: 503,
    title: 'The embedding model does not answer',
    remedy:
      'Memory is searched by words meanwhile. See SOMA_EMBEDDING_BASE_URL and SOMA_EMBEDDING_API_KEY, or set SOMA_EMBEDDING_MODEL to local or none.',
  },
} as const satisfies Record<string, FailureKind>

export type FailureCode = keyof typeof failures

/** A failure with its code. `detail` is for the person who reads it and never holds a secret. */
export class Failure extends Error {
  readonly code: FailureCode
  readonly detail: string
  /** Seconds after which trying again makes sense. */
  readonly retryAfter: number | undefined
  /** Field-level problems of INVALID_REQUEST and TOOL_ARGUMENTS. */
  readonly errors: readonly { readonly path: string; readonly message: string }[] | undefined

  constructor(
    code: FailureCode,
    detail: string,
    options: {
      cause?: unknown
      retryAfter?: number
      errors?: readonly { readonly path: string; readonly message: string }[]
    } = {},
  ) {
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Failure'
    this.code = code
    this.detail = detail
    this.retryAfter = options.retryAfter
    this.errors = options.errors
  }

  get disposition(): Disposition {
    return failures[this.code].disposition
  }
}

export function isFailure(error: unknown, code?: FailureCode): error is Failure {
  return error instanceof Failure && (code === undefined || error.code === code)
}

/** Anything thrown, as a Failure: what has no code is a defect (INTERNAL). */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  return new Failure('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error })
}
