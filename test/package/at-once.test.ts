/** Calls of one program at the same time, with a real seed that mines and answers for pay. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { removeData, startSeed, type Seed } from '../../e2e/support/seed.ts';
import { formatAddress } from '../../src/core/address.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { createPila, type Pila } from '../../src/node/pila.ts';
import { plainKey } from '../../src/wallet/plain-key.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const KEY = '33'.repeat(32);
const own = formatAddress(plainKey(KEY).address, 'rpila');
const payees = [1, 2, 3].map((i) => formatAddress(new Uint8Array(32).fill(i), 'rpila'));
const wait = { timeout: 200_000, interval: 500 };
let seed: Seed;
let data: string;
let pila: Pila;

beforeAll(async () => {
  seed = await startSeed({ args: ['--mine', '--answer-price', '0.0001'] });
  const body = JSON.stringify({ address: own });
  const headers = { 'content-type': 'application/json' };
  await fetch(`${seed.url}faucet`, { method: 'POST', headers, body });
  data = mkdtempSync(join(tmpdir(), 'pila-at-once-'));
  pila = await createPila({ network: seed.url, key: KEY, data });
  await pila.synced();
  await vi.waitUntil(async () => (await pila.balance(own)).spendable > 0n, wait);
  const model = (await pila.models()).find(({ name }) => name === 'tiny')!;
  await vi.waitUntil(async () => (await pila.client.providers(model.id)).length, wait);
});
afterAll(async () => {
  await pila?.stop();
  await seed?.kill();
  if (seed) removeData(seed);
  if (data) rmSync(data, { recursive: true });
});

/** What all of them give. */
async function allOf<T>(calls: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(calls);
  expect(settled.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))).toEqual(
    [],
  );
  return Promise.all(calls);
}

it('payments take a place each, and are all made', async () => {
  const sent = await allOf(payees.map((to) => pila.pay(to, 20_000_000n)));
  expect(new Set(sent.map(({ id }) => id)).size).toBe(payees.length);
  await Promise.all(sent.map((one) => one.confirmed()));
});

it('questions go over a channel each, and over the same ones again', async () => {
  const texts = ['ciao', 'hello', 'hola'];
  const ask = async (): Promise<string[]> => {
    const all = await allOf(texts.map((text) => pila.ask('tiny', text).whole()));
    return all.map(({ answer }) => toHex(answer.channel));
  };
  const first = await ask();
  expect(new Set(first).size).toBe(texts.length);
  const again = await ask();
  expect(again.toSorted()).toEqual(first.toSorted());
  expect(await pila.client.channels()).toHaveLength(texts.length);
});
