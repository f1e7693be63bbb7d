import { expect } from 'chai'
import echo from '../../actors/tool/catalogue/echo.ts'
import { toolCatalogue } from '../../actors/tool/catalogue.ts'
import type { ToolContext } from '../../actors/tool/tool.ts'
import { loadTools } from '../../infra/tool-files.ts'
import { ScratchFolder } from '../support/scratch-folder.ts'

const dice = (name = 'dice') => `({ z }) => ({
  name: '${name}', description: 'Rolls a die.', schema: z.object({ sides: z.int().min(2).default(6) }),
  idempotent: true, timeoutMs: 1_000, reaches: ['nothing'], run: async ({ sides }) => 'a die of ' + sides,
})`

let folder: ScratchFolder
const failure = () => loadTools(folder.path).then(String, String)

describe("the user's own tools", () => {
  beforeEach(() => {
    folder = new ScratchFolder()
  })
  afterEach(() => folder.remove())

  it('come from plain JavaScript, without an installed package', async () => {
    folder.write('dice.mjs', `export default ${dice()}`)
    folder.write('coin.js', `export default ${dice('coin')}`)
    folder.write('notes.txt', 'no tool')
    const tools = await loadTools(folder.path)
    const catalogue = toolCatalogue([echo, ...tools])
    expect(catalogue.list().map(({ name }) => name)).to.deep.equal(['echo', 'coin', 'dice'])
    expect(catalogue.parameters('dice')).to.have.nested.property('properties.sides.default', 6)
    expect(await catalogue.get('dice')?.run({ sides: 6 }, {} as ToolContext)).to.equal('a die of 6')
  })

  it('may be made asynchronously, or be the tool itself', async () => {
    folder.write('async.mjs', `export default async (given) => (${dice('later')})(given)`)
    folder.write(
      'plain.mjs',
      `const schema = { _zod: {} }; export default { ...(${dice()})({ z: { object: () => schema, int: () => ({ min: () => ({ default: () => 0 }) }) } }) }`,
    )
    expect((await loadTools(folder.path)).map(({ name }) => name)).to.deep.equal(['later', 'dice'])
  })

  for (const [what, text, message] of [
    ['that does not parse', 'export default {', /Unexpected|SyntaxError/],
    ['that throws', "throw new Error('no key')", /cannot be loaded: no key/],
    ['without a default export', 'export const tool = 1', /bad\.mjs is not a tool: export:/],
    ['that lacks fields', "export default { name: 'x' }", /bad\.mjs is not a tool: description: .*run: must be/],
    [
      'that imports zod where there is none',
      "import { z } from 'zod'; export default z",
      /Cannot find package 'zod'.*export default \(\{ z \}\)/,
    ],
  ] as const) {
    it(`refuses a file ${what}, naming it`, async () => {
      folder.write('bad.mjs', text)
      expect(await failure())
        .to.match(/CONFIG_INVALID: tool file .*bad\.mjs/)
        .and.match(message)
    })
  }

  it('refuses a folder that is not there', async () => {
    folder.remove()
    expect(await failure()).to.match(/CONFIG_INVALID: SOMA_TOOLS_DIR .*ENOENT/)
  })
})
