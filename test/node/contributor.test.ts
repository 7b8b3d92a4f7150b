/** `npm run miner`: a real process beside a real seed, and how it refuses to start. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, it, vi } from 'vitest';
import { freePort, removeData, startSeed, type Seed } from '../../e2e/support/seed.ts';
import { MINER_OFF } from '../../src/client/api.ts';
import { ModelSupply } from '../../src/client/models/model-supply.ts';
import { modelNamed, networkOf } from '../../src/client/models/networks.ts';
import { openPackageStore } from '../../src/client/models/package-store.ts';
import { formatAddress } from '../../src/core/address.ts';
import { createNodePlatform } from '../../src/node/client-platform.ts';
import { ALONE_BLOCKS, createAlone } from '../../src/node/contributor/alone.ts';
import { progressOf } from '../../src/node/contributor/contributor.ts';
import {
  MINER_HELP,
  modelFor,
  parseMinerOptions,
} from '../../src/node/contributor/miner-options.ts';
import { borrowVulkan } from '../vulkan.ts';

// Processes load everything anew; one takes two seconds or, on a busy machine, twenty.
vi.setConfig({ testTimeout: 180_000 });

const ADDRESS = formatAddress(new Uint8Array(32).fill(7), 'rpila');
const PEER = '12D3KooWR7LFeSYZ7dsQwgSx4fRhN3HebJKN5UgRMENymFizLNsA';
const COMMAND = 'src/node/miner-cli.ts';

let seed: Seed | undefined;
afterEach(async () => {
  await seed?.kill();
  if (seed) removeData(seed);
  seed = undefined;
});

/** Waits until the seed, which replays each block in full, has one. */
const waitForBlock = ({ rpc }: Seed) =>
  vi.waitUntil(async () => (await rpc('status')).height > 0, { timeout: 60_000, interval: 100 });

/** Mines until a block is found, stops it by a signal, gives its exit code and lines. */
async function mineOne(signal: NodeJS.Signals, ...flags: string[]) {
  const child = spawn(process.execPath, [COMMAND, '--address', ADDRESS, ...flags]);
  const exited = once(child, 'exit');
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (line.includes(' info block ')) child.kill(signal);
    });
  const [code] = (await exited) as [number | null];
  return { code, lines };
}

it('mines a block to an address and stops cleanly', async () => {
  seed = await startSeed();
  const data = mkdtempSync(join(tmpdir(), 'pila-miner-'));
  const flags = ['--seed', seed.url, '--backend', 'cpu', '--data', data];
  const { code, lines } = await mineOne('SIGTERM', ...flags);
  expect(code, lines.join('\n')).toBe(0);
  // Where its keys can be kept, it answers for pay.
  expect(lines.join('\n')).toContain(' info answers answered=0 earned="0 VLT" channels=0');
  expect(existsSync(join(data, 'serving.json'))).toBe(true);
  rmSync(data, { recursive: true });
  // The last word before the end is what was done.
  const told = lines.findLast((line) => line.includes(' info mining '));
  expect(told).toMatch(
    / passes\/s=[\d.e+]+ MAC\/s=[\d.e+]+ completed=[1-9]\d* found=[1-9]\d* kept=\d+ earned="\d+[\d.]* VLT" /,
  );
  await waitForBlock(seed);
  const first = await seed.rpc('getHeader', 1);
  expect(formatAddress(Buffer.from(first.miner, 'hex'), 'rpila')).toBe(ADDRESS);
});

it('needs no more than a multiaddr', async () => {
  seed = await startSeed();
  const config: any = await (await fetch(`${seed.url}config.json`)).json();
  const flags = ['--seed', config.bootstrap[0], '--network', 'e2e', '--backend', 'cpu'];
  const { code, lines } = await mineOne('SIGINT', ...flags);
  expect(code, lines.join('\n')).toBe(0);
  await waitForBlock(seed);
});

it('rests while no peer can be told of a block, and goes on when one is back', async () => {
  seed = await startSeed();
  const { port, data } = seed;
  const child = spawn(process.execPath, [
    ...[COMMAND, '--address', ADDRESS, '--seed', seed.url, '--backend', 'cpu'],
  ]);
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const reach = async (event: string): Promise<string> => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error(`ended before ${event}`);
      if (value.includes(` ${event} `) || value.endsWith(` ${event}`)) return value;
    }
  };
  try {
    await reach('block');
    await seed.kill();
    expect(await reach('mining.paused')).toContain('nobody can be told');
    expect(await reach('miner')).toContain('state=paused');
    seed = await startSeed({ port, data });
    await reach('mining.resumed');
    expect(await reach('miner')).toContain('state=running');
    await reach('block');
  } finally {
    child.kill('SIGTERM');
  }
  expect((await exited)[0]).toBe(0);
});

it('starts paused outside of its hours, and says until when', async () => {
  seed = await startSeed();
  const hour = new Date().getHours();
  const hours = `${(hour + 2) % 24}-${(hour + 3) % 24}`;
  const child = spawn(process.execPath, [
    ...[COMMAND, '--address', ADDRESS, '--seed', seed.url, '--backend', 'cpu', '--hours', hours],
  ]);
  const exited = once(child, 'exit');
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    if (line.includes(' info miner ')) child.kill('SIGTERM');
  });
  expect((await exited)[0], lines.join('\n')).toBe(0);
  const told = lines.join('\n');
  expect(told).toMatch(/ mining\.paused why=--hours until=\d{4}-/);
  expect(told).toMatch(/ info miner state=paused/);
  expect(told).not.toContain('state=running');
});

it('rests only after some block times without a peer', async () => {
  vi.useFakeTimers();
  const done: string[] = [];
  const turn = (name: string) => async () => void done.push(name);
  const onProblem = () => void done.push('problem');
  const turns = { pause: turn('pause'), resume: turn('resume'), onProblem };
  const alone = createAlone({ blockTimeMs: 100, ...turns });
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  alone.note('offline');
  await pass(ALONE_BLOCKS * 100 - 1);
  alone.note('syncing');
  alone.note('offline');
  await pass(ALONE_BLOCKS * 100 - 1);
  alone.note('offline');
  expect(done).toEqual([]);
  await pass(1);
  expect(done).toEqual(['pause']);
  for (const sync of ['offline', 'syncing', 'synced'] as const) alone.note(sync);
  await pass(ALONE_BLOCKS * 1000);
  expect(done).toEqual(['pause', 'resume']);
  alone.note('offline');
  alone.stop();
  await pass(ALONE_BLOCKS * 1000);
  expect(done).toEqual(['pause', 'resume']);
  vi.useRealTimers();
});

it('goes on resting and working after a pause that failed, which it tells', async () => {
  vi.useFakeTimers();
  const done: string[] = [];
  const alone = createAlone({
    blockTimeMs: 100,
    pause: () => Promise.reject(new Error(`refused ${done.push('pause')}`)),
    resume: async () => void done.push('resume'),
    onProblem: (e) => void done.push((e as Error).message),
  });
  for (const sync of ['offline', 'synced', 'offline', 'synced'] as const) {
    alone.note(sync);
    await vi.advanceTimersByTimeAsync(ALONE_BLOCKS * 100);
  }
  vi.useRealTimers();
  const round = (first: number) => ['pause', `refused ${first}`, 'resume'];
  expect(done).toEqual([...round(1), ...round(4)]);
});

const run = (env: Record<string, string>, ...args: string[]) =>
  spawnSync(process.execPath, [COMMAND, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });

it('tells its flags and exits 0; a wrong one is one sentence and exit 2', () => {
  expect(run({}, '--help')).toMatchObject({ status: 0, stderr: '' });
  const wrong = run({}, '--address', 'x');
  expect(wrong).toMatchObject({ status: 2, stdout: '' });
  expect(wrong.stderr).toBe(
    "pila miner: --address takes an address, not 'x'\npila miner: --help lists the flags\n",
  );
});

it('exits 1 with a sentence where no seed answers, and where WebGPU has no adapter', async () => {
  const nobody = `http://localhost:${await freePort()}/`;
  const silent = run({}, '--address', ADDRESS, '--seed', nobody);
  expect(silent.status).toBe(1);
  expect(silent.stderr).toContain(`pila miner: no seed answers at ${nobody}`);
  seed = await startSeed();
  const flags = ['--address', ADDRESS, '--seed', seed.url, '--backend', 'webgpu'];
  const blind = run({ VK_ICD_FILENAMES: '/none' }, ...flags);
  expect(blind.status).toBe(1);
  expect(blind.stderr).toContain('pila miner: there is no WebGPU adapter\n');
});

it('runs units on WebGPU in Node (skipped without an adapter)', async ({ skip }) => {
  borrowVulkan();
  const platform = createNodePlatform({ network: 'e2e', forceFallback: true });
  try {
    const miner = await platform.createMiner!();
    const { models } = networkOf('e2e');
    const packages = await openPackageStore({
      models,
      store: await platform.packages!.openStore(),
      sources: () => [],
      onChange: () => undefined,
    });
    const tiny = modelNamed(networkOf('e2e'), 'tiny')!;
    await new ModelSupply((id) => packages.load(id)).give(miner, tiny.id);
    const running = Promise.withResolvers<string>();
    miner.on('status', (s) => s.state === 'running' && running.resolve(s.device));
    const started = await miner.start('tiny', 'webgpu').catch((e: Error) => e);
    skip(started?.message === 'there is no WebGPU adapter', started?.message);
    expect(started).toBeUndefined();
    // Only a device that passed the self-test gets there.
    expect(await running.promise).not.toContain('WebAssembly');
  } finally {
    await platform.close();
  }
});

it('options', () => {
  const own = ['--address', ADDRESS];
  expect(parseMinerOptions(own)).toEqual({
    address: ADDRESS,
    networks: ['local', 'e2e'],
    seed: 'http://localhost:8790/',
    backend: 'auto',
    model: undefined,
    threads: 1,
    intensity: 100,
    hours: undefined,
    data: undefined,
    answerPrice: undefined,
    serve: [],
    tokenPrice: undefined,
  });
  const at = `/ip4/127.0.0.1/tcp/1/ws/p2p/${PEER}`;
  const more = ['--seed', at, '--network', 'e2e', '--backend', 'cpu', '--model', 'tiny'];
  const chats = ['--serve', 'smollm2', '--token-price', '0.000002'];
  const gently = ['--threads', '3', '--intensity', '25', '--hours', '22-6'];
  const rest = [...gently, '--data', '/d', ...chats];
  expect(parseMinerOptions([...own, ...more, ...rest])).toEqual({
    address: ADDRESS,
    networks: ['e2e'],
    seed: at,
    backend: 'cpu',
    model: 'tiny',
    threads: 3,
    intensity: 25,
    hours: { from: 22, to: 6 },
    data: '/d',
    answerPrice: undefined,
    serve: ['smollm2'],
    tokenPrice: 2_000n,
  });
  expect(parseMinerOptions(['--help'])).toBeUndefined();
  const flags = [
    'address',
    'seed',
    'network',
    'backend',
    'threads',
    'intensity',
    'hours',
    'model',
    'data',
    'serve',
    'help',
  ];
  for (const flag of [...flags, 'token-price']) expect(MINER_HELP).toContain(`--${flag} `);
});

it.each([
  [[], '--address is missing'],
  [['--address', ADDRESS, '--network', 'main'], 'no address of main'],
  [['--address', ADDRESS, '--network', 'x'], '--network takes main'],
  [['--address', ADDRESS, '--seed', 'x'], '--seed takes'],
  [['--address', ADDRESS, '--seed', 'ftp://x/'], '--seed takes'],
  [['--address', ADDRESS, '--seed', ''], '--seed takes'],
  [['--address', ADDRESS, '--seed', `/p2p/${PEER}`], '--seed takes'],
  [['--address', ADDRESS, '--data', ''], '--data takes a folder'],
  [['--address', ADDRESS, '--answer-price', '1'], '--answer-price needs --data'],
  [['--address', ADDRESS, '--data', '/d', '--answer-price', 'x'], '--answer-price takes an amount'],
  [['--address', ADDRESS, '--serve', 'x'], '--serve needs --data'],
  [['--address', ADDRESS, '--data', '/d', '--serve='], "--serve takes a model, not ''"],
  [['--address', ADDRESS, '--token-price', '1'], '--token-price needs --serve'],
  [['--address', ADDRESS, '--threads', '1e1'], '--threads takes 1 to 64'],
  [['--address', ADDRESS, '--threads', ' 2'], '--threads takes 1 to 64'],
  [['--address', ADDRESS, '--backend', 'x'], '--backend takes'],
  [['--address', ADDRESS, '--threads', '0'], '--threads takes 1 to 64'],
  [['--address', ADDRESS, '--threads', '2.5'], '--threads takes 1 to 64'],
  [['--address', ADDRESS, '--intensity', '0'], '--intensity takes 1 to 100'],
  [['--address', ADDRESS, '--intensity', '101'], '--intensity takes 1 to 100'],
  [['--address', ADDRESS, '--hours', '22'], '--hours takes two hours'],
  [['--address', ADDRESS, '--hours', '6-6'], '--hours takes two hours'],
  [['--addres', ADDRESS], "Unknown option '--addres'"],
  [['--address', ADDRESS, 'more'], 'Unexpected argument'],
])('refuses %j', (args, sentence) => {
  expect(() => parseMinerOptions(args)).toThrow(sentence);
});

it('models', () => {
  expect(modelFor('e2e', undefined)).toBe('tiny');
  expect(() => modelFor('main', undefined)).toThrow('main admits no model yet');
  expect(() => modelFor('local', 'gpt')).toThrow('local admits minilm, tiny');
});

it('progress names what was rejected, and why', () => {
  const rejected = { stale: 2, recheck: 1, none: 0 };
  const miner = { ...MINER_OFF, units: 12, macsPerSecond: 1.5e8, blocksFound: 3, rejected };
  expect(progressOf(miner, 1 / 3, { found: 3, kept: 2, earned: 1_000_000_010n })).toEqual({
    'passes/s': '0.333',
    'MAC/s': '1.50e+8',
    completed: 12,
    found: 3,
    kept: 2,
    earned: '1.00000001 VLT',
    rejected: 'stale 2, recheck 1',
  });
  const none = { found: 0, kept: 0, earned: 0n };
  expect(progressOf(MINER_OFF, 0, none)).toMatchObject({ earned: '0 VLT', rejected: 0 });
});
