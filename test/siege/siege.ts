/**
 * `npm run -s siege`: hostile crowds of several addresses against a seed, by itself and behind Caddy and nginx.
 * During each an honest visitor must load the page, and connect and sync as a new peer, within three times what
 * these take in quiet, just before. An attack that the seed let in nowhere, or that ended before the visits, is none,
 * and one that leaves the seed more open files than it had is not over. Needs root, for network namespaces, and a built page; without them it says so
 * and is skipped.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ChildProcess } from 'node:child_process';
import { freePort, startSeed, type Seed } from '../../e2e/support/seed.ts';
import { closeNetworks, noNetworks, openNetwork, type Network } from './networks.ts';
import { openProxies, tuneKernel, type Proxy } from './proxies.ts';

/** Networks of strangers, and the addresses of each. */
const CROWDS = 3;
const ADDRESSES = 4;
/** Blocks of the chain that is synced. */
const HEIGHT = 24;
/** Visits in quiet and during an attack: the median counts. */
const VISITS = 9;
/** An attack may go on for as long as that; it ends with the last visit. */
const ATTACK_S = 120;
const TIMES = 3;

const SOCKET_ATTACKS = ['silent', 'upgraded', 'halting', 'dripping', 'not reading', 'places'];

interface Visit {
  readonly page: number | null;
  readonly peer: number | null;
}
interface Entrance {
  readonly name: string;
  readonly port: number;
}

const children = new Set<ChildProcess>();
function keep(child: ChildProcess): ChildProcess {
  children.add(child);
  child.on('exit', () => children.delete(child));
  return child;
}
const linesOf = (child: ChildProcess) => createInterface({ input: child.stdout! });
const script = (name: string): string => join(import.meta.dirname, name);

/** A chain that somebody mined before. */
async function prepare(data: string): Promise<void> {
  const seed = await startSeed({ data, args: ['--mine'] });
  while ((await seed.rpc<{ height: number }>('status')).height < HEIGHT)
    await new Promise((r) => setTimeout(r, 200));
  await seed.stop();
}

async function visits(from: Network, { port }: Entrance): Promise<Visit[]> {
  const args = [from.gateway, String(port), String(VISITS)];
  const child = keep(from.run(script('honest.ts'), args));
  const all: Visit[] = [];
  for await (const line of linesOf(child)) all.push(JSON.parse(line) as Visit);
  return all;
}

/** Infinity where one visit failed. */
function median(all: readonly (number | null)[]): number {
  if (all.length < VISITS || all.includes(null)) return Infinity;
  return (all as number[]).toSorted((a, b) => a - b)[all.length >> 1]!;
}
const medians = (all: readonly Visit[]) => ({
  page: median(all.map(({ page }) => page)),
  peer: median(all.map(({ peer }) => peer)),
});
type Times = ReturnType<typeof medians>;

interface Attack {
  readonly kind: string;
  readonly port: number;
  readonly peerId: string;
}

const ended = async (child: ChildProcess): Promise<void> => {
  if (children.has(child)) await once(child, 'exit');
};

/** The path of the file that keeps a socket busy for longest. */
function largestFile(): string {
  const folder = 'dist/assets';
  const files = readdirSync(folder).filter((name) => !/\.(br|gz)$/.test(name));
  const size = (name: string): number => statSync(join(folder, name)).size;
  return `/assets/${files.reduce((most, name) => (size(name) > size(most) ? name : most))}`;
}

/** Open files and sockets of the seed beyond those it began with that are no remains of an attack. */
const FILES_SPARE = 30;
/** ms for what an attack left to end by the seed's own bounds. */
const OVER_MS = 60_000;

async function openFiles({ rpcUrl }: Seed): Promise<number> {
  const text = await (await fetch(new URL('/metrics', rpcUrl))).text();
  return Number(/^process_open_fds (\d+)/m.exec(text)![1]);
}

/** Whether the seed has again about as many files open as before. Until then it is not quiet. */
async function isOver(seed: Seed, before: number): Promise<boolean> {
  for (const endMs = Date.now() + OVER_MS; Date.now() < endMs;) {
    if ((await openFiles(seed)) <= before + FILES_SPARE) return true;
    await new Promise((r) => setTimeout(r, 500));
  }
  return false;
}

/** Visits while crowds attack; undefined when they do not, or not to the end. */
async function during(
  { kind, port, peerId }: Attack,
  visit: () => Promise<Visit[]>,
  crowds: readonly Network[],
): Promise<Visit[] | undefined> {
  const attackers = crowds.map((crowd) =>
    keep(
      crowd.run(script('attack.ts'), [
        ...[kind, crowd.gateway, String(port), peerId, largestFile(), String(ATTACK_S)],
        ...crowd.addresses,
      ]),
    ),
  );
  const lines = await Promise.all(attackers.map((attacker) => once(linesOf(attacker), 'line')));
  const stand = lines.every(([line]) => Number(/^standing (\d+)/.exec(String(line))?.[1]) > 0);
  try {
    const all = await visit();
    return stand && attackers.every((attacker) => children.has(attacker)) ? all : undefined;
  } finally {
    for (const attacker of attackers) attacker.kill('SIGKILL');
    await Promise.all(attackers.map(ended));
  }
}

const ms = (time: number): string => (time === Infinity ? 'failed' : `${time} ms`).padStart(9);

async function run(scratch: string, proxies: readonly Proxy[]): Promise<number> {
  const data = join(scratch, 'data');
  await prepare(data);
  const args = ['--host', '0.0.0.0', '--trust-proxy', '127.0.0.0/8'];
  const seed: Seed = await startSeed({ data, args });
  const entrances: Entrance[] = [{ name: 'seed', port: seed.port }];
  for (const proxy of proxies) {
    const port = await freePort();
    keep(proxy.start(port, seed.port));
    entrances.push({ name: proxy.name, port });
  }
  const honest = openNetwork(0, 1);
  const crowds = Array.from({ length: CROWDS }, (_, i) => openNetwork(i + 1, ADDRESSES));
  const addresses = await seed.rpc<string[]>('getAddresses');
  const peerId = addresses[0]!.split('/p2p/').at(-1)!;
  const rtcPort = /\/udp\/(\d+)\//.exec(addresses.join())![1]!;
  const files = await openFiles(seed);
  let attacks = 0;
  let bad = 0;
  for (const entrance of entrances) {
    await visits(honest, entrance); // The first loads what is loaded once.
    const kinds = entrance.name === 'seed' ? [...SOCKET_ATTACKS, 'datagrams'] : SOCKET_ATTACKS;
    for (const kind of kinds) {
      const port = kind === 'datagrams' ? Number(rtcPort) : entrance.port;
      const visit = () => visits(honest, entrance);
      // Before each attack: what else the machine does changes from one to the next.
      const quiet = medians(await visit());
      const attacked = await during({ kind, port, peerId }, visit, crowds);
      const now = medians(attacked ?? []);
      const isWell = (what: keyof Times) => now[what] <= TIMES * quiet[what];
      const left = (await isOver(seed, files)) ? '' : ', FILES LEFT OPEN';
      const fared = isWell('page') && isWell('peer') ? 'well' : 'NOT WELL';
      const verdict = (attacked ? fared : 'NO ATTACK') + left;
      attacks++;
      if (verdict !== 'well') bad++;
      const times = (what: keyof Times) => `${what} ${ms(quiet[what])} →${ms(now[what])}`;
      const row = `${entrance.name.padEnd(6)} ${kind.padEnd(12)}`;
      console.log(`${row} ${times('page')}  ${times('peer')}  ${verdict}`);
    }
  }
  await seed.stop();
  console.log(`siege: ${attacks} attacks, ${bad} not within ${TIMES}x`);
  return bad;
}

function open(scratch: string): Proxy[] | string {
  const why = noNetworks();
  if (why !== undefined) return why;
  if (!existsSync('dist/index.html')) return 'it needs a built page (npm run build)';
  try {
    return openProxies(scratch);
  } catch (e) {
    return `no Caddy or nginx is to be had: ${String(e).split('\n')[0]}`;
  }
}

const scratch = mkdtempSync(join(tmpdir(), 'pila-siege-'));
process.on('exit', () => {
  // Not SIGKILL: nginx ends its workers by itself.
  for (const child of children) child.kill();
  closeNetworks();
  rmSync(scratch, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
mkdirSync(join(scratch, 'data'));
const proxies = open(scratch);
if (typeof proxies !== 'string') process.on('exit', tuneKernel());
if (typeof proxies === 'string') console.log(`siege: skipped, ${proxies}`);
else process.exitCode = (await run(scratch, proxies)) ? 1 : 0;
process.exit();
