import { choice, known, whole } from './config-kinds.ts'

/** What bounds the work of tools, of tasks that are delegated, and of timers. */
export const toolVariables = {
  TOOL_EXECUTOR_MAX_CONCURRENT: known(whole(1, 10_000, 64), 'Calls of one tool that run at once in this process.'),
  TOOL_EXECUTOR_MAX_WAITING: known(
    whole(1, 1_000_000, 1_000),
    'Calls of one tool that may wait for a slot in this process.',
  ),
  TOOL_EXECUTOR_MAX_WAITING_PER_TENANT: known(
    whole(1, 1_000_000, 200),
    'Of those, how many may be one tenant’s; slots go to tenants in turn.',
  ),
  TOOL_EXECUTOR_MAX_ARTIFACT_BYTES: known(
    whole(1, 1_000_000_000, 10_000_000),
    'Output of a tool that is cut is kept as an attachment up to this size.',
  ),
  SOMA_DELEGATION_DEPTH: known(
    whole(0, 10, 3),
    'Sessions below a person’s, each doing a task of the one above; 0: nobody delegates.',
  ),
  SOMA_DELEGATION_CHILDREN: known(whole(1, 64, 8), 'Tasks that one turn may delegate.'),
  SOMA_DELEGATION_SECONDS: known(
    whole(1, 86_400, 540),
    'How long a delegated task may take; keep it below the turnSeconds of the personas that delegate.',
  ),
  SOMA_TIMERS_PER_SESSION: known(whole(0, 1_000, 32), 'Timers that one session may have; 0: none.'),
  SOMA_TIMER_SECONDS: known(whole(1, 86_400, 60), 'The shortest interval at which one timer may fire.'),
  TOOL_EXECUTOR_TIMEOUT: known(whole(1, 3_600, 60), 'Seconds that a program of code_execute may run.'),
  TOOL_EXECUTOR_CPU_SECONDS: known(whole(1, 3_600, 15), 'Of these, seconds of processor time.'),
  TOOL_EXECUTOR_MEMORY_MB: known(whole(32, 2_048, 512), 'Memory that such a program may use.'),
  TOOL_EXECUTOR_SANDBOXES: known(whole(0, 256, 0), 'Such programs that run at once; 0 is one for each processor.'),
  SOMA_SANDBOX: known(
    choice(['auto', 'strict'], 'auto'),
    'strict: code_execute refuses where the system lacks a wall of docs/SANDBOX.md; auto: it runs behind those there are.',
  ),
} as const
