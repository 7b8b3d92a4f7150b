/** One start of the seed: what it still holds, what happens to it, and how it ends. */
import { startSeed, type Seed } from '../../e2e/support/seed.ts';
import { sleep } from '../attack/judges/seed-judge.ts';
import type { Random } from '../sim/random.ts';
import type { Disk } from './disk.ts';

/** `fill`: the disk is filled and freed at random, payments are made; `kill`: it mines, and is killed. */
export type Plan = 'fill' | 'kill';

/** A payment that was told as made. */
interface Paid {
  readonly key: string;
  readonly id: string;
}

export interface Tally {
  /** The highest that was told. */
  height: number;
  readonly paid: Paid[];
  lostBlocks: number;
  lostPayments: number;
  /** Times that a full disk was told. */
  fills: number;
  /** Log lines of level error. */
  lines: number;
}

export interface Round {
  readonly disk: Disk;
  readonly random: Random;
  readonly tally: Tally;
  readonly plan: Plan;
}

/** ms: generous, for a machine that does something else as well. */
const PATIENCE_MS = 240_000;
const FLAGS = ['--mine', '--spend-max', '1000000'];
/** Payments asked for one after another: some fifteen fill a page of `spent/`. */
const PAID_AT_ONCE = 16;
/** Payments asked for again at each start: those told last. Calls are limited to 20 at once. */
const ASKED_AGAIN = 8;

interface Health {
  readonly ok: boolean;
  readonly height: number;
}

/** What happened, and whether everything that was told before was there at its beginning. */
export async function runRound(round: Round): Promise<{ what: string; isKept: boolean }> {
  const { disk, random, tally, plan } = round;
  const words: string[] = [];
  if (plan === 'fill' && tally.height && random.chance(0.3))
    words.push(`on a full disk ${await startOnFull(round)}`);
  disk.free();
  const seed = await startSeed({ data: disk.data, args: FLAGS });
  try {
    const lost = await lostAtStart(seed, tally);
    if (lost) words.push(`LOST ${lost}`);
    words.push(`from ${tally.height}`);
    if (plan === 'kill') await grow(seed, tally, 2);
    else await disturb(seed, round, words);
    const ends = plan === 'kill' || random.chance(0.5) ? 'SIGKILL' : 'SIGTERM';
    if (ends === 'SIGKILL') await sleep(random.int(0, 2000));
    await (ends === 'SIGKILL' ? seed.kill() : seed.stop());
    words.push(`to ${noteHeads(seed, tally)}, ${ends}`);
    const errors = seed.log.filter((line) => /^\S+ error /.test(line));
    tally.lines += errors.length;
    words.push(...errors.filter((line) => !/ store\.fails /.test(line)));
    return { what: words.join(', '), isKept: !lost };
  } finally {
    await seed.kill();
  }
}

/** It may not start, but must leave what is there. */
async function startOnFull({ disk, random }: Round): Promise<string> {
  disk.fill(random.int(0, 64));
  try {
    await (await startSeed({ data: disk.data, args: FLAGS })).kill();
    return 'it started';
  } catch (e) {
    return String(e).includes('is full') ? 'it said so' : `it failed: ${String(e)}`;
  }
}

async function lostAtStart(seed: Seed, tally: Tally): Promise<string> {
  const { height } = await healthOf(seed);
  const lostBlocks = Math.max(0, tally.height - height);
  let lostPayments = 0;
  for (const { key, id } of tally.paid.slice(-ASKED_AGAIN))
    if ((await pay(seed, key)).id !== id) lostPayments++;
  tally.lostBlocks += lostBlocks;
  tally.lostPayments += lostPayments;
  // What is lost is lost once.
  if (lostBlocks) tally.height = height;
  return lostBlocks || lostPayments ? `${lostBlocks} blocks, ${lostPayments} payments` : '';
}

async function disturb(seed: Seed, { disk, random, tally }: Round, words: string[]) {
  await grow(seed, tally, 1);
  await payOnce(seed, tally, words);
  for (let i = random.int(0, 2); i > 0; i--) {
    disk.fill(random.int(0, 12));
    await untilSo('the disk is told as full', async () => !(await look(seed, tally)).ok);
    tally.fills++;
    words.push(`full at ${tally.height}`);
    for (let left = random.pick([0, 1, PAID_AT_ONCE]); left > 0; left--)
      if (!(await payOnce(seed, tally, words))) break;
    // It may end while the disk is full.
    if (random.chance(0.2)) return;
    disk.free();
    await untilSo('it is well again', async () => (await look(seed, tally)).ok);
    await grow(seed, tally, random.int(1, 3));
    await payOnce(seed, tally, words);
  }
}

async function untilSo(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(50))
    if (await isSo()) return;
  throw new Error(`never happened: ${what}`);
}

async function grow(seed: Seed, tally: Tally, blocks: number): Promise<void> {
  const to = (await look(seed, tally)).height + blocks;
  await untilSo('blocks', async () => (await look(seed, tally)).height >= to);
}

/** @returns whether it was told as paid */
async function payOnce(seed: Seed, tally: Tally, words: string[]): Promise<boolean> {
  const key = `order-${tally.paid.length}-${tally.height}`;
  const { id, status } = await pay(seed, key);
  words.push(id === undefined ? `not paid (${status})` : 'paid');
  if (id !== undefined) tally.paid.push({ key, id });
  return id !== undefined;
}

async function pay(seed: Seed, key: string): Promise<{ id: string | undefined; status: number }> {
  const response = await fetch(`${seed.rpcUrl}v1/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ model: 'tiny', input: key, wait: 'none' }),
  });
  const { id } = (await response.json()) as { id?: string };
  return { id: response.ok ? id : undefined, status: response.status };
}

async function healthOf(seed: Seed): Promise<Health> {
  return (await (await fetch(`${seed.rpcUrl}health`)).json()) as Health;
}

/** Notes the height that is told. */
async function look(seed: Seed, tally: Tally): Promise<Health> {
  const health = await healthOf(seed);
  tally.height = Math.max(tally.height, health.height);
  return health;
}

/** Heights that the log told and nobody asked for. @returns the last */
function noteHeads(seed: Seed, tally: Tally): number {
  for (const line of seed.log) {
    const [, height] = / head height=(\d+)/.exec(line) ?? [];
    tally.height = Math.max(tally.height, Number(height ?? 0));
  }
  return tally.height;
}
