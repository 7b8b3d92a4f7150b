/** The examples do what they say, against a real seed that mines and answers for pay. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { removeData, startSeed, type Seed } from '../e2e/support/seed.ts';
import { keyOf } from '../examples/connect.ts';
import { formatAddress } from '../src/core/address.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const KEY = '11'.repeat(32);
const own = formatAddress(keyOf(KEY).address, 'rpila');
const other = formatAddress(new Uint8Array(32).fill(9), 'rpila');
let seed: Seed;

/** Lines that an example prints. */
async function run(name: string, ...args: string[]): Promise<string[]> {
  const env = { ...process.env, PILA_KEY: KEY, PILA_DATA: join(seed.data, 'examples') };
  const all = [`examples/${name}.ts`, seed.url, ...args];
  const { stdout } = await promisify(execFile)(process.execPath, all, { env, timeout: 100_000 });
  return stdout.trim().split('\n');
}

const balanceOf = async (address: string): Promise<bigint> =>
  BigInt((await seed.rpc('getAccount', address)).balance);

beforeAll(async () => {
  seed = await startSeed({ args: ['--mine', '--answer-price', '0.0001'] });
  const gift = await fetch(`${seed.url}faucet`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ address: own }),
  });
  expect(gift.status).toBe(200);
  await vi.waitUntil(async () => (await balanceOf(own)) > 0n, { timeout: 60_000, interval: 100 });
});
afterAll(async () => {
  await seed?.kill();
  removeData(seed);
});

it('balance', async () => {
  expect(await run('balance', own)).toEqual([
    expect.stringMatching(/^100000000000 nV, proven at block \d+$/),
  ]);
});

it('send', async () => {
  const [line] = await run('send', other, '1.5');
  expect(line).toMatch(/^confirmed in block \d+$/);
  expect(await balanceOf(other)).toBe(1_500_000_000n);
});

it('ask, then receipt', async () => {
  const before = await balanceOf(own);
  const [opened, said, shared, closed] = await run('ask', 'tiny', 'ciao');
  expect(opened).toMatch(/^opened [0-9a-f]{64} with 10000000 nV$/);
  const [, price] = /^\S.*, for (\d+) nV$/.exec(said!)!;
  expect(price).toBe('100000');
  expect(closed).toMatch(/^closed in block \d+: the rest is back$/);
  // Besides the answer its opening's fee was paid; the close is paid by who answered.
  const paid = before - (await balanceOf(own)) - BigInt(price!);
  expect(paid).toBeGreaterThan(0n);
  expect(paid).toBeLessThan(100_000n);

  const [, hex] = /^shared ([0-9a-f]+)$/.exec(shared!)!;
  const [signed, verdict] = await run('receipt', hex!);
  expect(signed).toMatch(/^signed by [0-9a-f]{64}$/);
  expect(verdict).toBe('the answer is the model’s');
});

it('serve', async () => {
  expect((await run('serve', '1')).at(-1)).toMatch(/^found \d+ blocks$/);
});
