import { spawn } from 'node:child_process'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { packageRoot } from '../../infra/package-root.ts'
import { describeNeeding } from './needs.ts'

/** Path of a Python that has `openai` installed; .ci/run makes one. */
const VARIABLE = 'SOMA_TEST_PYTHON'

const how = 'a Python that has openai: python3 -m venv DIR && DIR/bin/pip install openai, then DIR/bin/python'

/** `describe` for specs that need Python's client of OpenAI. */
export function describePython(title: string, body: (python: string) => void): void {
  describeNeeding(VARIABLE, how, title, body)
}

/** Runs a script of spec/support; JSON in, JSON out. */
export async function runPython(python: string, script: string, input: unknown): Promise<unknown> {
  const child = spawn(python, [path.join(packageRoot, 'spec/support', script)], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(JSON.stringify(input))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  if (code !== 0) throw new Error(`${script} exited with ${code}:\n${stderr}`)
  return JSON.parse(stdout)
}
