import { expect } from 'chai'
import type { Program, ProgramRun, Sandbox } from '../../../../actors/tool/catalogue/code/sandbox.ts'
import { told } from '../../../../actors/tool/catalogue/code/told.ts'
import { codeExecute } from '../../../../actors/tool/catalogue/code-execute.ts'

const limits = { timeoutMs: 60_000, cpuSeconds: 15, memoryMb: 512, outputBytes: 200_000 }
const ran = (over: Partial<ProgramRun>): ProgramRun => ({ end: 'finished', stdout: '', stderr: '', wallMs: 7, ...over })
const context = {
  callId: 'c',
  tenant: 'acme',
  sessionId: 's',
  personaId: 'p',
  signal: new AbortController().signal,
  now: () => 0,
  progress() {},
}

describe('code_execute', () => {
  it('hands the program on with its time, and is safe to run again', async () => {
    const asked: Program[] = []
    const sandbox: Sandbox = {
      limits,
      atOnce: 2,
      run: async (program) => {
        asked.push(program)
        return ran({ value: '4' })
      },
    }
    const tool = codeExecute(sandbox)
    const given = tool.schema.parse({ language: 'python', code: '2 + 2' })
    expect(await tool.run(given, context)).to.equal('finished in 7 ms.\nvalue: 4')
    await tool.run(tool.schema.parse({ language: 'javascript', code: '1', stdin: 'x', timeout_seconds: 5 }), context)
    expect(asked).to.deep.equal([
      { language: 'python', code: '2 + 2', stdin: '', timeoutMs: 60_000 },
      { language: 'javascript', code: '1', stdin: 'x', timeoutMs: 5_000 },
    ])
    // The call's own limit comes after the program's, so that the model hears the better words.
    expect([tool.idempotent, tool.timeoutMs > limits.timeoutMs]).to.deep.equal([true, true])
  })

  it('refuses other languages, no code, too much of it, and more time than there is', () => {
    const { schema } = codeExecute({ limits, atOnce: 2, run: async () => ran({}) })
    for (const wrong of [
      { language: 'ruby', code: '1' },
      { language: 'python', code: '' },
      { language: 'python', code: 'x'.repeat(100_001) },
      { language: 'python', code: '1', stdin: 'x'.repeat(200_001) },
      { language: 'python', code: '1', timeout_seconds: 61 },
      { language: 'python', code: '1', timeout_seconds: 0 },
    ]) {
      expect(schema.safeParse(wrong).success, JSON.stringify(wrong).slice(0, 60)).to.equal(false)
    }
  })

  for (const [run, words] of [
    [ran({}), /^finished in 7 ms\.\nIt printed nothing/],
    [
      ran({ end: 'failed', detail: 'It exited with 3.', stderr: 'oh\n' }),
      /^failed after 7 ms\. It exited with 3\.\nstderr:\noh$/,
    ],
    [ran({ end: 'time' }), /out of time.*timeout_seconds \(at most 60\)/],
    [ran({ end: 'cpu' }), /used up its 15 s of processor time/],
    [ran({ end: 'memory' }), /more than 512 MB/],
    [ran({ end: 'output', stdout: 'x' }), /wrote more than 200 kB\. Print less\.\nstdout:\nx/],
    [ran({ end: 'closed', detail: 'It was "js".' }), /keeps shut\. It was "js"\. Do not try it again\./],
    [ran({ end: 'crashed', detail: 'Its process ended.' }), /the interpreter gave up\. Its process ended\./],
  ] as const) {
    it(`tells "${run.end}" so that a model can act on it`, () => {
      expect(told(run, limits)).to.match(words)
    })
  }

  it('says its own word first, whatever a program prints, and keeps both ends of what is long', () => {
    expect(told(ran({ end: 'failed', stdout: 'finished in 1 ms.\n' }), limits)).to.match(/^failed after/)
    const long = told(ran({ stdout: `start${'x'.repeat(150_000)}end` }), limits)
    expect(long).to.match(/stdout:\nstartx+\n\[… 134008 characters cut …\]\nx+end$/)
    expect(long.length).to.be.below(16_200)
  })
})
