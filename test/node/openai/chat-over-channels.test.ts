/** Two real seeds: one serves a language model for pay, the other asks it for a chat over HTTP, over a channel. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { freePort, startSeed, type Seed } from '../../../e2e/support/seed.ts';
import { writeChatty } from '../../models/chatty.ts';
import { eventsOf } from './chatty-node.ts';

const scratch = mkdtempSync(join(tmpdir(), 'pila-chats-'));
const started: Seed[] = [];
afterAll(async () => {
  await Promise.all(started.map((seed) => seed.kill()));
  rmSync(scratch, { recursive: true, force: true });
});
/** nV for a thousand tokens. */
const PRICE = 1_000_000n;
const wait = { timeout: 200_000, interval: 1100 };
const messages = [{ role: 'user', content: 'What is a pile?' }];
const ask = { model: 'chatty@network', messages, max_tokens: 40, seed: 3 };
const usageWanted = { stream: true, stream_options: { include_usage: true } };

async function start(name: string, ...args: string[]): Promise<Seed> {
  const seed = await startSeed({ data: join(scratch, name), port: await freePort(), args });
  started.push(seed);
  return seed;
}

/** nV of an answer, by the tokens that were read and given. */
const costOf = ({ usage }: any): bigint => {
  const units = BigInt(usage.completion_tokens + Math.ceil(usage.prompt_tokens / 4));
  return (PRICE * units + 999n) / 1000n;
};

test(
  'a seed buys a chat for its callers: by tokens, in a stream or not, each answer once',
  { timeout: 400_000 },
  async () => {
    const chatty = join(scratch, 'chatty');
    writeChatty(chatty);
    const mining = ['--mine', '--serve', chatty, '--token-price', '0.001'];
    const provider = await start('provider', ...mining);
    const config = (await (await fetch(`${provider.url}config.json`)).json()) as {
      bootstrap: string[];
    };
    const flags = ['--bootstrap', config.bootstrap[0]!, '--package', chatty];
    let asker = await start('asker', ...flags);
    const post = (key: string, more: object = {}, signal?: AbortSignal) =>
      fetch(`${asker.rpcUrl}v1/chat/completions`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'pila-price': String(PRICE),
          ...(key && { 'idempotency-key': key }),
        },
        body: JSON.stringify({ ...ask, ...more }),
        ...(signal && { signal }),
      });
    /** Until it is answered: offers come once a minute, and a channel must be deep enough. */
    const answered = (key: string, more: object = {}) =>
      vi.waitUntil(async () => {
        const response = await post(key, more);
        return response.status === 503 ? undefined : response;
      }, wait);

    const poor = await answered('a');
    const { error } = await poor.json();
    expect([poor.status, error.code, error.type]).toEqual([
      402,
      'FUNDS_SHORT',
      'insufficient_quota',
    ]);
    const [address] = /rpila1\w+/.exec(error.message)!;
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ address });
    const given = () => fetch(`${provider.url}faucet`, { method: 'POST', headers, body });
    await vi.waitUntil(async () => (await given()).ok, wait);
    const first = await vi.waitUntil(async () => {
      const response = await answered('a');
      return response.ok ? await response.json() : undefined;
    }, wait);
    expect(first.choices[0]).toMatchObject({ finish_reason: 'length' });
    expect(first.usage.completion_tokens).toBe(40);
    expect(BigInt(first.pila.cost)).toBe(costOf(first));
    // What this node's own copy says to the same question with the same seed.
    const own = await (await post('', { model: 'chatty@device' })).json();
    expect(own.choices).toEqual(first.choices);
    expect([own.usage, own.pila.cost]).toEqual([first.usage, '0']);

    const events = await eventsOf(await answered('b', usageWanted));
    expect(events.at(-1)).toBe('[DONE]');
    const text = events.slice(0, -1).map((event) => event.choices[0]?.delta.content ?? '');
    expect(text.join('')).toBe(first.choices[0].message.content);
    expect(text.filter(Boolean).length).toBeGreaterThan(1);
    expect(events.at(-2).usage).toEqual(first.usage);

    // Who leaves ends it: what came until then is what is spent.
    const gone = new AbortController();
    const spent = async () => {
      const metrics = await (await fetch(`${asker.rpcUrl}metrics`)).text();
      return Number(/^pila_infer_spent_vlt (.*)$/m.exec(metrics)![1]) * 1e9;
    };
    const before = await spent();
    const left = await post('', { max_tokens: 200, stream: true }, gone.signal);
    await left.body!.getReader().read();
    gone.abort();
    const whole = { prompt_tokens: first.usage.prompt_tokens, completion_tokens: 200 };
    await vi.waitUntil(
      async () => (await spent()) < before + Number(costOf({ usage: whole })),
      wait,
    );
    expect(await spent()).toBeGreaterThan(before);

    await asker.kill();
    asker = await start('asker', ...flags);
    const again = await (await answered('a')).json();
    expect([again.choices, again.pila]).toEqual([first.choices, first.pila]);
  },
);
