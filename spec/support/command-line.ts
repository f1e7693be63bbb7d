import { PassThrough } from 'node:stream'
import { systemIds } from '../../infra/clock.ts'
import type { CliMeans } from '../../transports/cli/command-context.ts'
import { runCli } from '../../transports/cli/program.ts'

/** The `soma` command line in this process, against the service at `url`. */
export function commandLine(url: () => string) {
  /** A run of the command line on streams that the spec holds. */
  function start(args: readonly string[], means: Partial<CliMeans> = {}, isTTY = false) {
    const input = Object.assign(new PassThrough(), { isTTY })
    const [output, errors] = [new PassThrough(), new PassThrough()]
    const told = { out: '', err: '' }
    output.on('data', (chunk) => {
      told.out += chunk
    })
    errors.on('data', (chunk) => {
      told.err += chunk
    })
    const ended = runCli(args, {
      version: '0.0.0',
      terminal: { input, output, errors, color: false },
      newKey: systemIds.uuid,
      defaults: () => ({ url: url(), port: 8010, token: undefined, local: false }),
      startLocal: () => Promise.reject(new Error('not asked for')),
      serve: async () => {},
      migrate: async () => '0001-initial.sql',
      doctor: async () => [],
      localClusters: () => Promise.reject(new Error('not asked for')),
      drills: () => Promise.reject(new Error('not asked for')),
      ...means,
    })
    /** Resolves once this text was printed. */
    const printed = (text: string) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (!told.out.includes(text)) return
          output.off('data', look)
          resolve()
        }
        output.on('data', look)
        look()
      })
    return { input, told, ended, printed }
  }

  async function soma(args: readonly string[], given = '', means: Partial<CliMeans> = {}) {
    const { input, told, ended } = start(args, means)
    input.end(given)
    const code = await ended
    const json = () =>
      told.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    return { code, ...told, json }
  }

  return { start, soma }
}
