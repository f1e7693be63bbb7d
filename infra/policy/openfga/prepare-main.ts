import { loadConfig } from '../../config/config.ts'
import { prepareStore } from './prepare.ts'

/** `npm run openfga:prepare`: the store that OPENFGA_STORE_ID names, at OPENFGA_API_URL, made ready. */
const { openFga } = loadConfig(process.env).services
if (!openFga) {
  console.error('openfga:prepare: set OPENFGA_API_URL (and OPENFGA_STORE_ID, if the store is not to be called soma)')
  process.exitCode = 2
} else {
  const { id, name, made } = await prepareStore(openFga.url.replace(/\/+$/, ''), openFga.store)
  console.log(`OpenFGA store ${name} (${id}): wrote ${made}`)
}
