import type { BrainConfig } from '../config/config-services.ts'
import { askHttp, httpPlace, reachHttp, refusal } from './http.ts'
import type { Probe } from './probe.ts'

export function somaBrainProbe({ url, headers }: BrainConfig, required: boolean): Probe {
  const place = httpPlace(url, 'SOMA_BASE_URL', 'SomaBrain', headers)
  return {
    name: 'somabrain',
    required,
    place,
    async look(signal) {
      await reachHttp(place, signal)
      const answer = await askHttp(place, '/health', signal)
      if (answer.status !== 200) throw refusal(answer, '/health', 'SOMA_API_KEY (and SOMA_AUTH_HEADER)', place)
      const { version } = Object(answer.json) as { version?: unknown }
      return `SomaBrain${typeof version === 'string' ? ` ${version}` : ''}`
    },
  }
}
