import { expect } from 'chai'
import { loadConfig } from '../../infra/config/config.ts'
import { explain, secretsIn } from '../../infra/config/environment.ts'

describe('SOMA_JOURNALS', () => {
  const POSTGRES_DSN = 'postgres://a/soma'
  const load = (SOMA_JOURNALS: string) => loadConfig({ POSTGRES_DSN, SOMA_JOURNALS })
  const refused = (journals: string): string => {
    try {
      load(journals)
    } catch (error) {
      return String(error)
    }
    throw new Error('it was not refused')
  }

  it('is a server for each shard', () => {
    const { journals } = load(
      '0-15=postgres://a/soma, 16-62=postgresql://u:p@b:5433/soma,63=postgres://a/soma',
    ).persistence
    expect(journals?.map(({ dsn }) => dsn)).to.deep.equal(['postgres://a/soma', 'postgresql://u:p@b:5433/soma'])
    expect(journals?.[0]?.shards).to.deep.equal([...Array.from({ length: 16 }, (_, i) => i), 63])
  })

  it('is not there when one server keeps all', () => {
    expect(loadConfig({ POSTGRES_DSN }).persistence.journals).to.equal(undefined)
  })

  it('is refused with the shards that it leaves out or gives twice', () => {
    expect(refused('0-31=postgres://a/soma,33-61=postgres://b/soma')).to.include('no server for shards 32,62-63')
    expect(refused('0-32=postgres://a/soma,30-63=postgres://b/soma')).to.include(
      'more than one server for shards 30-32',
    )
    expect(refused('0-63=postgres://a/soma,5=postgres://a/soma')).to.include('more than one server for shards 5')
  })

  it('is refused where an entry cannot be read, which is named by its number alone', () => {
    for (const entry of [
      '32-64=postgres://u:hush@b/soma',
      '63-32=postgres://u:hush@b/soma',
      '32-63=mysql://u:hush@b/soma',
      'hush',
    ]) {
      expect(refused(`0-31=postgres://a/soma,${entry}`))
        .to.include('number 2')
        .and.not.to.include('hush')
    }
  })

  it('needs a server for what belongs to no shard', () => {
    expect(() => loadConfig({ SOMA_JOURNALS: '0-63=postgres://a/soma' })).to.throw(/POSTGRES_DSN is not/)
  })

  it('keeps its passwords to itself', () => {
    const SOMA_JOURNALS = '0-31=postgres://u:hush@a/soma,32-63=postgres://u:h%2Csh@b/soma'
    expect(secretsIn({ SOMA_JOURNALS })).to.have.members(['hush', 'hush', 'h%2Csh', 'h,sh'])
    expect(explain({ SOMA_JOURNALS }).find(({ name }) => name === 'SOMA_JOURNALS')?.value).to.equal('********')
  })
})
