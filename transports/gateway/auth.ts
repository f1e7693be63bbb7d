import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { JWTPayload, JWTVerifyOptions } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../actors/kernel/clock.ts'
import { Failure } from '../../actors/kernel/failure.ts'

/** Who asks. The tenant comes from the token alone: a body or header that names another is ignored. */
export interface Caller {
  readonly tenant: string
  readonly subject?: string
  readonly issuer?: string
  readonly scope?: string
  readonly scopes: ReadonlySet<string>
  /** Epoch milliseconds. A request in progress is answered; a stream ends. */
  readonly expiresAt?: number
}

export type AuthConfig =
  | { readonly mode: 'none'; readonly localTenant: string }
  | {
      readonly mode: 'jwt'
      /** GATEWAY_JWT_SECRET, GATEWAY_JWT_PUBLIC_KEY (PEM) or GATEWAY_JWKS_URL: exactly one. */
      readonly secret?: string
      readonly publicKey?: string
      readonly jwksUrl?: string
      readonly algorithms?: readonly string[]
      readonly issuer?: string
      readonly audience?: string
    }

export interface Authenticator {
  authenticate(request: FastifyRequest): Promise<Caller>
}

/** Every record carries it, and indexes hold it: a longer one would be accepted here and refused on the way. */
const MAX_TENANT = 200

const TENANT_CLAIMS = ['tenant', 'org', 'customer'] as const
const SYMMETRIC = ['HS256', 'HS384', 'HS512']
const ASYMMETRIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']

/** A verified token is believed for so long, and never beyond its own end: RSA costs 0.1 ms, more than all else here. */
const REMEMBER_MS = 60_000

export async function createAuthenticator(config: AuthConfig, clock: Clock): Promise<Authenticator> {
  if (config.mode === 'none') {
    const local: Caller = { tenant: config.localTenant, scopes: new Set(['admin', 'admin:all']) }
    return { authenticate: async () => local }
  }
  const verify = await verifier(config, clock)
  const known = new LRUCache<string, { caller: Caller; until: number }>({ max: 10_000 })
  return {
    async authenticate(request) {
      const token = tokenOf(request)
      if (!token) throw new Failure('UNAUTHENTICATED', 'The request has no bearer token.')
      // Hashed, so that a heap dump of the cache holds no credential.
      const name = createHash('sha256').update(token).digest('base64')
      const seen = known.get(name)
      if (seen && seen.until > clock.now()) return seen.caller
      const claims = await verify(token)
      const caller = callerOf(claims)
      known.set(name, { caller, until: Math.min(clock.now() + REMEMBER_MS, caller.expiresAt ?? 0) })
      return caller
    },
  }
}

type JwtConfig = Extract<AuthConfig, { mode: 'jwt' }>

async function verifier(config: JwtConfig, clock: Clock): Promise<(token: string) => Promise<JWTPayload>> {
  // The family of algorithms follows the kind of key: a public key must never pass as an HMAC secret.
  const family = config.secret === undefined ? ASYMMETRIC : SYMMETRIC
  const algorithms = config.algorithms?.filter((algorithm) => family.includes(algorithm)) ?? family
  if (algorithms.length === 0) {
    throw new Failure('CONFIG_INVALID', `GATEWAY_JWT_ALGORITHMS names none of ${family.join(', ')}.`)
  }
  const options: JWTVerifyOptions = {
    algorithms: [...algorithms],
    // A token without an end could not be taken back, ever.
    requiredClaims: ['exp'],
    ...(config.issuer === undefined ? {} : { issuer: config.issuer }),
    ...(config.audience === undefined ? {} : { audience: config.audience }),
  }
  // Loaded only where tokens are checked: 50 ms of a start.
  const jose = await import('jose')
  const { jwtVerify } = jose
  const key = await keyOf(config, algorithms[0] as string, jose)
  return async (token) => {
    try {
      const at = { ...options, currentDate: new Date(clock.now()) }
      return (await (typeof key === 'function' ? jwtVerify(token, key, at) : jwtVerify(token, key, at))).payload
    } catch (error) {
      throw new Failure('UNAUTHENTICATED', `The token was refused: ${reasonOf(error)}.`, { cause: error })
    }
  }
}

async function keyOf(config: JwtConfig, algorithm: string, jose: typeof import('jose')) {
  const { createRemoteJWKSet, importSPKI } = jose
  if (config.secret !== undefined) return new TextEncoder().encode(config.secret)
  if (config.publicKey !== undefined) {
    return importSPKI(config.publicKey.replaceAll('\\n', '\n'), algorithm).catch((error: unknown) => {
      throw new Failure('CONFIG_INVALID', `GATEWAY_JWT_PUBLIC_KEY is no PEM public key for ${algorithm}.`, {
        cause: error,
      })
    })
  }
  if (config.jwksUrl !== undefined) return createRemoteJWKSet(new URL(config.jwksUrl))
  throw new Failure(
    'CONFIG_INVALID',
    'Set one of GATEWAY_JWT_SECRET, GATEWAY_JWT_PUBLIC_KEY and GATEWAY_JWKS_URL to check tokens with.',
  )
}

function callerOf(claims: JWTPayload): Caller {
  const tenant = TENANT_CLAIMS.map((name) => claims[name]).find((value) => typeof value === 'string' && value !== '')
  if (typeof tenant !== 'string') {
    throw new Failure('UNAUTHENTICATED', `The token names no tenant (claim ${TENANT_CLAIMS.join(', ')}).`)
  }
  if (tenant.length > MAX_TENANT) {
    throw new Failure('UNAUTHENTICATED', `The tenant that the token names is longer than ${MAX_TENANT} characters.`)
  }
  const listed = Array.isArray(claims.scp) ? claims.scp.filter((one) => typeof one === 'string') : []
  const scope = typeof claims.scope === 'string' ? claims.scope : listed.join(' ')
  return {
    tenant,
    scopes: new Set(scope.split(' ').filter(Boolean)),
    ...(scope === '' ? {} : { scope }),
    ...(claims.sub === undefined ? {} : { subject: claims.sub }),
    ...(claims.iss === undefined ? {} : { issuer: claims.iss }),
    ...(claims.exp === undefined ? {} : { expiresAt: claims.exp * 1000 }),
  }
}

/** A token in a query lands in the logs of proxies: it is taken on the streams, where a browser cannot set a header. */
function tokenOf(request: FastifyRequest): string | undefined {
  const header = request.headers.authorization
  if (header !== undefined) return /^bearer +(\S+)$/i.exec(header)?.[1]
  const query = request.query as { access_token?: unknown } | undefined
  const { tokenInQuery } = request.routeOptions.config
  return tokenInQuery && typeof query?.access_token === 'string' ? query.access_token : undefined
}

export function requireScope(caller: Caller, scope: string): void {
  if (!caller.scopes.has(scope)) throw new Failure('FORBIDDEN', `This needs the scope \`${scope}\`.`)
}

function reasonOf(error: unknown): string {
  const { code, claim, reason } = error as { code?: string; claim?: string; reason?: string }
  if (code === 'ERR_JWT_EXPIRED') return 'it has expired'
  if (claim === 'exp' && reason === 'missing') return 'it has no `exp` claim, and one that never ends is not taken'
  if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED') return (error as Error).message
  if (code === 'ERR_JOSE_ALG_NOT_ALLOWED') return 'its algorithm is not allowed'
  if (code === 'ERR_JWKS_TIMEOUT') return 'the key set did not answer'
  return 'its signature or form is not valid'
}
