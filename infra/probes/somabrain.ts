import type { BrainConfig } from '../config/config-services.ts'
import { askHttpOk, httpPlace, reachHttp } from './http.ts'
import type { Probe } from './probe.ts'

export function somaBrainProbe({ url, headers }: BrainConfig, required: boolean): Probe {
  const place = httpPlace(url, 'SOMA_BASE_URL', 'SomaBrain', headers)
  return {
    name: 'somabrain',
    required,
    place,
    async look(signal) {
      await reachHttp(place, signal)
      const answer = await askHttpOk(place, '/health', 'SOMA_API_KEY (and SOMA_AUTH_HEADER)', signal)
      const { version } = Object(answer) as { version?: unknown }
      return `SomaBrain${typeof version === 'string' ? ` ${version}` : ''}`
    },
  }
}
