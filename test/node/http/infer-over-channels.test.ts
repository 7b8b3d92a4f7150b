/** Two real seeds: one mines answers for pay, the other asks it over HTTP for its callers, over a channel. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { freePort, startSeed, type Seed } from '../../../e2e/support/seed.ts';

const scratch = mkdtempSync(join(tmpdir(), 'pila-asks-'));
const started: Seed[] = [];
afterAll(async () => {
  await Promise.all(started.map((seed) => seed.kill()));
  rmSync(scratch, { recursive: true, force: true });
});
const PRICE = 100_000;
/** A node takes a question a second of one address. */
const wait = { timeout: 200_000, interval: 1100 };

async function start(name: string, ...args: string[]): Promise<Seed> {
  const seed = await startSeed({ data: join(scratch, name), port: await freePort(), args });
  started.push(seed);
  return seed;
}

/** Of the network, although every model is whole on a seed. */
async function post(url: string, body: object, key: string) {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'idempotency-key': key,
      ...(url.endsWith('/infer') && { 'pila-answer': 'network' }),
    },
    body: JSON.stringify(body),
  });
  return { status: response.status, json: await response.json() };
}

test(
  'a seed buys answers for its callers, pays each once, also over a restart',
  { timeout: 400_000 },
  async () => {
    const provider = await start('provider', '--mine', '--answer-price', '0.0001');
    const config = (await (await fetch(`${provider.url}config.json`)).json()) as {
      bootstrap: string[];
    };
    // Two answers, and the fee of one opening.
    const flags = ['--bootstrap', config.bootstrap[0]!, '--spend-max', '0.000203'];
    let asker = await start('asker', ...flags);
    const ask = (key: string, input: string) =>
      post(`${asker.rpcUrl}v1/infer`, { model: 'tiny', input, price: String(PRICE) }, key);
    /** Until it is answered: offers come once a minute, and a channel must be deep enough. */
    const answered = (key: string, input: string) =>
      vi.waitUntil(async () => {
        const told = await ask(key, input);
        if ([202, 503].includes(told.status)) return undefined;
        return told;
      }, wait);

    const poor = await answered('a', 'one');
    expect([poor.status, poor.json.error.code]).toEqual([402, 'FUNDS_SHORT']);
    const [address] = /rpila1\w+/.exec(poor.json.error.message)!;
    await vi.waitUntil(
      async () => (await post(`${provider.url}faucet`, { address }, 'f')).status === 200,
      wait,
    );
    await vi.waitUntil(async () => (await answered('a', 'one')).status === 200, wait);

    const first = await ask('a', 'one');
    expect(first.json).toMatchObject({
      state: 'answered',
      model: 'tiny',
      cost: String(PRICE),
      paid: { n: 1, total: String(PRICE) },
    });
    // What the provider's own model says to it.
    const body = JSON.stringify({ model: 'tiny', input: 'one' });
    const headers = { 'content-type': 'application/json' };
    const asked = await fetch(`${provider.rpcUrl}v1/infer`, { method: 'POST', headers, body });
    const own = { json: await asked.json() };
    expect(own.json).toMatchObject({ answers: first.json.answers, cost: '0', paid: null });

    const second = await answered('b', 'two');
    expect(second.json.paid).toMatchObject({ n: 2, total: String(2 * PRICE) });
    expect(second.json.paid.channel).toBe(first.json.paid.channel);

    const spentAll = await answered('c', 'three');
    expect([spentAll.status, spentAll.json.error.code]).toEqual([403, 'SPEND_LIMIT']);
    const metrics = await (await fetch(`${asker.rpcUrl}metrics`)).text();
    expect(metrics).toMatch(/^pila_infer_spent_vlt 0\.000203$/m);
    const { data } = (await (await fetch(`${asker.url}v1/models`)).json()) as {
      data: { price: string | null }[];
    };
    expect(data[0]).toMatchObject({ id: 'tiny', isHere: true, price: String(PRICE) });

    await asker.kill();
    asker = await start('asker', ...flags);
    expect((await ask('a', 'one')).json).toEqual(first.json);
  },
);
