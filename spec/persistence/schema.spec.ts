import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { dumpSchema } from '../../persistence/schema-dump.ts'
import { common, onEveryDatabase } from '../support/persistence-under-test.ts'

const file = join(common.migrationsDir, '..', 'schema.sql')
const header = `-- What all migrations together make, as persistence/schema-dump.ts tells it. Written by
--   SOMA_WRITE_SCHEMA=1 npm test
`

describe('schema', () => {
  onEveryDatabase((stores) => {
    it('is what persistence/schema.sql says', async () => {
      const dumped = header + (await dumpSchema(stores().sql))
      if (process.env.SOMA_WRITE_SCHEMA) await writeFile(file, dumped)
      expect(dumped).to.equal(await readFile(file, 'utf8'))
    })

    it('shows session events as the old stack’s readers select them', async () => {
      const columns = 'select id, session_id, occurred_at, payload from session_events limit 1'
      expect(await stores().sql.query(columns)).to.deep.equal([])
    })
  })
})
