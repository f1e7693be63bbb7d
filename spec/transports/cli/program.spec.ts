import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { loadConfig } from '../../../infra/config/config.ts'
import { serve } from '../../../infra/serve.ts'
import { commandLine } from '../../support/command-line.ts'
import { layDatabase } from '../../support/persistence-under-test.ts'

describe('soma', function () {
  this.timeout(60_000)
  let dataDir: string
  let service: Awaited<ReturnType<typeof serve>>

  before(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'soma-cli-'))
    await layDatabase(dataDir)
    const env = { SOMA_DATA_DIR: dataDir, SOMA_PORT: '0', SOMA_MODEL: 'rehearsal/script', LOG_LEVEL: 'silent' }
    service = await serve(loadConfig(env))
  })
  after(async () => {
    await service?.close()
    await rm(dataDir, { recursive: true, force: true })
  })

  const { start, soma } = commandLine(() => service.url)

  it('sends a message, waits for the answer and ends with 0', async () => {
    const { code, out } = await soma(['send', 'hello there'])
    expect(code).to.equal(0)
    expect(out).to.include('hello there').and.include('rehearsal/script')
  })

  it('prints the final event alone with --json, for another program to read', async () => {
    const { code, json } = await soma(['send', 'hello', '--json'])
    expect(code).to.equal(0)
    expect(json()).to.have.length(1)
    expect(json()[0]).to.nested.include({ type: 'assistant.final', 'metadata.outcome': 'completed' })
  })

  it('does not wait with --no-wait', async () => {
    const { code, json } = await soma(['send', 'hello', '--no-wait', '--json'])
    expect(code).to.equal(0)
    expect(json()[0]).to.have.all.keys('session_id', 'event_id')
  })

  it('reads the message from standard input for -', async () => {
    const { out } = await soma(['send', '-'], 'from a pipe\n')
    expect(out).to.include('from a pipe')
  })

  it('goes on with a session by a name of one’s own, and shows only the new answer', async () => {
    await soma(['send', 'first words', '--session', 'notes'])
    const { out } = await soma(['send', 'second words', '--session', 'notes'])
    expect(out).to.include('second words').and.not.include('first words')
    const shown = await soma(['show', 'notes', '--json'])
    expect(shown.json().filter(({ payload }) => payload.type === 'assistant.final')).to.have.length(2)
    expect(shown.json().map(({ id }) => id)).to.deep.equal(shown.json().map((_, index) => index + 1))
  })

  it('takes the lines of a pipe as turns, one after another (C2)', async () => {
    const { code, out } = await soma(['chat'], 'alpha\nbravo\n')
    expect(code).to.equal(0)
    expect(out.indexOf('alpha')).to.be.greaterThan(-1).and.lessThan(out.indexOf('bravo'))
  })

  it('stops the answer at Ctrl-C and not the program; twice while nothing runs leaves (C1)', async () => {
    const { input, told, ended, printed } = start(['chat'], {}, true)
    input.write(`stream 500 20 begun ${'and on '.repeat(100)}\r`)
    await printed('\r\nbegun and')
    input.write('\u0003')
    await printed('\nstopping…')
    await printed('  stopped')
    input.write('say still here\r')
    await printed('still here\n  rehearsal/script, ')
    input.write('\u0003')
    await printed('Ctrl-C again leaves')
    input.write('\u0003')
    expect(await ended).to.equal(0)
    expect(told.err).to.equal('')
    expect(told.out).to.include('go on with: soma chat --session')
  })

  it('interrupts the answer with a line that is typed while it comes', async () => {
    const { input, ended, printed } = start(['chat'], {}, true)
    input.write(`stream 500 20 begun ${'and on '.repeat(100)}\r`)
    await printed('\r\nbegun and')
    input.write('say something else\r')
    await printed('interrupted')
    await printed('something else\n  rehearsal/script, ')
    input.write('/quit\r')
    expect(await ended).to.equal(0)
  })

  it('lists sessions and finds one by its title', async () => {
    await soma(['send', 'a rather peculiar title'])
    const { json } = await soma(['sessions', '--search', 'peculiar', '--json'])
    expect(json()).to.have.length(1)
    expect(json()[0].title).to.include('peculiar')
  })

  it('injects a message that the journal keeps with its reason', async () => {
    await soma(['send', 'hello', '--session', 'debugged'])
    expect((await soma(['inject', 'debugged', 'Answer in French.', '--why', 'ticket 4711'])).code).to.equal(0)
    // A session handles its messages in order, so the next answer comes after the injection.
    await soma(['send', 'again', '--session', 'debugged'])
    const { json } = await soma(['show', 'debugged', '--json'])
    const injected = json().find(({ payload }) => payload.type === 'session.injected')
    expect(injected?.payload.metadata.why).to.equal('ticket 4711')
  })

  it('tells of a failed turn once, on stderr, with what to do', async () => {
    const { code, out, err } = await soma(['send', 'fail 503'])
    expect(code).to.equal(1)
    expect(out).to.equal('')
    expect(err).to.match(/^MODEL_UNAVAILABLE: .*503\n {2}\S.+\n$/)
  })

  it('shows a journal in words: tools with their arguments, outcome and policy', async () => {
    await soma(['send', 'call echo {"text":"hi"}\nand call nothing-like-it {}\nthen\nsay done', '--session', 'words'])
    const { out } = await soma(['show', 'words'])
    expect(out).to.match(/tool\.start +echo \{"text":"hi"\}\n/)
    expect(out).to.match(/tool\.result +echo success, allowed by .+: hi\n/)
    expect(out).to.match(/tool\.result +nothing-like-it error.*: There is no tool/)
    expect(out)
      .to.match(/session\.started +persona soma\n/)
      .and.not.include('"source"')
  })

  it('lists personas, tools and models', async () => {
    expect((await soma(['personas'])).out).to.match(/soma \(default\) +Soma +all\n/)
    expect((await soma(['tools'])).out).to.match(/timestamp +nothing/)
    expect((await soma(['models'])).out).to.include('rehearsal/script')
    expect((await soma(['personas', '--json'])).json()).to.deep.include({
      id: 'soma',
      name: 'Soma',
      tools: ['*'],
      default: true,
    })
    expect((await soma(['tools', '--json'])).json()[0]).to.include.keys('name', 'parameters')
    expect((await soma(['models', '--json'])).json()[0]).to.include.keys('id', 'role')
  })

  it('says that nothing is running when there is nothing to stop', async () => {
    await soma(['send', 'hello', '--session', 'idle'])
    expect(await soma(['stop', 'idle'])).to.include({ code: 0, out: 'nothing is running\n' })
  })

  it('shows the tree, the dead letters and the quarantine', async () => {
    expect((await soma(['tree'])).out).to.match(
      /^ACTOR +TYPE +STATE +MAILBOX +RESTARTS\nsession +kind +running +0 +0\n/,
    )
    expect(await soma(['dead-letters'])).to.include({ code: 0, out: 'no dead letters\n' })
    expect(await soma(['quarantine'])).to.include({ code: 0, out: 'nothing is quarantined\n' })
  })

  it('ends with 1 and the service’s words when it says no', async () => {
    const { code, err } = await soma(['show', 'never-heard-of'])
    expect(code).to.equal(1)
    expect(err).to.match(/^SESSION_NOT_FOUND: .+\n {2}List your sessions with `soma sessions`\./)
    const dropped = await soma(['dead-letters', 'drop', 'none', '--json'])
    expect(JSON.parse(dropped.err).error).to.have.all.keys('code', 'detail', 'remedy')
  })

  it('ends with 2 at a wrong command line', async () => {
    for (const args of [
      ['bogus'],
      ['send'],
      ['sessions', '--limit', 'many'],
      ['send', ' '],
      ['sessions', '--url', 'notaurl'],
      ['sessions', '--url', 'ftp://127.0.0.1'],
      ['quarantine', 'resume', 'session:x', '--edit', '{'],
    ]) {
      expect((await soma(args)).code, args.join(' ')).to.equal(2)
    }
  })

  it('ends with 3 and the remedy when nobody answers, or somebody else does', async () => {
    const other = createServer((_, response) => response.end('hello, I am a router'))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    expect(await soma(['sessions', '--url', url])).to.include({ code: 3 })
    await new Promise((resolve) => other.close(resolve))
    const { code, err } = await soma(['sessions', '--url', url])
    expect(code).to.equal(3)
    expect(err).to.include(url).and.include('npm start')
  })

  it('starts the service in its own process in LOCAL mode and stops it afterwards', async () => {
    const events: string[] = []
    const { code } = await soma(['send', 'hello'], '', {
      defaults: () => ({ url: 'http://127.0.0.1:1', port: 8010, token: undefined, local: true }),
      startLocal: async () => {
        events.push('started')
        return { url: service.url, close: async () => void events.push('closed') }
      },
    })
    expect(code).to.equal(0)
    expect(events).to.deep.equal(['started', 'closed'])
  })

  it('ends with 1 when the doctor finds something to mend', async () => {
    const doctor = async () => [{ name: 'journal', ok: false, detail: 'cannot be written', remedy: 'free some space' }]
    const { code, out } = await soma(['doctor'], '', { doctor })
    expect(code).to.equal(1)
    expect(out).to.include('FAIL  journal: cannot be written\n      → free some space')
  })

  it('tells what a start can do without from what it cannot', async () => {
    const doctor = async () => [
      { name: 'redis', ok: false, optional: true, detail: 'nothing listens', remedy: 'start it' },
    ]
    expect((await soma(['doctor'], '', { doctor })).out).to.include('warn  redis: nothing listens')
  })

  it('explains every command with what it takes', async () => {
    const { code, out } = await soma(['help'])
    expect(code).to.equal(0)
    for (const name of [
      'serve',
      'chat',
      'send',
      'sessions',
      'show',
      'inject',
      'personas',
      'tools',
      'models',
      'tree',
      'dead-letters',
      'quarantine',
      'migrate',
      'doctor',
    ]) {
      expect(out).to.include(`  ${name}`)
    }
    expect(out).to.include('Exit codes:')
  })

  it('names personas in its examples that there are', async () => {
    const known = (await soma(['personas', '--json'])).json().map(({ id }) => id)
    const texts = await Promise.all(['chat', 'send', 'serve'].map((name) => soma([name, '--help'])))
    const named = texts.flatMap(({ out }) => [...out.matchAll(/--persona (\w[\w-]*)/g)].map((match) => match[1]))
    expect(named).to.not.be.empty
    expect(known).to.include.members(named)
  })
})
