import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * The file or folder at `place` in the cache, made by `make(there)` if it is not there yet. It is made beside its place and
 * renamed: it is whole or absent, and when two make it at once, one of the two stays.
 */
export async function cached(place, make) {
  if (existsSync(place)) return place
  mkdirSync(dirname(place), { recursive: true })
  const workshop = mkdtempSync(join(dirname(place), '.making-'))
  try {
    const made = await make(workshop)
    try {
      renameSync(made, place)
    } catch (error) {
      if (!existsSync(place)) throw error
    }
  } finally {
    rmSync(workshop, { recursive: true, force: true })
  }
  return place
}
