/** An answer verified by others, with real seeds: two tell the truth, and the cheapest lies. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { removeData, startSeed, type Seed } from '../../e2e/support/seed.ts';
import { formatAddress } from '../../src/core/address.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { createPila, type Bought, type Pila } from '../../src/node/pila.ts';
import { parseAmount } from '../../src/wallet/amount.ts';
import { plainKey } from '../../src/wallet/plain-key.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const KEY = '22'.repeat(32);
const own = formatAddress(plainKey(KEY).address, 'rpila');
/** VLT for a sequence, from whom is asked first. */
const [LIARS, ONES, OTHERS] = ['0.0001', '0.0002', '0.0003'];
const seeds: Seed[] = [];
let data: string;
let pila: Pila;
/** The liar's answer. */
let lie: Bought;

const configOf = async ({ url }: Seed) => await (await fetch(`${url}config.json`)).json();
const providers = async () => {
  const model = (await pila.models()).find(({ name }) => name === 'tiny')!;
  return pila.client.providers(model.id);
};

beforeAll(async () => {
  const answering = (price: string): string[] => ['--mine', '--answer-price', price];
  const first = await startSeed({ args: answering(ONES) });
  seeds.push(first);
  const told = await configOf(first);
  const bootstrap = ['--bootstrap', told.bootstrap[0]];
  const entry = 'e2e/support/lying-seed.ts';
  const others = [
    startSeed({ args: [...answering(OTHERS), ...bootstrap] }),
    startSeed({ entry, args: [...answering(LIARS), ...bootstrap] }),
  ];
  seeds.push(...(await Promise.all(others)));
  const body = JSON.stringify({ address: own });
  const headers = { 'content-type': 'application/json' };
  await fetch(`${first.url}faucet`, { method: 'POST', headers, body });
  data = mkdtempSync(join(tmpdir(), 'pila-others-'));
  // Of each its address: a program without WebRTC reaches a seed there.
  const all = (await Promise.all(seeds.map(configOf))).flatMap((one) => one.bootstrap);
  pila = await createPila({ network: { ...told, bootstrap: all }, key: KEY, data });
  await pila.synced();
  const isReady = async (): Promise<boolean> =>
    (await pila.balance(own)).spendable > 0n && (await providers()).length === seeds.length;
  await vi.waitUntil(isReady, { timeout: 200_000, interval: 500 });
});
afterAll(async () => {
  await pila?.stop();
  for (const seed of seeds) {
    await seed.kill();
    removeData(seed);
  }
  if (data) rmSync(data, { recursive: true });
});

it('two who give the same other answer contradict a false one, and convict nobody', async () => {
  // At most what the liar takes: where it gave nothing, an honest one must not answer in its place.
  lie = await pila.ask('tiny', 'ciao', { most: parseAmount(LIARS) }).whole();
  expect(lie.answer.provider).toEqual((await providers())[0]!.key);
  const { isEqual, at, by } = await pila.verify(lie.shared, { byOthers: true });
  expect([isEqual, at]).toEqual([false, 0]);
  expect(new Set(by.map(({ provider }) => toHex(provider))).size).toBe(2);
  expect(by.some(({ provider }) => toHex(provider) === toHex(lie.answer.provider))).toBe(false);
  expect(by[0]!.answer).toEqual(by[1]!.answer);
  expect(await pila.client.distrusted()).toEqual([]);
});

it('one who gives the same confirms a true one, after the liar was asked too', async () => {
  const kept = await pila.client.answers();
  const [right] = kept.filter(({ provider }) => toHex(provider) !== toHex(lie.answer.provider));
  const shared = await pila.client.shareAnswer(right!.channel, right!.n);
  const { isEqual, by } = await pila.verify(shared, { byOthers: true });
  expect([isEqual, by.length]).toEqual([true, 1]);
  expect(by[0]!.answer).toEqual(right!.answer);
  expect((await pila.client.answers()).length).toBe(kept.length + 2);
});

it('who asks for more than it may cost is not asked', async () => {
  await expect(pila.verify(lie.shared, { byOthers: true, most: 1n })).rejects.toMatchObject({
    code: 'PRICE_LOW',
  });
});
