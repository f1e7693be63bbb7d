import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { fileRead } from '../../../../actors/tool/catalogue/file-read.ts'
import { folderNameOf } from '../../../../actors/tool/catalogue/files/jail.ts'
import { ScratchFolder } from '../../../support/scratch-folder.ts'

const never = new AbortController().signal

describe('file_read', () => {
  let folder: ScratchFolder
  let root: string
  beforeEach(() => {
    folder = new ScratchFolder()
    root = join(folder.path, 'files')
    for (const tenant of ['acme', 'other']) mkdirSync(join(root, tenant), { recursive: true })
    writeFileSync(join(root, 'other', 'secret.txt'), 'SECRET of another tenant')
    folder.write('outside.txt', 'SECRET outside')
  })
  afterEach(() => folder.remove())

  const at = (name: string) => join(root, 'acme', name)
  function read(path: string, over: { from_line?: number; lines?: number; tenant?: string } = {}): Promise<string> {
    const { from_line = 1, lines = 400, tenant = 'acme' } = over
    const context = { callId: 'c', tenant, sessionId: 's', personaId: 'p', signal: never, now: () => 0, progress() {} }
    return fileRead(root).run({ path, from_line, lines }, context) as Promise<string>
  }
  const told = (path: string, over = {}) => read(path, over).catch((error: Error) => error.message)

  describe('what it reads', () => {
    it('is the lines asked for, with where they lie and how to go on', async () => {
      writeFileSync(at('a.txt'), Array.from({ length: 10 }, (_, n) => `line ${n + 1}\n`).join(''))
      expect(await read('a.txt')).to.equal(
        `a.txt, lines 1 to 10 of 10.\n${Array.from({ length: 10 }, (_, n) => `line ${n + 1}\n`).join('')}`,
      )
      expect(await read('a.txt', { from_line: 4, lines: 2 })).to.equal(
        'a.txt, lines 4 to 5. Go on with from_line 6.\nline 4\nline 5\n',
      )
      expect(await read('a.txt', { from_line: 9, lines: 2 })).to.equal('a.txt, lines 9 to 10 of 10.\nline 9\nline 10\n')
      expect(await read('a.txt', { from_line: 11 })).to.equal('a.txt has no line 11. It has 10 lines.')
    })

    it('is any split of a text into lines, put together again', async () => {
      const text = fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '\n', '😀', ' ') }), { maxLength: 60 })
      await fc.assert(
        fc.asyncProperty(text, fc.integer({ min: 1, max: 7 }), async (parts, lines) => {
          const whole = parts.join('')
          writeFileSync(at('p.txt'), whole)
          let again = ''
          for (let from_line = 1; ; from_line += lines) {
            const some = await read('p.txt', { from_line, lines })
            if (!/^p\.txt, lines/.test(some)) break
            again += some.slice(some.indexOf('\n') + 1)
          }
          expect(again).to.equal(whole)
        }),
        { numRuns: 60 },
      )
    })

    it('is bounded: a line without end is cut, and a file of a terabyte costs no more than its beginning', async () => {
      writeFileSync(at('long.txt'), 'x'.repeat(200_000))
      const text = await read('long.txt')
      expect(text).to.match(/^long\.txt, lines 1 to 1\. Cut at 40000 characters, within line 1\.\n/)
      expect(text.length).to.be.below(41_000)
      writeFileSync(at('huge.txt'), 'first\n'.repeat(2_000))
      truncateSync(at('huge.txt'), 2 ** 40)
      expect(await read('huge.txt', { lines: 1 })).to.equal('huge.txt, lines 1 to 1. Go on with from_line 2.\nfirst\n')
      expect(await read('huge.txt', { from_line: 5_000 })).to.equal(
        'huge.txt has no line 5000. It was gone through for 64 MB.',
      )
    })

    it('is no binary: it says what it is instead', async () => {
      for (const [bytes, kind] of [
        ['%PDF-1.7\n', 'a PDF document'],
        ['\x89PNG\r\n', 'a PNG image'],
        ['PK\x03\x04', 'a ZIP archive'],
        ['text\0text', 'binary data'],
        ['\xff\xfet\0', 'text in UTF-16'],
      ] as const) {
        writeFileSync(at('b'), bytes, 'latin1')
        expect(await told('b')).to.include(`TOOL_FAILED: b is ${kind}`)
      }
    })

    it('is a folder’s names, with what each is', async () => {
      mkdirSync(at('d/e'), { recursive: true })
      writeFileSync(at('d/f.txt'), '12345')
      symlinkSync('/etc/passwd', at('d/g'))
      expect(await read('d')).to.equal('The folder d holds:\ne/\nf.txt  5 bytes\ng  (a link)')
      expect(await read('')).to.equal('The folder holds:\nd/')
      expect(await read('/d/e/')).to.equal('The folder d/e/ is empty.')
    })

    it('follows a link that stays within the folder', async () => {
      writeFileSync(at('a.txt'), 'hello')
      symlinkSync('a.txt', at('link'))
      expect(await read('link')).to.include('hello')
    })
  })

  describe('what it refuses', () => {
    for (const path of [
      '../other/secret.txt',
      '..',
      'x/../../other/secret.txt',
      '..\\other\\secret.txt',
      './/..//other/secret.txt',
      'a/../../../outside.txt',
    ]) {
      it(`J2: ${path}`, async () => {
        expect(await told(path)).to.match(/^BLOCKED_PATH: .* leads out of the folder/)
      })
    }

    for (const path of [
      '/etc/passwd',
      '/proc/self/environ',
      '/proc/1/root/etc/passwd',
      'nothing',
      'a'.repeat(1_000),
      '%2e%2e/x',
      '…/x',
    ]) {
      it(`J2: ${path.slice(0, 40)}, which is a path within the folder, where nothing is`, async () => {
        expect(await told(path)).to.match(/^TOOL_FAILED: There is no file or folder/)
      })
    }

    for (const [what, target] of [
      ['a link to another tenant', '../other/secret.txt'],
      ['a link to a file outside', '../../outside.txt'],
      ['an absolute link', '/etc/passwd'],
      ['a link to the environment of this process', '/proc/self/environ'],
      ['a link to memory of this process', '/proc/self/mem'],
      ['a link to a device', '/dev/zero'],
      ['a link to an open descriptor', '/proc/self/fd/0'],
    ] as const) {
      it(`J2: ${what}`, async () => {
        symlinkSync(target, at('link'))
        expect(await told('link')).to.match(/^BLOCKED_PATH/)
      })
    }

    it('J2: a folder that is a link out, and what lies below it', async () => {
      symlinkSync('../other', at('up'))
      expect(await told('up')).to.match(/^BLOCKED_PATH/)
      expect(await told('up/secret.txt')).to.match(/^BLOCKED_PATH/)
    })

    it('J2: a hard link, whose other name may be anywhere', async () => {
      linkSync(join(root, 'other', 'secret.txt'), at('mine.txt'))
      expect(await told('mine.txt')).to.match(/^BLOCKED_PATH: .*hard link/)
    })

    it('J1: a FIFO, without waiting for somebody to write to it', async () => {
      execFileSync('mkfifo', [at('pipe')])
      expect(await told('pipe')).to.match(/^BLOCKED_PATH: .* is a FIFO/)
    })

    it('J1: a socket', async () => {
      const server = createServer().listen(at('sock'))
      await new Promise((resolve) => server.once('listening', resolve))
      expect(await told('sock')).to.match(/^BLOCKED_PATH: .* is a socket/)
      server.close()
    })

    it('a circle of links', async () => {
      symlinkSync('b', at('a'))
      symlinkSync('a', at('b'))
      expect(await told('a')).to.match(/^TOOL_FAILED: The files cannot be read: ELOOP/)
    })

    it('J1: whatever is swapped in while it reads: the secret is never told', async function () {
      this.timeout(60_000)
      // A racer as fast as this machine allows: the name is a good file, a link out, a folder, over and over.
      writeFileSync(at('good.txt'), 'good')
      mkdirSync(at('in'))
      writeFileSync(at('in/secret.txt'), 'good')
      let racing = true
      const race = async () => {
        for (let turn = 0; racing; turn++) {
          rmSync(at('next'), { force: true })
          if (turn % 2) symlinkSync(join(root, 'other', 'secret.txt'), at('next'))
          else writeFileSync(at('next'), 'good')
          renameSync(at('next'), at('name'))
          if (turn % 2) symlinkSync(join(root, 'other'), at('next-in'))
          else mkdirSync(at('next-in'))
          if (turn % 2 === 0) writeFileSync(at('next-in/secret.txt'), 'good')
          rmSync(at('in'), { recursive: true })
          renameSync(at('next-in'), at('in'))
          // Now fast, now slow, so that all of good, swapped and caught in between come about.
          for (let rest = turn % 9; rest >= 0; rest--) await new Promise((resolve) => setImmediate(resolve))
        }
      }
      const racer = race()
      const answers = new Set<string>()
      for (let n = 0; n < 200; n++) answers.add((await Promise.all([told('name'), told('in/secret.txt')])).join('|'))
      racing = false
      await racer
      expect([...answers].join('\n'))
        .to.include('good')
        .and.to.not.include('SECRET')
    })
  })

  describe('whose folder', () => {
    it('J3: is the tenant’s own, whatever the tenant is called', async () => {
      for (const tenant of ['..', '.', '../other', 'acme/../other', '/etc', 'a/b', 'x\\y', '%2e%2e', '']) {
        const answer = await told('secret.txt', { tenant })
        expect(answer, tenant).to.match(/^(TOOL_FAILED: There is no file|BLOCKED_PATH)/)
      }
    })

    it('J3: is nobody’s for a tenant without a name, who would else have everybody’s', async () => {
      expect(await told('other/secret.txt', { tenant: '' })).to.match(/^BLOCKED_PATH/)
      expect(await told('.', { tenant: '\ud800' })).to.match(/^BLOCKED_PATH/)
    })

    it('J3: is one plain name, and a different one for each tenant', () => {
      fc.assert(
        fc.property(
          fc.string({ minLength: 1, unit: 'grapheme' }),
          fc.string({ minLength: 1, unit: 'grapheme' }),
          (a, b) => {
            expect(folderNameOf(a)).to.match(/^[A-Za-z0-9_%-][A-Za-z0-9_%.-]*$/)
            if (a !== b) expect(folderNameOf(a)).to.not.equal(folderNameOf(b))
          },
        ),
      )
      expect(['acme', 'acme-2.eu', 'a/b', '..', 'ü'].map(folderNameOf)).to.deep.equal([
        'acme',
        'acme-2.eu',
        'a%2Fb',
        '%2E.',
        '%C3%BC',
      ])
    })

    it('J3: is no link to another’s', async () => {
      symlinkSync('other', join(root, 'evil'))
      expect(await told('secret.txt', { tenant: 'evil' })).to.match(/^BLOCKED_PATH/)
    })

    it('may be missing, as may all files', async () => {
      expect(await told('.', { tenant: 'new' })).to.match(/There is no file or folder/)
      unlinkSync(join(root, 'other', 'secret.txt'))
      expect(await told('secret.txt', { tenant: 'other' })).to.match(/There is no file or folder/)
    })
  })

  it('takes no NUL in a path and no more lines than it reads', () => {
    const { schema } = fileRead(root)
    expect(schema.safeParse({ path: 'a\0b' }).success).to.equal(false)
    expect(schema.safeParse({ path: 'a', lines: 2_001 }).success).to.equal(false)
    expect(schema.parse({})).to.deep.equal({ path: '.', from_line: 1, lines: 400 })
  })
})
