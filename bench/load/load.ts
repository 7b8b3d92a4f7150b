/**
 * `npm run -s load`: many light clients on one seed, then hostile peers on top. Every block must reach
 * every client, every hostile peer be cut, and no client be charged or lost: one is lost that has no
 * connection again within half a minute. Each that was let go is printed with the seed's reason.
 *
 *   npm run -s load -- [--clients 200] [--blocks 30] [--processes 2]
 */
import { bodyOf } from '../../src/core/tx/body.ts';
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { multiaddr } from '@multiformats/multiaddr';
import { encode } from '../../src/core/codec.ts';
import { isFault } from '../../src/core/faults.ts';
import { BlockAnnounce, type Block } from '../../src/core/messages.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { silentLog } from '../../src/lib/log.ts';
import { blockTopic, txTopic } from '../../src/net/gossip.ts';
import { createHost, type Host } from '../../src/net/host.ts';
import { removeData } from '../../e2e/support/seed.ts';
import { e2e, MINER, person } from '../../test/attack/arena.ts';
import { createForger } from '../../test/attack/forger.ts';
import { openSeedArena } from '../../test/attack/judges/open.ts';
import { fetchConfig, sleep, until } from '../../test/attack/judges/seed-judge.ts';
import { begunMs } from '../../test/attack/weakened.ts';
import { readModel } from '../../test/oracle/models.ts';
import type { FromClients } from './clients.ts';
import type { FromFlooder } from './flooder.ts';
import { BACK_MS, Presences } from './presence.ts';

type Arena = Awaited<ReturnType<typeof openSeedArena>>;

/** ms that a block may take to reach everybody; then it is missed. */
const REACH_MS = 30_000;
const JOIN_MS = 240_000;
/** ms over which memory is watched for its lowest point, after a collection. */
const WATCH_MS = 6000;
/** ms between two blocks. */
const PACE_MS = 2000;
/** Transfers in each block. */
const TRANSFERS = 5;

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '200' },
    blocks: { type: 'string', default: '30' },
    processes: { type: 'string', default: '2' },
  },
});
const [clients, blocks, processes] = [values.clients, values.blocks, values.processes].map(Number);

const children: ChildProcess[] = [];
const spawn = (file: string, args: string[]): ChildProcess => {
  const child = fork(join(import.meta.dirname, file), args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  children.push(child);
  return child;
};

interface Usage {
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly cpuSeconds: number;
  readonly atMs: number;
}

async function usageOf(arena: Arena): Promise<Usage> {
  const url = arena.seed.rpcUrl;
  const text = await (await fetch(`${url}metrics`)).text();
  const read = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)![1]);
  return {
    residentBytes: read('process_resident_memory_bytes'),
    heapBytes: read('nodejs_heap_size_used_bytes') + read('nodejs_external_memory_bytes'),
    cpuSeconds: read('process_cpu_seconds_total'),
    atMs: Date.now(),
  };
}

/** The lowest memory of some seconds: what is left after collections. */
async function floorOf(arena: Arena): Promise<Usage> {
  let floor = await usageOf(arena);
  for (const end = Date.now() + WATCH_MS; Date.now() < end; await sleep(500)) {
    const now = await usageOf(arena);
    const residentBytes = Math.min(floor.residentBytes, now.residentBytes);
    floor = { ...now, residentBytes, heapBytes: Math.min(floor.heapBytes, now.heapBytes) };
  }
  return floor;
}

/** An honest peer that announces the blocks made here. */
async function openMiner(arena: Arena): Promise<Host> {
  const topics = [blockTopic(arena.chainId), txTopic(arena.chainId)];
  const gater = { denyDialMultiaddr: () => false };
  const host = await createHost({ role: 'node', topics, gater, log: silentLog });
  await host.start();
  await host.dial(multiaddr((await fetchConfig(arena.seed)).bootstrap[0]));
  await until('the seed listens', () =>
    host.services.pubsub.getSubscribers(topics[0]!).length ? true : undefined,
  );
  return host;
}

/** Heights that each client has reached, and when it came to each block. */
class Heads {
  readonly presences: Presences;
  readonly #reached = new Map<number, { height: number; atMs: number }[]>();

  /** Of one client, in the largest process so far. */
  residentBytes = 0;

  constructor(presences: Presences) {
    this.presences = presences;
  }

  note(message: FromClients): void {
    if ('residentBytes' in message) {
      const each = message.residentBytes / message.clients;
      this.residentBytes = Math.max(this.residentBytes, each);
      return;
    }
    if ('peer' in message) return this.presences.note(message);
    const { client, height, atMs } = message;
    const heads = this.#reached.get(client) ?? [];
    this.#reached.set(client, [...heads, { height, atMs }]);
  }

  /** Times at which the clients got the block of that height, of those that have it. */
  timesOf(height: number): number[] {
    return [...this.#reached.values()].flatMap((heads) => {
      const first = heads.find((head) => head.height >= height);
      return first ? [first.atMs] : [];
    });
  }
}

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;

interface Phase {
  readonly name: string;
  readonly latencies: readonly number[];
  readonly missed: number;
}

async function mineBlocks(
  name: string,
  count: number,
  { arena, miner, heads }: { arena: Arena; miner: Host; heads: Heads },
): Promise<Phase> {
  const latencies: number[] = [];
  let missed = 0;
  for (let i = 0; i < count; i++) {
    const [paced, block] = await Promise.all([sleep(PACE_MS), makeBlock(arena)]);
    void paced;
    const { height } = block.header;
    const toldMs = Date.now();
    const data = encode(BlockAnnounce, { block, sequence: height });
    await miner.services.pubsub.publish(blockTopic(arena.chainId), data);
    for (const end = toldMs + REACH_MS; Date.now() < end; await sleep(20))
      if (heads.timesOf(height).length >= clients!) break;
    const times = heads.timesOf(height);
    missed += clients! - times.length;
    latencies.push(...times.map((at) => at - toldMs));
  }
  return { name, latencies: latencies.sort((a, b) => a - b), missed };
}

/** The next block with transfers, imported into this process's copy of the chain. */
async function makeBlock(arena: Arena): Promise<Block> {
  const nonce = arena.nonceOf(MINER);
  const to = person('is paid');
  const body = bodyOf(
    Array.from({ length: TRANSFERS }, (_, i) =>
      arena.pay(MINER, to.address, 1n, nonce + BigInt(i)),
    ),
  );
  const block = { ...(await arena.forger.win(arena.core(MINER, body))), body };
  const imported = await arena.chain.importBlock(block);
  if (isFault(imported)) throw new Error(`an honest block was refused: ${imported.fault}`);
  return block;
}

const columns = [14, 8, 8, 8, 8, 9, 9];
const row = (...cells: (string | number)[]): void =>
  console.log(cells.map((cell, i) => String(cell).padStart(columns[i]!)).join(' '));
const showPhase = ({ name, latencies, missed }: Phase): void =>
  row(name, ...[0, 0.5, 0.95, 0.99, 1].map((q) => quantile(latencies, q)), missed);

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

function showUsage(idle: Usage, joined: Usage, end: Usage): void {
  const per = (key: 'residentBytes' | 'heapBytes') =>
    `${((joined[key] - idle[key]) / clients! / 1024).toFixed(0)} KiB`;
  console.log(
    `\nseed, idle          resident ${mib(idle.residentBytes)}, heap ${mib(idle.heapBytes)}`,
  );
  console.log(
    `seed, ${clients} peers     resident ${mib(joined.residentBytes)}, heap ${mib(joined.heapBytes)}`,
  );
  console.log(`memory per peer     resident ${per('residentBytes')}, heap ${per('heapBytes')}`);
  const share = (end.cpuSeconds - joined.cpuSeconds) / ((end.atMs - joined.atMs) / 1000);
  console.log(
    `seed's CPU          ${(100 * share).toFixed(0)} % of one core while blocks went round`,
  );
}

/** Prints which peers were disconnected, by kind. @returns the slowest time, or undefined if one never was */
function showCuts(cuts: readonly FromFlooder[]): number | undefined {
  for (const [kind, of] of Map.groupBy(cuts, (cut) => cut.kind)) {
    const times = of.map(({ cutMs }) => cutMs ?? Infinity).sort((a, b) => a - b);
    const banned = of.filter((cut) => cut.banned).length;
    console.log(
      `${kind.padEnd(19)} ${of.length} peers, cut after ${quantile(times, 0.5)} ms (median), ` +
        `${times.at(-1)} ms (slowest); ${banned} refused when they came back`,
    );
  }
  const all = cuts.length > 0 && cuts.every(({ cutMs, banned }) => cutMs !== undefined && banned);
  return all ? Math.max(...cuts.map(({ cutMs }) => cutMs!)) : undefined;
}

async function startClients(arena: Arena, heads: Heads): Promise<void> {
  const config = JSON.stringify(await fetchConfig(arena.seed));
  const each = Math.ceil(clients! / processes!);
  for (let first = 0; first < clients!; first += each) {
    const count = Math.min(each, clients! - first);
    spawn('clients.ts', [String(first), String(count), config]).on('message', (message) =>
      heads.note(message as FromClients),
    );
  }
  const height = arena.chain.head().header.height;
  const all = () => (heads.timesOf(height).length === clients ? true : undefined);
  await until('every client follows the chain', all, JOIN_MS);
}

async function startFlooder(arena: Arena, last: Block): Promise<FromFlooder[]> {
  const cuts: FromFlooder[] = [];
  const header = { ...last.header, nonce: last.header.nonce + 1n };
  const invalid = encode(BlockAnnounce, { block: { ...last, header }, sequence: 0 });
  const [address] = (await fetchConfig(arena.seed)).bootstrap;
  spawn('flooder.ts', [address!, String(arena.chainId), toHex(invalid)]).on('message', (cut) =>
    cuts.push(cut as FromFlooder),
  );
  await until('the first hostile peer was cut', () => (cuts.length ? true : undefined));
  return cuts;
}

/** Clients that are not connected now, nor at any moment of the next half minute. */
async function lostOf(arena: Arena, presences: Presences): Promise<number[]> {
  const absent = async (): Promise<number[]> => {
    const peers = await arena.seed.rpc<{ id: string }[]>('getPeers');
    return presences.absent(clients!, new Set(peers.map(({ id }) => id)));
  };
  let lost = await absent();
  for (const end = Date.now() + BACK_MS; lost.length && Date.now() < end; await sleep(1000)) {
    const still = new Set(await absent());
    lost = lost.filter((client) => still.has(client));
  }
  return lost;
}

async function main(): Promise<boolean> {
  const arena = await openSeedArena(e2e(), await createForger(await readModel('tiny')), begunMs());
  const presences = new Presences((peer) => arena.seed.log.filter((line) => line.includes(peer)));
  const heads = new Heads(presences);
  try {
    // Coins for the transfers, and matured ones after them.
    await arena.coins();
    const idle = await floorOf(arena);
    const started = Date.now();
    await startClients(arena, heads);
    console.log(`${clients} clients follow the chain after ${Date.now() - started} ms\n`);
    const miner = await openMiner(arena);
    const joined = await floorOf(arena);
    const half = Math.floor(blocks! / 2);
    row('ms to reach', 'first', 'median', '95 %', '99 %', 'last', 'missed');
    const quiet = await mineBlocks('quiet', blocks! - half, { arena, miner, heads });
    // At once: what comes after may hang or kill.
    showPhase(quiet);
    const cuts = await startFlooder(arena, await makeTwin(arena));
    const flooded = await mineBlocks('under attack', half, { arena, miner, heads });
    const end = await usageOf(arena);
    const lost = (await lostOf(arena, presences)).length;
    const charged = presences.charged().length;

    showPhase(flooded);
    const ratio = quantile(flooded.latencies, 0.5) / quantile(quiet.latencies, 0.5);
    console.log(`median under attack ÷ quiet: ${ratio.toFixed(2)}`);
    showUsage(idle, joined, end);
    console.log(`memory per client   resident ${mib(heads.residentBytes)}, its share of a process`);
    console.log('\nhostile peers');
    const slowest = showCuts(cuts);
    console.log('\nhonest clients that were let go');
    presences.show(started);
    const missed = quiet.missed + flooded.missed;
    console.log(
      `\nblocks ${blocks}, missed ${missed} of ${blocks! * clients!}, clients lost ${lost}, charged ${charged}, ` +
        (slowest === undefined
          ? 'a flooder was NOT cut'
          : `flooders cut after ${slowest} ms at most`),
    );
    await miner.stop();
    return missed === 0 && lost === 0 && charged === 0 && slowest !== undefined;
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await arena.close();
    await arena.seed.kill();
    removeData(arena.seed);
  }
}

/** A block that is not announced: an invalid block is made from it. */
async function makeTwin(arena: Arena): Promise<Block> {
  return { ...(await arena.forger.win(arena.core(MINER))), body: bodyOf() };
}

const ok = await main().catch((e: unknown) => {
  console.error(e);
  return false;
});
process.exit(ok ? 0 : 1);
