import { openAsBlob } from 'node:fs'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { type CliMeans, withService } from './command-context.ts'
import { exitCodes, UsageError } from './problem.ts'

export function uploadCommand(
  program: Command,
  means: CliMeans,
  run: (result: Promise<number>) => Promise<void>,
): void {
  program
    .command('upload')
    .description('put files into a session, for its messages to name')
    .argument('<file...>', 'files')
    .option('--session <id>', 'session; a new one without it')
    .addHelpText('after', '\nExample:\n  $ soma upload report.pdf --session notes')
    .action((files: string[], options: { session?: string }, command: Command) =>
      run(
        withService(command, means, async ({ client, print }) => {
          const parts = await Promise.all(
            files.map(async (file) => ({ name: basename(file), bytes: await blobOf(file) })),
          )
          const saved = await client.upload(parts, options.session)
          for (const one of saved) {
            const bad = one.quarantine_reason === null ? '' : `  quarantined: ${one.quarantine_reason}`
            print(
              one,
              () => `${one.path}  ${one.filename}  ${one.mime}  ${one.size} bytes  session ${one.session_id}${bad}`,
            )
          }
          return saved.every(({ status }) => status === 'clean') ? exitCodes.ok : exitCodes.failed
        }),
      ),
    )
}

/** Read as it is sent, never whole. */
async function blobOf(file: string): Promise<Blob> {
  try {
    return await openAsBlob(file)
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}.`)
  }
}
