import { expect } from 'chai'
import { Failure } from '../../actors/kernel/failure.ts'
import { loadConfig } from '../../infra/config/config.ts'
import { explain } from '../../infra/config/environment.ts'

const jwtSecret = 'a-secret-of-at-least-thirty-two-characters'

function refusal(env: Record<string, string>): Failure {
  try {
    loadConfig(env)
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('configuration', () => {
  it('needs no variable at all, and then stays on this machine', () => {
    const config = loadConfig({})
    expect(config.gateway.host).to.equal('127.0.0.1')
    expect(config.gateway.port).to.equal(8010)
    expect(config.gateway.auth).to.deep.equal({ mode: 'none', localTenant: 'local' })
    expect(config.gateway.allowedHosts).to.include.members(['localhost', '127.0.0.1', '[::1]'])
    expect(config.warnings).to.deep.equal([])
  })

  it('takes an empty variable as unset', () => {
    expect(loadConfig({ SOMA_PORT: '', LOG_LEVEL: ' ' }).gateway.port).to.equal(8010)
  })

  it('names the variable, its value and what was expected, for every one that does not fit', () => {
    const failure = refusal({ SOMA_PORT: '80l0', LOG_LEVEL: 'loud', OPENAI_BASE_URL: 'localhost:11434' })
    expect(failure.code).to.equal('CONFIG_INVALID')
    expect(failure.detail).to.include('SOMA_PORT is "80l0", expected a whole number from 0 to 65535')
    expect(failure.detail).to.include('LOG_LEVEL is "loud", expected one of debug, info, warn, error, silent')
    expect(failure.detail).to.include('OPENAI_BASE_URL is "localhost:11434", expected an address such as http')
    expect(failure.errors?.map(({ path }) => path)).to.deep.equal(['SOMA_PORT', 'OPENAI_BASE_URL', 'LOG_LEVEL'])
  })

  it('never shows a secret: not in a refusal, not to the doctor', () => {
    expect(refusal({ GATEWAY_JWT_SECRET: 'hunter2' }).detail).not.to.include('hunter2')
    const shown = explain({ OPENAI_API_KEY: 'sk-hunter2', POSTGRES_DSN: 'postgres://soma:hunter2@db/soma' })
    expect(JSON.stringify(shown)).not.to.include('hunter2')
  })

  it('collects what must never be logged, the password alone of an address', () => {
    const { secrets } = loadConfig({ OPENAI_API_KEY: 'sk-one', POSTGRES_DSN: 'postgres://soma:p%40ss@db/soma' })
    expect(secrets).to.include.members(['sk-one', 'p%40ss', 'p@ss'])
  })

  it('refuses an address that others can reach while nothing says who may, and names the remedy', () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.5', 'example.org', '128.0.0.1']) {
      const { detail } = refusal({ SOMA_HOST: host })
      expect(detail, host).to.include('GATEWAY_JWT_SECRET').and.include('127.0.0.1')
    }
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost']) {
      expect(loadConfig({ SOMA_HOST: host }).gateway.host).to.equal(host)
    }
  })

  it('opens the address once there is one key to check tokens with', () => {
    const { gateway } = loadConfig({ SOMA_HOST: '0.0.0.0', GATEWAY_JWT_SECRET: jwtSecret })
    expect(gateway.auth).to.deep.equal({ mode: 'jwt', secret: jwtSecret })
    expect(refusal({ GATEWAY_JWT_SECRET: jwtSecret, GATEWAY_JWKS_URL: 'https://a.example/k' }).detail).to.include(
      'GATEWAY_JWKS_URL is set together with GATEWAY_JWT_SECRET',
    )
  })

  it('refuses GATEWAY_REQUIRE_AUTH without a key', () => {
    expect(refusal({ GATEWAY_REQUIRE_AUTH: 'true' }).detail).to.include('no key')
  })

  it('warns of a misspelt variable with the one that was meant', () => {
    const { warnings } = loadConfig({
      SOMA_PROT: '9000',
      SOMA_XYZZY_FROB: '1',
      SOMA_TEST_REDIS_URL: 'x',
      SOMA_STACK_DATA: 'y',
      PATH: '/bin',
    })
    expect(warnings).to.deep.equal([
      'SOMA_PROT is not a variable of SomaAgent; did you mean SOMA_PORT?',
      'SOMA_XYZZY_FROB is not a variable of SomaAgent',
    ])
  })

  it('says so when a variable of the old stack has no effect', () => {
    expect(loadConfig({ SOMA_NAMESPACE: 'http://localhost:9696' }).warnings).to.deep.equal([
      'SOMA_NAMESPACE belongs to SomaAgent01 and has no effect here',
    ])
  })

  it('does not spend money because a key lies in the shell: OpenAI itself needs a model’s name as well', () => {
    expect(loadConfig({ OPENAI_API_KEY: 'sk-x' }).models.dialogue.baseUrl).to.equal(undefined)
    const named = loadConfig({ OPENAI_API_KEY: 'sk-x', SOMA_MODEL: 'gpt-5' })
    expect(named.models.dialogue.baseUrl).to.equal('https://api.openai.com/v1')
    const rehearsal = loadConfig({ OPENAI_API_KEY: 'sk-x', SOMA_MODEL: 'rehearsal/echo' })
    expect(rehearsal.models.dialogue.baseUrl).to.equal(undefined)
  })

  it('gives a key only to the endpoint it was set for', () => {
    const { escalation } = loadConfig({
      OPENAI_API_KEY: 'sk-x',
      SOMA_ESCALATION_BASE_URL: 'https://other.example/v1',
    }).models
    expect(escalation?.apiKey).to.equal(undefined)
  })

  it('counts prices in micro-dollars', () => {
    expect(loadConfig({ SOMA_MODEL_PROMPT_PRICE: '2.50' }).models.dialogue.promptPrice).to.equal(2_500_000)
  })

  it('cannot be changed after it was read', () => {
    const config = loadConfig({})
    expect(() => Object.assign(config.gateway.limits, { bodyBytes: 1 })).to.throw(TypeError)
  })

  it('points the commands at the address that the service listens on', () => {
    expect(loadConfig({ SOMA_HOST: '::1', SOMA_PORT: '9000' }).cli.url).to.equal('http://[::1]:9000')
  })
})
