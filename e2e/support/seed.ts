/** Starts real seed processes for tests, with free ports and a scratch folder, and kills them at the end. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { networkOf } from '../../src/client/models/networks.ts';
import { beginChain } from './begin.ts';

/** ms for a start, which takes seconds or, on a busy machine, a quarter of a minute. */
const READY_MS_MAX = 100_000;
const ROOT = join(import.meta.dirname, '../..');

export interface SeedOptions {
  readonly network?: string;
  /** Data folder, kept between starts; a scratch folder when absent. */
  readonly data?: string;
  readonly port?: number;
  readonly args?: readonly string[];
  /** File to run instead of the seed: attacks run a seed that lacks rules. */
  readonly entry?: string;
  /** Its chain begins when it does, with blocks as hard as on time: a page on two busy cores takes minutes for one. */
  readonly isPunctual?: boolean;
  /** Folder of the installation, with `src` and the built page in `dist`; this one when absent. */
  readonly root?: string;
}

export interface Seed {
  /** Of its process. */
  readonly pid: number;
  readonly url: string;
  readonly port: number;
  /** Of JSON-RPC and metrics. */
  readonly rpcUrl: string;
  readonly data: string;
  readonly log: readonly string[];
  rpc<T = any>(method: string, ...params: unknown[]): Promise<T>;
  /** Kills the seed by SIGKILL, so that it cannot close anything. */
  kill(): Promise<void>;
  /** Stops the seed by SIGTERM. @returns its exit code */
  stop(): Promise<number | null>;
}

/**
 * A port that no process uses, TCP or UDP. It is below the range from which systems give ports to outgoing
 * connections, since one of those could take it before the seed does.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_768);
    if ((await bindsTcp(port)) && (await bindsUdp(port))) return port;
  }
}

const bindsTcp = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer().on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

const bindsUdp = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4').on('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });

const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** Networks of one computer, which begin a chain of their own. */
const AT_HOME = ['local', 'e2e'] as const;

/** Begins a chain so late that its first blocks are the easiest there are. */
async function beginLate(name: (typeof AT_HOME)[number], data: string): Promise<void> {
  if (existsSync(join(data, 'chain'))) return;
  const network = networkOf(name);
  await beginChain(network, data, Date.now() - network.params.lagMs);
}

/**
 * Flags of a seed that mines while a gift or a payment waits: one that mines on takes all the time there is, for blocks
 * by which nothing is shown.
 */
export const BLOCKS_WHEN_NEEDED = ['--gift-blocks', 'all'] as const;

/** Niceness of a seed that mines: beside two busy cores its blocks still come within a second or two. */
const NICE = 10;

/** Has a seed that would take all the time there is take what is left, once it serves. */
function giveWay(pid: number): void {
  // Linux counts threads alone, and those to come follow the one that makes them.
  if (process.platform !== 'linux') return;
  for (const thread of readdirSync(`/proc/${pid}/task`))
    try {
      setPriority(Number(thread), NICE);
    } catch {
      // It has ended.
    }
}

/** @throws Error with the seed's last lines when it ends before it serves */
export async function startSeed(options: SeedOptions = {}): Promise<Seed> {
  const data = options.data ?? mkdtempSync(join(tmpdir(), 'pila-seed-'));
  const port = options.port ?? (await freePort());
  const [rpcPort, rtcPort] = [await freePort(), await freePort()];
  const { network = 'e2e', args = [] } = options;
  // One that is told of others learns their genesis.
  const isFirst = !args.includes('--bootstrap') && options.root === undefined;
  const home = AT_HOME.find((name) => name === network);
  if (home && isFirst && !options.isPunctual) await beginLate(home, data);
  const child = spawn(
    process.execPath,
    [
      options.entry ?? 'src/node/cli.ts',
      ...['--network', network, '--data', data, '--port', String(port)],
      ...['--rpc-port', String(rpcPort), '--rtc-port', String(rtcPort)],
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], cwd: options.root ?? ROOT },
  );
  running.add(child);
  const log: string[] = [];
  const exited = new Promise<number | null>((resolve) =>
    child.on('exit', (code) => {
      running.delete(child);
      resolve(code);
    }),
  );
  const ready = new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        log.push(line);
        if (log.length > 5000) log.shift();
        if (line.includes(' info ready ')) resolve();
      });
    const fail = (what: string): void => reject(new Error(`seed ${what}:\n${log.join('\n')}`));
    void exited.then((code) => fail(`ended with ${code}`));
    // What it said is shown where otherwise the test's own limit would end it without a word.
    setTimeout(() => fail('is not ready'), READY_MS_MAX).unref();
  });
  await ready;
  if (args.includes('--mine') || args.includes('--gift-blocks')) giveWay(child.pid!);
  let id = 0;
  return {
    pid: child.pid!,
    url: `http://localhost:${port}/`,
    port,
    rpcUrl: `http://127.0.0.1:${rpcPort}/`,
    data,
    log,
    async rpc(method, ...params) {
      const response = await fetch(`http://127.0.0.1:${rpcPort}/`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params }),
      });
      const { result, error } = await response.json();
      if (error) throw Object.assign(new Error(error.message), { code: error.data?.code });
      return result;
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    async stop() {
      child.kill('SIGTERM');
      return await exited;
    },
  };
}

export const removeData = (seed: Seed): void => rmSync(seed.data, { recursive: true, force: true });
