import { spawn } from 'node:child_process'

/**
 * The second wall: the process that an interpreter runs in has nothing to lose. Always: no environment, Node's permission
 * model (no files but its own sources to read, none to write, no processes, no threads), a group of its own that is killed
 * as one, low priority once it is loaded. Where the system has it:
 *
 *   limits      prlimit, once loaded: not one file descriptor more (so no socket and no file, whatever Node says), no new
 *               process, nothing written to a file, processor time, writable memory
 *   namespaces  unshare: no network but a dead loopback, no process to see or signal but its own, no capability, and once
 *               loaded every folder of the host covered with an empty one
 */
export interface Walls {
  readonly limits: boolean
  readonly namespaces: boolean
}

const PATH = '/usr/sbin:/usr/bin:/sbin:/bin'
/** As root of a user namespace of its own, which is nobody outside. */
const unshare = [
  'unshare',
  ...['--user', '--map-root-user', '--net', '--pid', '--ipc', '--uts', '--mount', '--fork', '--kill-child', '--'],
]
const nothingHeld = 'setpriv --no-new-privs --bounding-set=-all --inh-caps=-all --'

/** Covers every folder at the top with an empty read-only one; /tmp first is where the list for mount can be written. */
const cover = `
cover() {
  mount -t tmpfs -o size=64k none /tmp || return
  for folder in /*/; do
    folder=\${folder%/}
    [ -L "$folder" ] || [ "$folder" = /tmp ] || echo "none $folder tmpfs ro,size=4k,mode=0555 0 0"
  done > /tmp/fstab || return
  echo 'none /tmp tmpfs ro,size=4k,mode=0555 0 0' >> /tmp/fstab
  mount -a -T /tmp/fstab
}`

/**
 * Descriptor 3 is the node. A line from it asks for the seal and gives the limits; nothing more from it means that it is
 * gone, or wants an end. $1 is node's path, the rest are its arguments. In a shell's background stdin would be /dev/null,
 * so it goes round by descriptor 4. Whatever needs a program or /dev/null, as a shell's background does, comes before the
 * cover.
 *
 * The shell itself does nothing but wait for the interpreter, so that its end is told at once, sealed or not. When the shell
 * read the line, an interpreter that died before it was ready (the kernel ends it first when memory is short) went unnoticed:
 * nobody looked at the child, and with namespaces `unshare` holds standard output open. Seen: 45 s of waiting for the dead.
 */
function script({ limits, namespaces }: Walls): string {
  return `
${namespaces ? cover : ''}
cd / && exec 4<&0 </dev/null
(
  ulimit -c 0; ulimit -f 0; ulimit -n 256
  ${namespaces ? '(echo 1000 > /proc/self/oom_score_adj) 2>/dev/null' : ''}
  exec ${namespaces ? nothingHeld : ''} /usr/bin/env -i "$@" <&4 4<&- 3<&-
) 3>&3 &
child=$!
exec 4<&- >/dev/null 2>&1
(
  read -r cpu data <&3 || { kill -9 $child; exit 1; }
  ${limits ? 'prlimit --pid $child --nofile=0 --nproc=0 --core=0 --cpu=$cpu --data=$data || { kill -9 $child; exit 2; }' : ''}
  renice -n 5 -p $child || :
  ${namespaces ? 'cover || { kill -9 $child; exit 3; }' : ''}
  echo sealed >&3
  while read -r more <&3; do :; done
  kill -9 $child
) &
wait $child
echo "exit $?" >&3
`
}

/** The command that runs Node with `args` behind these walls. */
export function enclosed(walls: Walls, args: readonly string[]): { readonly command: string; readonly args: string[] } {
  const shell = ['sh', '-c', script(walls), 'capsule', process.execPath, ...args]
  const [command, ...rest] = walls.namespaces ? [...unshare, ...shell] : shell
  return { command: command as string, args: rest }
}

export const enclosureEnvironment = { PATH }

const trials = {
  limits: ['sh', '-c', 'prlimit --pid $$ --nproc=0 --nofile=0 --data=1000000000:1000000000 --cpu=60:60'],
  namespaces: [...unshare, 'sh', '-c', `${cover}\n${nothingHeld} true && cover`],
}

/** What this system allows, found by trying it. */
export async function findWalls(): Promise<Walls> {
  const [limits, namespaces] = await Promise.all([tried(trials.limits), tried(trials.namespaces)])
  return { limits, namespaces }
}

function tried([command, ...args]: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const trial = spawn(command as string, args, { stdio: 'ignore', env: enclosureEnvironment, timeout: 5_000 })
    trial.on('error', () => resolve(false))
    trial.on('exit', (code) => resolve(code === 0))
  })
}
