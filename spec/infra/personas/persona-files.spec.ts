import { resolve } from 'node:path'
import { expect } from 'chai'
import type { Logger } from '../../../actors/kernel/telemetry.ts'
import { silentLogger } from '../../../actors/kernel/telemetry.ts'
import { PersonaFiles } from '../../../infra/personas/persona-files.ts'
import { ScratchFolder } from '../../support/scratch-folder.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const shipped = resolve('infra/personas')

let folder: ScratchFolder
let clock: VirtualClock
let complaints: string[]

const log: Logger = {
  ...silentLogger,
  error: (fields) => complaints.push(String((fields as { detail: string }).detail)),
}

function personas(directories: string[] = [shipped, folder.path], defaultId?: string): PersonaFiles {
  return new PersonaFiles({ directories, clock, log, ...(defaultId && { defaultId }) })
}

const soma = (prompt: string) => `id: soma\nname: Soma\nprompt: ${prompt}\n`

describe('personas from files', () => {
  beforeEach(() => {
    folder = new ScratchFolder()
    clock = new VirtualClock()
    complaints = []
  })
  afterEach(() => folder.remove())

  it('ships soma, the default, with analyst and operator', () => {
    const shippedOnes = personas([shipped])
    expect(shippedOnes.defaultId).to.equal('soma')
    expect(shippedOnes.list().map(({ id }) => id)).to.deep.equal(['analyst', 'operator', 'soma'])
    expect(shippedOnes.get('soma')).to.deep.include({ name: 'Soma', tools: ['*'] })
    expect(shippedOnes.get('analyst')?.model.role).to.equal('escalation')
    expect(shippedOnes.get('operator')?.limits).to.deep.include({ steps: 60, queuedTurns: 32 })
    expect(shippedOnes.get('nobody')).to.equal(undefined)
  })

  it("puts a user's file before the shipped one of the same id", () => {
    folder.write('mine.yaml', soma('Be brief.'))
    folder.write('other.yml', 'id: poet\nname: Poet\nprompt: Rhyme.\n')
    folder.write('.draft.yaml', 'not: a persona')
    folder.write('notes.txt', 'not a persona')
    const mine = personas()
    expect(mine.get('soma')?.prompt).to.equal('Be brief.')
    expect(mine.get('poet')?.name).to.equal('Poet')
    expect(mine.list()).to.have.length(4)
  })

  for (const [what, text, message] of [
    ['no YAML', 'id: [', /bad\.yaml is not YAML/],
    ['an unknown field', `${soma('x')}promt: y`, /bad\.yaml: Unrecognized key: "promt"/],
    ['a wrong type', `${soma('x')}limits: { steps: many }`, /bad\.yaml: limits\.steps: .*expected int|number/],
    ['a limit out of bounds', `${soma('x')}limits: { steps: 0 }`, /bad\.yaml: limits\.steps: Too small/],
    ['an id of other letters', 'id: So Ma\nname: x\nprompt: y', /bad\.yaml: id:/],
    ['nothing in it', '', /bad\.yaml:/],
  ] as const) {
    it(`P1: refuses at start, naming file and field: ${what}`, () => {
      folder.write('bad.yaml', text)
      expect(() => personas())
        .to.throw(/^CONFIG_INVALID/)
        .with.property('message')
        .that.matches(message)
    })
  }

  it('P1: refuses two files of one id in one folder, a missing folder, and a default that nobody is', () => {
    expect(() => personas([shipped], 'nobody')).to.throw(/no persona has the id of the default, "nobody"/)
    expect(() => personas([`${folder.path}/none`])).to.throw(/CONFIG_INVALID.*SOMA_PERSONAS_DIR.*ENOENT/)
    folder.write('a.yaml', soma('a'))
    folder.write('b.yaml', soma('b'))
    expect(() => personas()).to.throw(/b\.yaml: id: "soma" is taken by .*a\.yaml/)
  })

  it('sees a changed, a new and a removed file within a second, and looks no more often', () => {
    folder.write('mine.yaml', soma('one'))
    const mine = personas()
    folder.write('mine.yaml', soma('number two'))
    folder.write('poet.yaml', 'id: poet\nname: Poet\nprompt: Rhyme.\n')
    clock.advance(999)
    expect([mine.get('soma')?.prompt, mine.get('poet')]).to.deep.equal(['one', undefined])
    clock.advance(1)
    expect([mine.get('soma')?.prompt, mine.get('poet')?.name]).to.deep.equal(['number two', 'Poet'])
    folder.remove('poet.yaml')
    clock.advance(1_000)
    expect(mine.get('poet')).to.equal(undefined)
  })

  it('P2: keeps the former ones while a file is bad, complains once, and goes on when it is mended', () => {
    folder.write('mine.yaml', soma('one'))
    const mine = personas()
    folder.write('mine.yaml', 'id: soma\nname: S')
    for (let second = 0; second < 3; second++) {
      clock.advance(1_000)
      expect(mine.get('soma')?.prompt).to.equal('one')
    }
    expect(complaints).to.have.length(1)
    expect(complaints[0]).to.match(/mine\.yaml: prompt/)
    folder.write('mine.yaml', soma('mended'))
    clock.advance(1_000)
    expect(mine.get('soma')?.prompt).to.equal('mended')
  })

  it('P2: keeps the former ones while the folder is gone', () => {
    folder.write('mine.yaml', soma('one'))
    const mine = personas()
    folder.remove()
    clock.advance(1_000)
    expect(mine.get('soma')?.prompt).to.equal('one')
  })

  it('keeps nothing that would hold the process open', () => {
    personas()
    expect(clock.pending).to.equal(0)
  })
})
