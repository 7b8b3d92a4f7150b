/** What guards spending over HTTP, each at its limit. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { modelNamed, networkOf } from '../../src/client/models/networks.ts';
import { toHex, utf8 } from '../../src/lib/bytes.ts';
import { AppError } from '../../src/lib/errors.ts';
import { openKeyGuard } from '../../src/node/http/api-key.ts';
import { ownCallers } from '../../src/node/http/caller.ts';
import type { Inference } from '../../src/node/http/inference.ts';
import {
  inferRoutes,
  parseAsk,
  READ_RATE,
  tellAnswer,
  type InferDeps,
} from '../../src/node/http/infer-routes.ts';
import type { Answer, Question } from '../../src/node/http/paid-inference.ts';
import { OPERATOR } from '../../src/node/http/spending.ts';

const scratch = mkdtempSync(join(tmpdir(), 'pila-key-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const parse = (text: string) => parseAsk(text, { headers: {} });

const codeOf = async (run: () => unknown): Promise<string> => {
  try {
    await run();
  } catch (e) {
    return AppError.from(e).code;
  }
  return 'passed';
};

const DEPS: InferDeps = {
  rpcHost: '127.0.0.1',
  callers: ownCallers,
  requireKey: () => OPERATOR,
  askPaid: () => Promise.reject(new Error('nobody asks here')),
  answerer: {
    generate: () => {
      throw new Error('nobody generates here');
    },
  },
  isHere: () => false,
  priceOf: async () => ({ isHere: false, asked: undefined, most: 7n }),
};

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

  it('may be several, each with what may be spent with it in a day', async () => {
    const guard = await openKeyGuard(undefined, `${key}\n\n  ${key}b\t0.5 \nanother-${key} 2`);
    const spenders = [key, `${key}b`, `another-${key}`].map((each) => guard(ask(`Bearer ${each}`)));
    expect(spenders.map(({ spendMax }) => spendMax)).toEqual([
      undefined,
      500_000_000n,
      2_000_000_000n,
    ]);
    expect(new Set(spenders.map(({ id }) => toHex(id))).size).toBe(3);
    expect(await codeOf(() => guard(ask('Bearer 0.5')))).toBe('API_KEY_WRONG');
  });

  it.each([
    key.slice(1),
    'x'.repeat(513),
    '0123456789 abcdefg',
    '',
    `${key} much`,
    `${key} 1 1`,
    `${key}\n${key} 1`,
    Array.from({ length: 65 }, (_, i) => `${key}-${i}`).join('\n'),
  ])('cannot be %j', async (bad) => {
    expect(await codeOf(() => openKeyGuard(undefined, bad))).toBe('WRONG_FLAG');
  });

  it('cannot be a file that is not there', async () => {
    expect(await codeOf(() => openKeyGuard(join(scratch, 'none'), key))).toBe('WRONG_FLAG');
  });
});

describe('a body', () => {
  const body = { model: 'tiny', input: 'ciao' };

  it('has defaults', () => {
    expect(parse(JSON.stringify(body))).toEqual({
      model: 'tiny',
      place: undefined,
      input: ['ciao'],
      price: undefined,
      waitMs: 60_000,
    });
    const all = { model: 'm', inputHex: 'ff00', price: '9'.repeat(19), timeoutMs: 600_000 };
    expect(parse(JSON.stringify(all))).toEqual({
      model: 'm',
      place: undefined,
      input: Uint8Array.of(255, 0),
      price: 10n ** 19n - 1n,
      waitMs: 600_000,
    });
    const texts = ['ciao', 'hello'];
    expect(parse(JSON.stringify({ ...body, input: texts })).input).toEqual(texts);
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
    // Nothing would be answered, over a channel opened for it.
    { model: 'tiny', inputHex: '' },
    { ...body, price: 5 },
    { ...body, price: '-5' },
    { ...body, price: '18446744073709551616' },
    { ...body, timeoutMs: 600_001 },
    { ...body, timeoutMs: -1 },
    { ...body, timeoutMs: 0.5 },
    { ...body, prices: '5' },
    // Of requests in blocks, which an older node took.
    { ...body, over: 'channel' },
    { ...body, reward: '5' },
    { ...body, wait: 'answer' },
  ])('of %j is refused', async (bad) => {
    const text = typeof bad === 'string' ? bad : JSON.stringify(bad);
    expect(await codeOf(() => parse(text))).toBe('BODY_MALFORMED');
  });
});

const { id: POLYGLOT, manifest: WORDS } = modelNamed(networkOf('e2e'), 'polyglot')!;

it('an answer without labels is told as embeddings, with the cosine of each two', () => {
  const rows = new Uint8Array(2 * WORDS.answerSize);
  rows.set([3, 252]);
  rows.set([127], WORDS.answerSize);
  const price = { priceMax: 5n, isPriceNamed: true };
  const question = { model: POLYGLOT, manifest: WORDS, input: Uint8Array.of(1), ...price };
  const answer = { rows, cost: 0n, paid: undefined, shared: undefined };
  const told = tellAnswer(question, answer, ['a', 'b']) as any;
  expect(told).toMatchObject({ model: 'polyglot', texts: ['a', 'b'], cost: '0', paid: null });
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

/** What a call comes to on the page's listener. */
async function post(deps: Partial<InferDeps>, read: Inference['readInput'], body: object) {
  const named = { name: 'polyglot', id: POLYGLOT, manifest: WORDS };
  const inference = {
    models: () => [named],
    read: async () => ({ model: named, input: Uint8Array.of(1) }),
    readInput: read,
  } as unknown as Inference;
  const { page } = inferRoutes(inference, { ...DEPS, ...deps });
  const request = Object.assign(Readable.from([utf8(JSON.stringify(body))]), {
    headers: { 'content-type': 'application/json' },
    socket: { remoteAddress: '::1' },
  });
  const sent: unknown[] = [];
  const response = {
    on: () => undefined,
    writeHead: (status: number) => sent.push(status),
    end: (text: string) => sent.push(JSON.parse(text)),
  };
  await page['POST /v1/infer']!(
    request as unknown as IncomingMessage,
    response as unknown as ServerResponse,
  );
  return sent;
}
const BODY = { model: 'polyglot', inputHex: '01' };
const ANSWER: Answer = {
  rows: new Uint8Array(WORDS.answerSize),
  cost: 3n,
  paid: undefined,
  shared: undefined,
};

it('what was answered is told, also where its words cannot be read back', async () => {
  const askPaid = async () => ANSWER;
  const [status, told] = await post({ askPaid }, async () => ({ ids: [], texts: ['a'] }), BODY);
  expect([status, told]).toMatchObject([200, { state: 'answered', cost: '3', texts: ['a'] }]);
  const unread = () => Promise.reject(new Error('the tokenizer fell over'));
  const { texts: _, ...others } = told as { texts: unknown };
  expect(await post({ askPaid }, unread, BODY)).toEqual([200, others]);
});

it('a price that nobody named is the most that this node thinks fair', async () => {
  const asked: Question[] = [];
  const askPaid = async (question: Question) => (asked.push(question), ANSWER);
  const unread = async () => ({ ids: undefined, texts: undefined });
  await post({ askPaid }, unread, BODY);
  await post({ askPaid }, unread, { ...BODY, price: '5' });
  expect(asked).toMatchObject([
    { priceMax: 7n, isPriceNamed: false },
    { priceMax: 5n, isPriceNamed: true },
  ]);
});

it('who waits no longer is told the key by which the question goes on', async () => {
  const unread = async () => ({ ids: undefined, texts: undefined });
  const sent = await post({ askPaid: () => new Promise(() => {}) }, unread, {
    ...BODY,
    timeoutMs: 0,
  });
  expect(sent).toEqual([202, { state: 'waiting', idempotencyKey: expect.any(String) }]);
});

it.each(['', '  '])('an empty text is refused before anything is paid: %j', (text) => {
  for (const input of [text, ['a', text]])
    expect(() => parse(JSON.stringify({ model: 'polyglot', input }))).toThrow(
      expect.objectContaining({ code: 'BODY_MALFORMED' }),
    );
});

it('a household of IPv6 has one rate, whichever of its addresses it uses', async () => {
  const inference = { models: () => [] } as unknown as Inference;
  const { page } = inferRoutes(inference, DEPS);
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
