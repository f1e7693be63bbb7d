import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, readlink, realpath } from 'node:fs/promises'
import path from 'node:path'
import { Failure } from '../../../kernel/failure.ts'

/**
 * The files that one tenant's sessions may read: the tenant's own folder below SOMA_FILES_DIR, and nothing else that a
 * path can be talked into meaning.
 *   J1. What is judged is what is read. A file is opened, without waiting for a FIFO, and only then judged, by where
 *       the kernel says that its descriptor is. Comparing names again was not enough: a racer that swaps a folder for a
 *       link and back deceived it within 400 reads (the spec did).
 *   J2. Regular files and folders alone. A file with a second name (a hard link) is refused: the other may be anywhere.
 *   J3. A tenant's folder is one plain name below the root: no tenant's name is a path, a link, or another's folder.
 */
export type Opened =
  | { readonly kind: 'file'; readonly shown: string; readonly handle: FileHandle; readonly stats: Stats }
  /** `listable` is where its names are read: the descriptor itself, where a system gives it a path. */
  | { readonly kind: 'folder'; readonly shown: string; readonly handle: FileHandle; readonly listable: string }

/** `given` is a path relative to the tenant's folder; a leading slash means that folder. The caller closes the handle. */
export async function openWithin(root: string, tenant: string, given: string): Promise<Opened> {
  const shown = path.posix.normalize(given.replaceAll('\\', '/')).replace(/^\/+/, '') || '.'
  if (shown === '..' || shown.startsWith('../')) throw blocked(given, 'leads out of the folder')
  const home = await tenantFolder(root, tenant)
  if (home === undefined) throw missing(shown)
  const real = await realPath(path.join(home, shown))
  if (real === undefined) throw missing(shown)
  if (!isWithin(home, real)) throw blocked(given, 'leads out of the folder')
  const handle = await opened(real, shown)
  try {
    const stats = await handle.stat()
    if (stats.isDirectory()) {
      await stayedWithin(home, real, handle, stats, given)
      const listable = process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : real
      return { kind: 'folder', shown, handle, listable }
    }
    if (!stats.isFile()) throw blocked(given, `is ${nameOf(stats)}, not a file`)
    if (stats.nlink > 1) throw blocked(given, 'has a second name (a hard link) that may lie anywhere') // J2
    await stayedWithin(home, real, handle, stats, given)
    return { kind: 'file', shown, handle, stats }
  } catch (error) {
    await handle.close().catch(() => {})
    throw error
  }
}

/** J1. Where the opened file is, not where its name leads now. */
async function stayedWithin(
  home: string,
  real: string,
  handle: FileHandle,
  opened: Stats,
  given: string,
): Promise<void> {
  const place = (await placeOf(handle)) ?? (await placeByName(real, opened))
  if (place === undefined || !isWithin(home, place)) throw blocked(given, 'changed while it was opened')
}

/** Linux says it of a descriptor. Nothing that is done to names can change the answer. */
async function placeOf(handle: FileHandle): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined
  return await readlink(`/proc/self/fd/${handle.fd}`).catch(() => undefined)
}

/**
 * Elsewhere, or without /proc: a real path that leads to the very file that was opened. Whoever swaps names three times at
 * the right moments could deceive this one; who can write there can do that only with files on the same machine.
 */
async function placeByName(real: string, opened: Stats): Promise<string | undefined> {
  const again = await realPath(real)
  const there = again === undefined ? undefined : await lstat(again).catch(() => undefined)
  return there !== undefined && there.ino === opened.ino && there.dev === opened.dev ? again : undefined
}

/** J3. The name of a tenant as one plain folder name: what is no letter, digit, `.`, `_` or `-` is percent-encoded. */
export function folderNameOf(tenant: string): string {
  // Half a character of UTF-16 is nothing that a name of a folder could tell from another half.
  if (/\p{Surrogate}/u.test(tenant)) throw blocked('/', 'belongs to a tenant whose name is no text')
  const encoded = encodeURIComponent(tenant).replace(/[!'()*~]/g, hex)
  return encoded.replace(/^\./, hex)
}

const hex = (char: string) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

async function tenantFolder(root: string, tenant: string): Promise<string | undefined> {
  const name = folderNameOf(tenant)
  // Joined to the root, no name is the root itself, and so everybody's folder.
  if (name === '') throw blocked('/', 'belongs to no tenant')
  const home = await realPath(path.join(root, name))
  if (home === undefined) return undefined
  const realRoot = await realPath(root)
  // A link in its place, or a file system that takes ACME for acme.
  if (home !== path.join(realRoot ?? root, name)) throw blocked('/', 'is not a folder of its own')
  return home
}

async function realPath(place: string): Promise<string | undefined> {
  try {
    return await realpath(place)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return undefined
    throw new Failure('TOOL_FAILED', `The files cannot be read: ${code ?? 'unknown error'}.`, { cause: error })
  }
}

async function opened(real: string, shown: string): Promise<FileHandle> {
  try {
    return await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw missing(shown)
    if (code === 'ELOOP') throw blocked(shown, 'changed while it was opened')
    if (code === 'ENXIO') throw blocked(shown, 'is a socket or device, not a file')
    throw new Failure('TOOL_FAILED', `${shown} cannot be read: ${code ?? 'unknown error'}.`, { cause: error })
  }
}

/** A parent's path, with its separator, begins the path of what lies below it. */
function isWithin(home: string, real: string): boolean {
  return real === home || real.startsWith(home + path.sep)
}

function nameOf(stats: Stats): string {
  if (stats.isFIFO()) return 'a FIFO'
  if (stats.isSocket()) return 'a socket'
  return 'a device'
}

function blocked(given: string, why: string): Failure {
  return new Failure(
    'BLOCKED_PATH',
    `"${given.slice(0, 200)}" ${why}; only files in the folder of this tenant are read.`,
  )
}

function missing(shown: string): Failure {
  return new Failure(
    'TOOL_FAILED',
    `There is no file or folder "${shown.slice(0, 200)}". List a folder to see what there is.`,
  )
}
