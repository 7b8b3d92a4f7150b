/**
 * `npm run -s deploy:check`: what operators are given, in a fresh Debian 12 with nothing but its base: the unit, by
 * systemd's own reading, and its ExecStart as an unprivileged user without capabilities and without a network but
 * its own; Prometheus reads its alerts. Needs root (a Debian root is made and entered) and Debian's mirror; ends with `N of N`.
 */
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const MIRROR = 'http://deb.debian.org/debian';
/** A user that Debian has not: as systemd's DynamicUser chooses one. */
const UID = '61184';
const STATE = 'var/lib/pila';

if (process.getuid?.() !== 0) {
  console.log('deploy:check: skipped: it needs root, to make and enter a Debian root');
  process.exit(0);
}

const scratch = mkdtempSync(join(tmpdir(), 'pila-deploy-'));
const debian = join(scratch, 'debian');
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(2));

/** @throws Error with what it said */
function run(command: string, ...args: string[]): SpawnSyncReturns<string> {
  const done = spawnSync(command, args, { encoding: 'utf8', cwd: ROOT });
  if (done.status === 0) return done;
  throw new Error(`${command} ended with ${done.status}: ${done.stdout}${done.stderr}`);
}

const has = (command: string): boolean => spawnSync('which', [command]).status === 0;

/** The unit's ExecStart as systemd expands it. */
function execStart(flags: string): string {
  const unit = readFileSync(join(ROOT, 'deploy/pila.service'), 'utf8');
  const [, line] = /^ExecStart=(.*)$/m.exec(unit)!;
  return line!.replace('${STATE_DIRECTORY}', `/${STATE}`).replace('$PILA_FLAGS', flags);
}

/** Debian's own Prometheus, of which only the tool that reads its files is taken. */
function promtool(): string {
  const folder = join(scratch, 'prometheus');
  mkdirSync(folder);
  run(
    'sh',
    '-c',
    `cd ${folder} && chown -R _apt . && apt-get download -q prometheus && dpkg -x *.deb .`,
  );
  return join(folder, 'usr/bin/promtool');
}

/** Starts the node, waits until it is well, asks what it runs on, and stops it. */
const SESSION = `
cd /opt/pila
${execStart('--network e2e --mine')} > /tmp/log 2>&1 &
node=$!
for try in $(seq 300); do
  /opt/pila/bin/node -e "fetch('http://127.0.0.1:8790/status.json').then((r) => r.json()).then(({ ok, height, webrtcDirect }) =>
    process.exit(ok && height > 0 && webrtcDirect ? 0 : 1), () => process.exit(1))" && break
  kill -0 $node || break
  sleep 0.2
done
/opt/pila/bin/node -e "fetch('http://127.0.0.1:8790/').then((r) => r.text()).then((page) => process.exit(page.includes('Pila') ? 0 : 1))"
page=$?
touch /opt/pila/written 2> /dev/null && echo 'the program can be written'
grep -c ' info mine.block ' /tmp/log
kill -TERM $node
wait $node
echo "stopped with $?, page $page"
`;

const steps: [what: string, how: () => string][] = [
  [
    'a fresh Debian 12',
    () => {
      if (!has('debootstrap'))
        run('apt-get', 'install', '-y', '--no-install-recommends', 'debootstrap');
      run('debootstrap', '--variant=minbase', '--include=systemd', 'bookworm', debian, MIRROR);
      return readFileSync(join(debian, 'etc/debian_version'), 'utf8').trim();
    },
  ],
  [
    'without Node',
    () => (run('chroot', debian, 'sh', '-c', '! command -v node'), 'it has none of its own'),
  ],
  [
    'a seed installed',
    () => {
      const { stdout } = run(process.execPath, 'deploy/install.ts', join(debian, 'opt/pila'));
      return stdout.trim().slice(debian.length);
    },
  ],
  [
    'the unit, by its systemd',
    () => {
      copyFileSync('deploy/pila.service', join(debian, 'etc/systemd/system/pila.service'));
      const unit = '/etc/systemd/system/pila.service';
      const { stderr } = run('chroot', debian, 'systemd-analyze', 'verify', '--man=no', unit);
      if (stderr) throw new Error(stderr);
      return 'not a word';
    },
  ],
  [
    'ExecStart as its user',
    () => {
      mkdirSync(join(debian, STATE), { recursive: true });
      run('chown', UID, join(debian, STATE));
      const user = ['--reuid', UID, '--regid', UID, '--clear-groups', '--no-new-privs'];
      const inside = ['setpriv', ...user, '--bounding-set', '-all', 'sh', '-c', SESSION];
      const entered = `mount -t proc proc ${debian}/proc && ip link set lo up && exec chroot ${debian} env -i "$@"`;
      const own = ['--mount', '--pid', '--net', '--fork', '--kill-child'];
      const { stdout } = run('unshare', ...own, 'sh', '-c', entered, 'sh', ...inside);
      const [blocks, ended, ...more] = stdout.trim().split('\n');
      if (!Number(blocks) || ended !== 'stopped with 0, page 0' || more.length)
        throw new Error(stdout);
      return `mined ${blocks} blocks, served the page, ${ended.split(',')[0]}`;
    },
  ],
  [
    'alerts, by Prometheus',
    () => {
      const { stdout } = run(promtool(), 'check', 'config', 'deploy/prometheus/prometheus.yml');
      return `${/SUCCESS: \d+ rules found/.exec(stdout)?.[0] ?? ''}`.toLowerCase();
    },
  ],
];

let held = 0;
for (const [what, how] of steps) {
  try {
    console.log(`${what}: ${how()}`);
    held++;
  } catch (e) {
    console.log(`${what}: FAILED: ${(e as Error).message}`);
    break;
  }
}
console.log(`deploy:check: ${held} of ${steps.length}`);
if (held < steps.length) process.exitCode = 1;
