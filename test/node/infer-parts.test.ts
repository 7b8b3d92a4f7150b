/** What guards spending over HTTP, each at its limit. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../src/chain/store/memory-store.ts';
import type { Store } from '../../src/chain/store/store.ts';
import type { Receipt } from '../../src/client/api.ts';
import { modelNamed, networkOf, type ChainNetwork } from '../../src/client/models/networks.ts';
import { sequenceBytes } from '../../src/core/manifest.ts';
import type { SignedTx } from '../../src/core/formats.ts';
import { txId } from '../../src/core/tx/tx.ts';
import { toHex, utf8 } from '../../src/lib/bytes.ts';
import { AppError } from '../../src/lib/errors.ts';
import { openKeyGuard } from '../../src/node/http/api-key.ts';
import { ownCallers } from '../../src/node/http/caller.ts';
import { createInference, type Inference } from '../../src/node/http/inference.ts';
import {
  inferRoutes,
  parseAsk,
  READ_RATE,
  describeReceipt,
} from '../../src/node/http/infer-routes.ts';
import type { SeedDeps } from '../../src/node/seed/seed-deps.ts';
import type { Sender } from '../../src/node/seed/sender.ts';
import { DAY_MS, openSpendings, SPENDINGS_MAX } from '../../src/node/http/spending.ts';
import { MODEL, person, sign, START_MS } from '../chain/make-blocks.ts';

const scratch = mkdtempSync(join(tmpdir(), 'pila-key-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const codeOf = async (run: () => unknown): Promise<string> => {
  try {
    await run();
  } catch (e) {
    return AppError.from(e).code;
  }
  return 'passed';
};

const ACCESS = {
  rpcHost: '127.0.0.1',
  callers: ownCallers,
  requireKey: () => undefined,
  askPaid: () => Promise.reject(new Error('nobody asks over a channel here')),
};

const content = new Uint8Array(32);
const asked = (nonce: number) =>
  sign(person(1), nonce, {
    type: 'request',
    modelId: MODEL,
    reward: 5n,
    lifetime: 30,
    input: new Uint8Array(2),
  });

describe('spendings', () => {
  const open = (store: Store, clock: { ms: number }) => openSpendings(store, 100n, () => clock.ms);

  it('allow the limit and not one nV more, until a day has passed', async () => {
    const clock = { ms: START_MS };
    const spendings = await open(createMemoryStore(), clock);
    spendings.allow(100n);
    await spendings.keep('a', content, 60n, asked(0));
    expect(await codeOf(() => spendings.allow(40n))).toBe('passed');
    expect(await codeOf(() => spendings.allow(41n))).toBe('SPEND_LIMIT');
    clock.ms += DAY_MS - 1;
    expect(spendings.total()).toBe(60n);
    clock.ms += 1;
    expect(spendings.total()).toBe(0n);
    expect(await spendings.find('a', content)).toBeUndefined();
  });

  it('know a key again after a restart, and refuse it for anything else', async () => {
    const [store, clock] = [createMemoryStore(), { ms: START_MS }];
    const before = await open(store, clock);
    await before.keep('key', content, 60n, asked(0));
    await before.keep('other', content, 1n, asked(1));
    await before.drop('other');
    const spendings = await open(store, clock);
    expect(spendings.total()).toBe(60n);
    expect(await spendings.find('key', content)).toEqual(asked(0));
    expect(await spendings.find('other', content)).toBeUndefined();
    expect(await spendings.sent(txId(asked(0).tx))).toEqual(asked(0).tx);
    expect(await spendings.sent(txId(asked(1).tx))).toBeUndefined();
    expect(await spendings.all()).toEqual([asked(0)]);
    const reused = codeOf(() => spendings.find('key', new Uint8Array(32).fill(1)));
    expect(await reused).toBe('IDEMPOTENCY_REUSED');
  });

  it('of before are pooled again, in order of nonce, before anything new is signed', async () => {
    const spendings = await open(createMemoryStore(), { ms: START_MS });
    for (const nonce of [7, 5, 6]) await spendings.keep(`${nonce}`, content, 1n, asked(nonce));
    const told: number[] = [];
    const announce = async ({ tx }: SignedTx) => {
      await new Promise((r) => setTimeout(r, 1));
      told.push(tx.nonce);
      if (tx.nonce === 5) throw new AppError('TX_REFUSED', 'tx.expired');
    };
    const parts = { chain: { position: async () => undefined }, network: { names: [] } };
    const sender = { announce } as unknown as Sender;
    await createInference(parts as unknown as SeedDeps, sender, spendings).resent;
    expect(told).toEqual([5, 6, 7]);
  });

  it('are no more than so many in a day, whatever they cost', async () => {
    const store = createMemoryStore();
    const spendings = await open(store, { ms: START_MS });
    const tx = asked(0);
    for (let i = 0; i < SPENDINGS_MAX - 1; i++) await spendings.keep(`${i}`, content, 0n, tx);
    expect(await codeOf(() => spendings.allow(0n))).toBe('passed');
    await spendings.keep('last', content, 0n, tx);
    expect(await codeOf(() => spendings.allow(0n))).toBe('SPEND_LIMIT');
  });
});

describe('the API key', () => {
  const key = '0123456789abcdef';
  const ask = (authorization?: string) =>
    ({ headers: { authorization } }) as unknown as IncomingMessage;

  it('opens for exactly its holder, from a file or the environment', async () => {
    writeFileSync(join(scratch, 'key'), `${key}\n`);
    for (const guard of [
      await openKeyGuard(join(scratch, 'key'), undefined),
      await openKeyGuard(undefined, key),
    ]) {
      expect(await codeOf(() => guard(ask(`Bearer ${key}`)))).toBe('passed');
      const wrong = [undefined, '', key, `Bearer ${key}x`, `Bearer ${key.slice(1)}`, 'Bearer '];
      for (const given of [...wrong, `Basic ${key}`])
        expect(await codeOf(() => guard(ask(given)))).toBe('API_KEY_WRONG');
    }
    const closed = await openKeyGuard(undefined, undefined);
    expect(await codeOf(() => closed(ask(`Bearer ${key}`)))).toBe('ASKING_OFF');
  });

  it.each([key.slice(1), 'x'.repeat(513), '0123456789 abcdefg', ''])(
    'cannot be %j',
    async (bad) => {
      expect(await codeOf(() => openKeyGuard(undefined, bad))).toBe('WRONG_FLAG');
    },
  );

  it('cannot be a file that is not there', async () => {
    expect(await codeOf(() => openKeyGuard(join(scratch, 'none'), key))).toBe('WRONG_FLAG');
  });
});

describe('a body', () => {
  const body = { model: 'tiny', input: 'ciao' };

  it('has defaults', () => {
    expect(parseAsk(JSON.stringify(body))).toEqual({
      model: 'tiny',
      over: 'request',
      price: undefined,
      input: ['ciao'],
      reward: undefined,
      wanted: 'answer',
      waitMs: 60_000,
    });
    const all = { model: 'm', inputHex: 'ff00', reward: '18446744073709551615', wait: 'none' };
    expect(parseAsk(JSON.stringify({ ...all, timeoutMs: 600_000 }))).toEqual({
      model: 'm',
      input: Uint8Array.of(255, 0),
      reward: (1n << 64n) - 1n,
      wanted: 'none',
      waitMs: 600_000,
      over: 'request',
      price: undefined,
    });
    expect(parseAsk(JSON.stringify({ ...body, over: 'channel', price: '7' }))).toMatchObject({
      over: 'channel',
      price: 7n,
    });
    const texts = ['ciao', 'hello'];
    expect(parseAsk(JSON.stringify({ ...body, input: texts })).input).toEqual(texts);
  });

  it.each([
    '{',
    'null',
    '[]',
    '"x"',
    {},
    { ...body, model: 7 },
    { ...body, inputHex: '00' },
    { ...body, input: [] },
    { ...body, input: ['a', 7] },
    { ...body, input: null },
    { model: 'tiny' },
    { model: 'tiny', inputHex: '0' },
    { ...body, reward: 5 },
    { ...body, reward: '-5' },
    { ...body, reward: '18446744073709551616' },
    { ...body, wait: 'forever' },
    { ...body, wait: 'toString' },
    { ...body, timeoutMs: 600_001 },
    { ...body, timeoutMs: -1 },
    { ...body, timeoutMs: 0.5 },
    { ...body, rewards: '5' },
    { ...body, over: 'pigeon' },
    { ...body, price: '5' },
    { ...body, over: 'channel', price: 5 },
    { ...body, over: 'channel', reward: '5' },
    { ...body, over: 'channel', wait: 'answer' },
  ])('of %j is refused', async (bad) => {
    const text = typeof bad === 'string' ? bad : JSON.stringify(bad);
    expect(await codeOf(() => parseAsk(text))).toBe('BODY_MALFORMED');
  });
});

it('an answer without labels is told as embeddings, with the cosine of each two', async () => {
  const network = networkOf('e2e');
  const { id, manifest } = modelNamed(network, 'polyglot')!;
  const answer = new Uint8Array((manifest.sequences - 1) * manifest.answerSize);
  answer.set([3, 252]);
  answer.set([127], manifest.answerSize);
  const receipt: Receipt = {
    id: content,
    asker: content,
    modelId: id,
    model: 'polyglot',
    reward: 0n,
    fee: undefined,
    state: 'open',
    requested: undefined,
    expiry: 9,
    settle: undefined,
    paid: undefined,
    input: new Uint8Array(2 * sequenceBytes(manifest)),
    source: 'state',
    answers: [{ payee: content, answer, claim: undefined, result: undefined }],
  };
  const read = async () => ({ ids: [], texts: ['a', 'b'] });
  const told = (await describeReceipt(receipt, network, read)) as any;
  expect(told.texts).toEqual(['a', 'b']);
  const unreadable = () => Promise.reject(new Error('token_ids must be a non-empty array'));
  const { texts: _, ...others } = told;
  expect(await describeReceipt(receipt, network, unreadable)).toEqual(others);
  const [{ embeddings, cosines, labels }] = told.answers;
  expect(labels).toEqual([]);
  expect(embeddings.map((e: any) => [e.values.length, e.scale])).toEqual([
    [128, 0.2],
    [128, 1 / 127],
  ]);
  expect(embeddings[0].values.slice(0, 3)).toEqual([3, -4, 0]);
  expect(cosines).toEqual([
    [expect.closeTo(1), expect.closeTo(0.6)],
    [expect.closeTo(0.6), expect.closeTo(1)],
  ]);
});

it('what was paid for is told with its id, whatever fails afterwards', async () => {
  const id = new Uint8Array(32).fill(9);
  for (const wait of [
    () => Promise.reject(new Error('the tokenizer fell over')),
    () => Promise.resolve(undefined),
    () => Promise.resolve({ id, answers: 7 } as unknown as Receipt),
  ]) {
    const inference = { names: [], ask: async () => id, wait } as unknown as Inference;
    const { page } = inferRoutes(inference, networkOf('e2e'), ACCESS);
    const request = Object.assign(
      Readable.from([utf8(JSON.stringify({ model: 'tiny', input: 'a' }))]),
      {
        headers: { 'content-type': 'application/json' },
        socket: { remoteAddress: '::1' },
      },
    );
    const sent: unknown[] = [];
    const response = {
      on: () => undefined,
      writeHead: (status: number) => sent.push(status),
      end: (text: string) => sent.push(JSON.parse(text)),
    };
    const answered = page['POST /v1/infer']!(
      request as unknown as IncomingMessage,
      response as unknown as ServerResponse,
    );
    await expect(answered).resolves.toBeUndefined();
    expect(sent).toEqual([
      202,
      {
        id: toHex(id),
        receipt: `/v1/receipt/${toHex(id)}`,
        page: `/#/receipt/${toHex(id)}`,
        problem: expect.stringMatching(/^(INTERNAL|NOT_FOUND)$/),
      },
    ]);
  }
});

it.each(['', '  '])('an empty text is refused before anything is paid: %j', (text) => {
  for (const input of [text, ['a', text]])
    expect(() => parseAsk(JSON.stringify({ model: 'polyglot', input }))).toThrow(
      expect.objectContaining({ code: 'BODY_MALFORMED' }),
    );
});

it('a household of IPv6 has one rate, whichever of its addresses it uses', async () => {
  const inference = { names: [] } as unknown as Inference;
  const { page } = inferRoutes(inference, {} as ChainNetwork, ACCESS);
  const response = {
    writeHead: () => undefined,
    end: () => undefined,
  } as unknown as ServerResponse;
  const call = (remoteAddress: string) => {
    const request = { url: '/v1/models', headers: {}, socket: { remoteAddress } };
    return codeOf(() => page['GET /v1/models']!(request as unknown as IncomingMessage, response));
  };
  for (let i = 0; i < READ_RATE.burst; i++) expect(await call(`2001:db8::${i}`)).toBe('passed');
  // It earns one back in 50 ms.
  const more = await Promise.all(Array.from({ length: 100 }, (_, i) => call(`2001:db8::f:${i}`)));
  expect(more).toContain('RATE_LIMIT');
  expect(await call('2001:db8:0:100::1')).toBe('passed');
});
