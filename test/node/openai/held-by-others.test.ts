/** A language model that this node knows by name alone: others hold it, and a provider answers with it. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SourceBusy, type PartSource } from '../../../src/client/models/part-sources.ts';
import { SERVED, SERVED_MAX, withNamed } from '../../../src/client/models/served.ts';
import { bytesFromTokens, tokensFromBytes } from '../../../src/core/reading.ts';
import { inputTokens, withoutPadding } from '../../../src/core/manifest.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { learnOffered } from '../../../src/node/seed/seed-models.ts';
import { startChattyNode, type ChattyNode } from './chatty-node.ts';

vi.setConfig({ testTimeout: 150_000, hookTimeout: 120_000 });

/** ms after which an answer is held to be none. */
const PATIENCE_MS = 45_000;

/** One that holds the model, and one that does not. */
let holder: ChattyNode;
let node: ChattyNode;
/** Parts that were asked for. */
let asked: number[];
let give: (part: number) => Promise<void>;
const source: PartSource = {
  name: 'holder',
  async fetch({ model, part, size }) {
    asked.push(part);
    await give(part);
    return (await holder.packages.read(toHex(model), part, 0, size))!;
  },
  blame: () => undefined,
};
beforeEach(async () => {
  asked = [];
  give = async () => undefined;
  holder = await startChattyNode();
  node = await startChattyNode([source], 1000);
});
afterEach(async () => {
  await node?.stop();
  await holder?.stop();
});

const ask = {
  model: 'chatty',
  messages: [{ role: 'user', content: 'What is a pile?' }],
  max_tokens: 12,
  seed: 7,
};
async function call(of: ChattyNode, path: string, body?: object) {
  const headers = { 'content-type': 'application/json' };
  const init = body && { method: 'POST', headers, body: JSON.stringify(body) };
  const response = await fetch(`${of.url}v1/${path}`, init);
  return { status: response.status, json: await response.json() };
}
const names = async (): Promise<string[]> =>
  (await call(node, 'models')).json.data.map(({ id }: { id: string }) => id);
/** The holder answers, for pay. */
const provide = (): void =>
  node.setPaid(async ({ model, input, manifest, tokens }, { onPart }) => {
    const ids = withoutPadding(inputTokens(input, manifest)!);
    const job = { model, input: ids, options: tokens!.options, rank: 'payer' } as const;
    const given: number[] = [];
    const signal = new AbortController().signal;
    for await (const { token } of holder.answerer.generate({ ...job, signal })) {
      given.push(token);
      onPart!(bytesFromTokens([token]));
    }
    const rows = bytesFromTokens(given);
    expect(tokensFromBytes(rows)).toHaveLength(given.length);
    return { rows, cost: 5n, paid: { provider: new Uint8Array(32) } as never, shared: undefined };
  });

it('is answered by who holds it, with no more of it here than reads and writes its text', async () => {
  provide();
  const right = await call(holder, 'chat/completions', ask);
  const { status, json } = await call(node, 'chat/completions', ask);
  expect([status, json.choices]).toEqual([200, right.json.choices]);
  expect(json.pila).toMatchObject({ place: 'network', cost: '5' });
  const here = await call(node, 'chat/completions', { ...ask, model: 'chatty@device' });
  expect([here.status, here.json.error.code]).toEqual([404, 'MODEL_MISSING']);
  const all = (await holder.packages.all())[0]!.bytes;
  expect((await node.packages.all())[0]!.stored).toBeLessThan(all / 2);
});

it('is listed once somebody offers it, and looked up by its name at once', async () => {
  expect(await names()).toEqual([]);
  const offer = (model: Uint8Array) => ({ offer: { models: [{ model }] } }) as never;
  learnOffered(node.packages, offer(new Uint8Array(32)));
  expect(asked).toEqual([]);
  for (let i = 0; i < 5; i++) learnOffered(node.packages, offer(node.model));
  await vi.waitUntil(async () => (await names()).length);
  expect(await names()).toEqual(['chatty']);
  // The manifest alone, and once.
  expect(asked).toHaveLength(1);
  const { json } = await call(node, 'models/chatty%40network');
  expect(json).toMatchObject({ id: 'chatty@network', isHere: false, gives: 'text' });
  learnOffered(node.packages, offer(node.model));
  expect(asked).toHaveLength(1);
});

it.each([
  ['gives no byte', () => new Promise<void>(() => undefined)],
  ['says "later" for hours', () => Promise.reject(new SourceBusy(3_600_000))],
])('holds no call where who has its files %s', async (_, how) => {
  provide();
  give = how;
  for (const [path, body] of [['models/chatty'], ['chat/completions', ask]] as const) {
    const refused = await Promise.race([call(node, path, body), pause(PATIENCE_MS, undefined)]);
    expect([refused?.status, refused?.json.error.code]).toEqual([503, 'NET_TIMEOUT']);
  }
  // All calls wait for one and the same.
  expect(asked.length).toBeLessThan(3);
});

it('is one that the program names, unless a package of that name lies here', () => {
  expect(withNamed([])).toEqual(SERVED);
  const [first] = SERVED as [(typeof SERVED)[number]];
  const own = { ...first, id: 'ab'.repeat(32) };
  expect(withNamed([own])).toEqual([own]);
  expect(withNamed([{ ...first, name: 'other' }])).toHaveLength(1);
  const many = Array.from({ length: SERVED_MAX }, (_, i) => ({
    ...own,
    name: `m${i}`,
    id: `${i}`.repeat(64),
  }));
  expect(withNamed(many)).toEqual(many);
});
