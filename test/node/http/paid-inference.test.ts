import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { schnorr } from '@noble/curves/secp256k1.js';
import type { ClientEvent } from '../../../src/client/api.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import type { ChannelView } from '../../../src/client/channels/terms.ts';
import { openPrepaid, type Prepaying } from '../../../src/client/prepaid/prepaid.ts';
import { ASK_CODES, type ProviderFrame } from '../../../src/core/ask-messages.ts';
import { receiptHash, signHash } from '../../../src/core/channel.ts';
import type { SignedTx } from '../../../src/core/formats.ts';
import { plainHash } from '../../../src/core/hash.ts';
import { modelId, sequenceBytes } from '../../../src/core/manifest.ts';
import { limitAtLeast } from '../../../src/client/prepaid/buying.ts';
import { ACCOUNT_MIN } from '../../../src/core/params.ts';
import { signOffer, type Offer } from '../../../src/core/offer.ts';
import { signTx } from '../../../src/core/tx/tx.ts';
import { concat, equal, toHex, u32, utf8 } from '../../../src/lib/bytes.ts';
import { AppError } from '../../../src/lib/errors.ts';
import {
  createPaidInference,
  type Answer,
  type Question,
} from '../../../src/node/http/paid-inference.ts';
import {
  OPERATOR,
  openSpendings,
  type Spender,
  type Spendings,
} from '../../../src/node/http/spending.ts';
import { openServingKeys, type ServingKeys } from '../../../src/node/serving-file.ts';
import { keyFromEntropy } from '../../../src/wallet/keys.ts';
import { MANIFEST } from '../../core/fixtures.ts';
import { filled, GENESIS } from '../../client/prepaid/answers.ts';
import { PRICE, ProviderHost, rowsOf } from '../../client/prepaid/provider-host.ts';

const MODEL = modelId(MANIFEST);
const ROW = MANIFEST.answerSize;
const ACCOUNT = keyFromEntropy(filled(4));
const LIMIT = 10_000_000n;
const FEE = 10_000n;
const VIEW: ChannelView = {
  height: 100,
  subsidy: LIMIT,
  closeCost: 50n,
  depth: 90,
  expiry: 1000,
  isLost: false,
  isOver: false,
};
const INPUT = utf8(`${'first'.padEnd(sequenceBytes(MANIFEST))}second`);
const RIGHT = rowsOf(INPUT, 2, ROW);
const code = (c: string): unknown => expect.objectContaining({ code: c });

let folder: string;
let keys: ServingKeys;
let store: ReturnType<typeof createMemoryStore>;
let spendings: Spendings;
let hosts: Map<string, ProviderHost>;
let offers: Offer[];
let prepaid: Prepaying;
let ask: (question: Question, key: string, by?: Spender) => Promise<Answer>;
let opened: SignedTx[];
let funds: bigint;
let hasEnded: boolean;
let prepay: bigint;
/** Before an opening is kept. */
let gate: Promise<void> | undefined;
let isSending: boolean;
let mined: Uint8Array | undefined;
/** ms without a part of an answer. */
let patienceMs: number | undefined;
/** How many openings, from the first on, a branch leaves out. */
let left: number;
let run: (input: Uint8Array) => Promise<Uint8Array>;
let heads: (() => void)[];
type Part = Extract<ClientEvent, { type: 'part' }>;
const parts = new Set<(part: Part) => void>();

/** A provider at a peer of that name. */
function host(n: number, amount = PRICE.amount): ProviderHost {
  const secret = filled(20 + n);
  const provider = schnorr.getPublicKey(secret);
  const peer = `peer ${n}`;
  const made = new ProviderHost({
    genesis: GENESIS,
    provider,
    payee: filled(5),
    view: VIEW,
    rowBytes: ROW,
    sequenceBytes: sequenceBytes(MANIFEST),
    signers: { signReceipt: async (r) => signHash(receiptHash(GENESIS, r), secret) },
  });
  const offer = {
    provider,
    payee: filled(5),
    peer: utf8(peer),
    models: [{ model: MODEL, price: { type: 'sequence' as const, amount }, window: 0 }],
    queue: 0,
    waitSeconds: 0,
    time: 1,
  };
  offers.push(signOffer(GENESIS, offer, secret));
  hosts.set(peer, made);
  return made;
}

async function start(): Promise<void> {
  prepaid = await openPrepaid({
    chain: {
      genesisId: GENESIS,
      view: async (opening) =>
        opening.tx.nonce < left ? { ...VIEW, depth: undefined, isLost: true } : VIEW,
      look: async () => true,
      wasClosed: async () => false,
      send: async () => undefined,
      closeFields: () => ({ chainId: 3, expiry: 200, fee: 1n }),
    },
    store,
    signers: keys,
    transport: { ask: (peer, receiver) => hosts.get(peer)!.dial(peer, receiver) },
    models: new Map([[toHex(MODEL), MANIFEST]]),
    offers: () => offers,
    submit: async () => undefined,
    execute: async (_model, input) => rowsOf(input, 3, ROW),
    verifyTokens: async () => ({ right: true }),
    report(event) {
      if (event.type === 'part') for (const hear of parts) hear(event);
    },
    nowMs: () => 5000,
    waitsMs: [0, 0],
    ...(patienceMs !== undefined && { patienceMs }),
  });
  spendings = await openSpendings(store, 1_000_000n, () => 1e12);
  const paid = createPaidInference({
    prepaid: prepaid.api,
    keys,
    sender: {
      feeFor: () => 10_000n,
      async send(fields, keep) {
        const common = {
          chainId: 3,
          from: ACCOUNT.publicKey,
          nonce: BigInt(opened.length),
          expiry: 99,
        };
        const signed = signTx(GENESIS, { ...fields, ...common }, ACCOUNT.secret);
        isSending = true;
        await gate;
        await keep?.(signed);
        opened.push(signed);
        return signed;
      },
    },
    spendings,
    limit: prepay,
    requireRules() {
      if (hasEnded) throw new AppError('RULES_ENDED', 'newer rules may hold');
    },
    requireFunds(nV) {
      if (nV > funds) throw new AppError('FUNDS_SHORT', 'too poor');
    },
    listen(channel, onPart) {
      const hear = (part: Part): void => {
        if (equal(part.channel, channel)) onPart(part.n, part.bytes);
      };
      parts.add(hear);
      return () => parts.delete(hear);
    },
    own: (model) => (mined === model ? run : undefined),
    nextHead: () => new Promise((resolve) => heads.push(resolve)),
  });
  ask = (asked, key, by = OPERATOR) => paid(asked, { key, by });
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pila-paid-'));
  keys = await openServingKeys({
    folder,
    network: 'local',
    genesisId: GENESIS,
    payees: [],
    now: () => 1e12,
  });
  store = createMemoryStore();
  [hosts, offers, opened, heads] = [new Map(), [], [], []];
  funds = 1000n * LIMIT;
  hasEnded = false;
  prepay = LIMIT;
  [gate, isSending] = [undefined, false];
  [mined, left, patienceMs] = [undefined, 0, undefined];
  run = async (input) => rowsOf(input, 3, ROW);
  await start();
});
afterEach(async () => {
  prepaid.stop();
  await rm(folder, { recursive: true });
});

const question = (more: Partial<Question> = {}): Question => ({
  model: MODEL,
  manifest: MANIFEST,
  input: INPUT,
  priceMax: 1000n,
  isPriceNamed: true,
  ...more,
});
const questions = (provider: ProviderHost): number =>
  provider.heard.filter(({ type }) => type === 'question').length;

describe('asking over a channel with the node’s own coins', () => {
  it('opens one with the cheapest, uses it again, and counts what it costs', async () => {
    const [dear, cheap] = [host(1, 300n), host(2)];
    const first = await ask(question(), 'a');
    expect([first.rows, first.cost, first.paid?.n]).toEqual([RIGHT, 200n, 1]);
    expect(await prepaid.api.readAnswer(first.shared!)).toMatchObject({ input: INPUT });
    const second = await ask(question({ input: utf8('third') }), 'b');
    expect([second.paid?.n, second.cost, second.paid?.total]).toEqual([2, 100n, 300n]);
    expect(opened.map(({ tx }) => tx)).toMatchObject([
      { type: 'channel', limit: limitAtLeast(200n), fee: FEE },
    ]);
    expect([questions(dear), questions(cheap)]).toEqual([0, 2]);
    expect(spendings.total()).toBe(FEE + 300n);
  });

  it('runs the model here where it is whole: no coins, no channel', async () => {
    const provider = host(1);
    mined = MODEL;
    expect(await ask(question(), 'a')).toEqual({
      rows: RIGHT,
      cost: 0n,
      paid: undefined,
      shared: undefined,
    });
    expect([questions(provider), opened.length, spendings.total()]).toEqual([0, 0, 0n]);
  });

  it('waits for a provider with half of its places at most for one key: another key has its turn', async () => {
    const provider = host(1);
    const [one, other] = [1, 2].map((n) => ({ id: filled(n), spendMax: undefined }));
    const held = Promise.withResolvers<void>();
    gate = held.promise;
    const busy: string[] = [];
    const call = (n: number, by: Spender) =>
      ask(question({ input: utf8(`text ${n}`) }), `${n}`, by).catch((e: unknown) => {
        busy.push(AppError.from(e).code);
      });
    const calls = Array.from({ length: 20 }, (_, n) => call(n, one!));
    await expect.poll(() => busy).toEqual(Array(4).fill('BUSY'));
    const last = ask(question({ input: utf8('theirs') }), 'theirs', other);
    held.resolve();
    expect((await last).cost).toBe(100n);
    await Promise.all(calls);
    expect(busy).toHaveLength(4);
    expect(questions(provider)).toBe(17);
  });

  it('runs it once for calls of one key that come meanwhile', async () => {
    mined = MODEL;
    const runs: PromiseWithResolvers<Uint8Array>[] = [];
    run = async () => {
      runs.push(Promise.withResolvers());
      return runs.at(-1)!.promise;
    };
    await start();
    const calls = [ask(question(), 'a'), ask(question(), 'a')];
    for (const each of runs) each.resolve(rowsOf(INPUT, 3, ROW));
    for (const { rows } of await Promise.all(calls)) expect(rows).toEqual(RIGHT);
    expect(runs).toHaveLength(1);
  });

  it('answers a repeated key with the same and pays nothing again, also after a restart', async () => {
    const provider = host(1);
    const first = await ask(question(), 'a');
    expect(await ask(question(), 'a')).toEqual(first);
    await expect(ask(question({ input: utf8('x') }), 'a')).rejects.toEqual(
      code('IDEMPOTENCY_REUSED'),
    );
    prepaid.stop();
    await start();
    expect(await ask(question(), 'a')).toEqual(first);
    const [one, other] = await Promise.all([ask(question(), 'b'), ask(question(), 'b')]);
    expect([one.paid?.n, other.paid?.n, questions(provider)]).toEqual([2, 2, 2]);
    await expect(ask(question({ priceMax: 999n }), 'b')).rejects.toEqual(
      code('IDEMPOTENCY_REUSED'),
    );
  });

  it('takes a call with other strings that end its answer for another one', async () => {
    host(1);
    const first = await ask(question({ stops: ['a'] }), 'a');
    expect(await ask(question({ stops: ['a'] }), 'a')).toEqual(first);
    for (const stops of [[], ['b'], ['a', 'a']])
      await expect(ask(question({ stops }), 'a')).rejects.toEqual(code('IDEMPOTENCY_REUSED'));
  });

  it('takes a repeated call without a price for the same, whatever the chain has become', async () => {
    host(1);
    const fair = { isPriceNamed: false };
    const first = await ask(question(fair), 'a');
    expect(await ask(question({ ...fair, priceMax: 999n }), 'a')).toEqual(first);
    await expect(ask(question(), 'a')).rejects.toEqual(code('IDEMPOTENCY_REUSED'));
  });

  it('goes on with what a provider owes by the same key, and asks others meanwhile', async () => {
    const gone = host(1);
    gone.say = () => 'cut';
    await expect(ask(question(), 'a')).rejects.toEqual(code('PROVIDER_GONE'));
    const other = host(2, 300n);
    expect((await ask(question(), 'b')).paid?.n).toBe(1);
    expect(questions(other)).toBe(1);
    gone.say = (frame) => [frame];
    expect((await ask(question(), 'a')).cost).toBe(200n);
    expect([questions(gone), questions(other)]).toEqual([1, 1]);
    expect(spendings.total()).toBe(2n * FEE + 200n + 600n);
  });

  it('asks the next one where a provider is away: nothing is set aside with the first', async () => {
    const [away, next] = [host(1), host(2, 300n)];
    away.isAway = true;
    expect((await ask(question(), 'a')).cost).toBe(600n);
    expect([opened.length, questions(next), away.dials.length]).toEqual([1, 1, 1]);
    expect(spendings.total()).toBe(FEE + 600n);
    // It is the last that is tried for a while, though it asks less.
    await ask(question(), 'b');
    expect([questions(next), away.dials.length]).toEqual([2, 1]);
  });

  it('asks the next one where a provider goes silent, which then gives no more than a step', async () => {
    const [silent, next] = [host(1), host(2, 300n)];
    const { provider: key } = offers[0]!.offer;
    silent.say = () => 'cut';
    const answer = await ask(question(), 'a');
    expect([answer.cost, answer.rows, questions(next)]).toEqual([600n, RIGHT, 1]);
    // What it may still cost is counted, and the same key is answered by what came.
    expect(spendings.total()).toBe(2n * FEE + 200n + 600n);
    expect(await ask(question(), 'a')).toEqual(answer);
    silent.say = (frame) => [frame];
    prepaid.onOffer(key);
    const spentThere = async () =>
      (await prepaid.api.channels()).find(({ provider }) => equal(provider, key))!.spent;
    await vi.waitUntil(async () => (await spentThere()) > 0n);
    await expect.poll(() => silent.heard.map(({ type }) => type)).toContain('stop');
    expect(await spentThere()).toBeLessThanOrEqual(200n);
  });

  it('asks nobody else once something came, nor where every provider failed', async () => {
    const [one, next] = [host(1), host(2, 300n)];
    one.say = (frame) => {
      if (frame.type === 'done') return 'cut';
      return frame.type === 'part' && frame.units === 2 ? 'cut' : [frame];
    };
    await expect(ask(question(), 'a')).rejects.toEqual(code('PROVIDER_GONE'));
    expect(questions(next)).toBe(0);
    next.isAway = true;
    await expect(ask(question({ input: utf8('third') }), 'b')).rejects.toEqual(
      code('PROVIDER_GONE'),
    );
    expect(opened).toHaveLength(1);
  });

  it('asks a provider again whose channel ended within an answer', async () => {
    const provider = host(1);
    provider.say = (frame) => {
      if (frame.type === 'done') return [];
      const isSecond = frame.type === 'part' && frame.units === 2;
      return isSecond ? [{ type: 'refused', code: 'QUESTION_ORDER', least: 0n }] : [frame];
    };
    await expect(ask(question(), 'a')).rejects.toEqual(code('PROVIDER_PUZZLED'));
    provider.say = (frame) => [frame];
    const other = ask(question({ input: utf8('third') }), 'b');
    await expect(other).resolves.toMatchObject({ paid: { n: 1 } });
    expect(opened).toHaveLength(2);
  });

  it('asks what it had set aside before it died, where another question took its place', async () => {
    host(1);
    const other = await ask(question({ input: utf8('third') }), 'other');
    const { model, input } = question();
    const content = plainHash(concat(model, u32(input.length), input, utf8('1000')));
    await spendings.keep('a', content, 200n, { channel: other.paid!.channel, n: 1 });
    expect((await ask(question(), 'a')).paid?.n).toBe(2);
    expect(spendings.total()).toBe(FEE + 300n);
  });

  it('costs nothing where the provider refuses, and may be asked again', async () => {
    const provider = host(1);
    provider.say = (frame) =>
      frame.type === 'opened' ? [{ type: 'refused', code: 'PROVIDER_BUSY', least: 0n }] : [frame];
    await expect(ask(question(), 'a')).rejects.toEqual(code('PROVIDER_BUSY'));
    expect(spendings.total()).toBe(FEE);
    provider.say = (frame) => [frame];
    provider.cut();
    expect((await ask(question(), 'a')).paid?.n).toBe(1);
    expect(opened).toHaveLength(1);
  });

  it('waits for blocks where the channel is not deep enough yet', async () => {
    const provider = host(1);
    let isEarly = true;
    provider.say = (frame) =>
      frame.type === 'opened' && isEarly
        ? [{ type: 'refused', code: 'CHANNEL_SHALLOW', least: 3n }]
        : [frame];
    const asked = ask(question(), 'a');
    while (!heads.length) await new Promise((resolve) => setTimeout(resolve));
    isEarly = false;
    provider.cut();
    heads[0]!();
    expect((await asked).paid?.n).toBe(1);
  });

  it('keeps to what may be spent in a day, whatever the channel would pay', async () => {
    const provider = host(1);
    await ask(question(), 'a');
    const left = 1_000_000n - spendings.total();
    await spendings.keep('c', filled(1), left - 199n, { channel: filled(1), n: 1 });
    await expect(ask(question(), 'b')).rejects.toEqual(code('SPEND_LIMIT'));
    expect(questions(provider)).toBe(1);
  });

  it('keeps to it with several providers at once, while none is asked yet', async () => {
    const [one, other] = [host(1), host(2)];
    const all = offers;
    const left = 1_000_000n - (2n * FEE + 399n);
    await spendings.keep('before', filled(1), left, { channel: filled(1), n: 1 });
    const opening = Promise.withResolvers<void>();
    gate = opening.promise;
    offers = all.slice(0, 1);
    const first = ask(question(), 'a');
    await vi.waitUntil(() => isSending);
    offers = all.slice(1);
    let refusal: string | undefined;
    void ask(question(), 'b').catch((e: unknown) => (refusal = AppError.from(e).code));
    await expect.poll(() => refusal).toBe('SPEND_LIMIT');
    opening.resolve();
    expect((await first).cost).toBe(200n);
    expect([questions(one), questions(other), opened.length]).toEqual([1, 0, 1]);
    // What was set aside for the other one is free again: as much as is left.
    expect((await ask(question({ input: utf8('third') }), 'c')).cost).toBe(100n);
  });

  it('counts what an answer costs that ends before its rows', async () => {
    host(1).unitsMax = 1;
    expect((await ask(question(), 'a')).cost).toBe(100n);
    expect((await ask(question(), 'a')).cost).toBe(100n);
    expect(spendings.total()).toBe(FEE + 100n);
  });

  it('opens a small channel with a provider it never paid, and larger ones by what it answered', async () => {
    host(1, ACCOUNT_MIN / 4n);
    spendings.reserve = () => () => undefined;
    prepay = 100n * ACCOUNT_MIN;
    await start();
    spendings.reserve = () => () => undefined;
    const dear = (key: string) => ask(question({ input: utf8(key), priceMax: ACCOUNT_MIN }), key);
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) await dear(key);
    const limits = opened.map(({ tx }) => tx.type === 'channel' && tx.limit);
    const cost = ACCOUNT_MIN / 4n;
    expect(limits).toEqual([limitAtLeast(cost), 16n * 5n * cost]);
  });

  it('sets little aside with many keys that take coins and answer nothing', async () => {
    for (let n = 1; n <= 10; n++)
      host(n, 1n).say = (frame) =>
        frame.type === 'opened' ? [{ type: 'refused', code: 'MODEL_UNKNOWN', least: 0n }] : [frame];
    prepay = 100n * ACCOUNT_MIN;
    await start();
    for (let n = 0; n < 10; n++) await ask(question(), `${n}`).catch(() => undefined);
    const limits = opened.map(({ tx }) => (tx.type === 'channel' ? tx.limit : 0n));
    expect(limits).toEqual(Array.from({ length: 10 }, () => limitAtLeast(2n)));
  });

  it('opens another where the first is spent, which is closed', async () => {
    const provider = host(1);
    const dear = 2n * ACCOUNT_MIN;
    offers = [];
    hosts.clear();
    const costly = host(1, dear);
    spendings.reserve = () => () => undefined;
    for (const key of ['a', 'b']) await ask(question({ priceMax: dear }), key);
    expect(opened).toHaveLength(2);
    const states = (await prepaid.api.channels()).map(({ state }) => state);
    expect(states.sort()).toEqual(['closing', 'open']);
    expect([questions(provider), questions(costly)]).toEqual([0, 2]);
  });

  it.each(['CHANNEL_CLOSED', 'PROVIDER_BUSY', 'CHANNEL_SMALL'] as const)(
    'asks another where the cheapest refuses with %s whatever it is asked',
    async (refusal) => {
      const [liar, honest] = [host(1, 1n), host(2)];
      liar.say = (frame) =>
        frame.type === 'opened' ? [{ type: 'refused', code: refusal, least: 0n }] : [frame];
      for (const key of ['a', 'b', 'c']) await ask(question(), key).catch(() => undefined);
      expect(questions(honest)).toBe(3);
      expect(opened).toHaveLength(2);
    },
  );

  it('sets aside again, a few times, where a branch leaves its openings out', async () => {
    const provider = host(1);
    left = 3;
    const { paid } = await ask(question(), 'a');
    expect([opened.length, questions(provider), paid?.n]).toEqual([4, 1, 1]);
    left = 100;
    hosts.clear();
    offers = [];
    host(2);
    await expect(ask(question(), 'b')).rejects.toEqual(code('CHANNEL_LOST'));
    expect(opened).toHaveLength(8);
  });

  it('sets aside what an answer costs that costs as much as the limit', async () => {
    const provider = host(1, LIMIT);
    spendings.reserve = () => () => undefined;
    const one = question({ input: utf8('one'), priceMax: LIMIT });
    expect((await ask(one, 'a')).paid?.n).toBe(1);
    expect(questions(provider)).toBe(1);
  });

  it.each([
    ['MODEL_UNOFFERED', () => {}],
    [
      'RULES_ENDED',
      () => {
        host(1);
        hasEnded = true;
      },
    ],
    ['PRICE_LOW', () => void host(1, 1001n)],
    [
      'FUNDS_SHORT',
      () => {
        host(1);
        funds = LIMIT;
      },
    ],
    [
      'SPEND_LIMIT',
      async () => {
        host(1);
        await spendings.keep('all', filled(1), 999_999n, { channel: filled(1), n: 1 });
      },
    ],
  ] satisfies [string, () => unknown][])(
    'is refused by %s before anything is signed',
    async (refusal, prepare) => {
      await Promise.resolve(prepare());
      await expect(ask(question(), 'a')).rejects.toEqual(code(refusal));
      expect(opened).toEqual([]);
      expect(await prepaid.api.channels()).toEqual([]);
    },
  );
});

describe('a hostile provider, the cheapest', () => {
  /** The next one's answer, and that the first is not asked before it again. */
  async function nextAnswers(liar: ProviderHost): Promise<void> {
    const next = host(2, 300n);
    expect(await ask(question(), 'a')).toMatchObject({ cost: 600n, rows: RIGHT });
    const dials = liar.dials.length;
    await ask(question({ input: utf8('third') }), 'b');
    expect([questions(next), liar.dials.length]).toEqual([2, dials]);
    expect((await channelOf(liar)).spent).toBe(0n);
  }
  const channelOf = async (liar: ProviderHost) => {
    const key = offers[[...hosts.values()].indexOf(liar)]!.offer.provider;
    return (await prepaid.api.channels()).find(({ provider }) => equal(provider, key))!;
  };

  // Two others pass with a block, and are waited for first.
  const forGood = ASK_CODES.filter((each) => !/^CHANNEL_(UNKNOWN|SHALLOW)$/.test(each));
  it.each(forGood)('that refuses all with %s keeps nobody from the next one', async (refused) => {
    patienceMs = 20;
    await start();
    const liar = host(1);
    liar.say = (frame) =>
      frame.type === 'opened' ? [frame, { type: 'refused', code: refused, least: 1n }] : [];
    await nextAnswers(liar);
  });

  type Part = Extract<ProviderFrame, { type: 'part' }>;
  it.each<[string, (part: Part) => readonly ProviderFrame[]]>([
    ['counts more than it gives', (part) => [{ ...part, units: part.units + 1 }]],
    ['gives half a unit', (part) => [{ ...part, bytes: part.bytes.slice(1) }]],
    [
      'gives more than a step at once',
      (part) => [{ ...part, units: 2, bytes: new Uint8Array(2 * ROW) }],
    ],
    ['answers another question', (part) => [{ ...part, n: part.n + 1 }]],
    ['floods with nothing', (part) => Array(500).fill({ ...part, units: 0, bytes: filled(0, 0) })],
    [
      'floods with what is beside it',
      () => Array(500).fill({ type: 'refused', code: 'VOUCHER_STALE', least: 0n }),
    ],
    ['closes and stays', () => [{ type: 'closing', amount: 0n }]],
  ])('that %s costs nothing, and the next one answers', async (_, lie) => {
    patienceMs = 20;
    await start();
    const liar = host(1);
    liar.say = (frame) => {
      if (frame.type === 'part') return lie(frame);
      return frame.type === 'done' ? [] : [frame];
    };
    await nextAnswers(liar);
  });

  it.each<[string, string, (done: ProviderFrame) => readonly ProviderFrame[]]>([
    ['ends without a receipt', 'PROVIDER_GONE', () => []],
    [
      'goes on beyond what was asked for',
      'PROVIDER_FALSE',
      () => [{ type: 'part', n: 1, units: 3, bytes: new Uint8Array(ROW) }],
    ],
    [
      'signs for another question',
      'PROVIDER_FALSE',
      (done) =>
        done.type === 'done'
          ? [{ ...done, receipt: { ...done.receipt, question: done.receipt.answer } }]
          : [],
    ],
  ])('that %s costs a step less than what came', async (_, told, lie) => {
    patienceMs = 20;
    await start();
    const [liar, next] = [host(1), host(2, 300n)];
    liar.say = (frame) => (frame.type === 'done' ? lie(frame) : [frame]);
    await expect(ask(question(), 'a')).rejects.toEqual(code(told));
    expect((await channelOf(liar)).spent).toBe(100n);
    // Something came: what another one would write does not go on from it.
    expect(questions(next)).toBe(0);
    expect((await ask(question({ input: utf8('third') }), 'b')).cost).toBe(300n);
  });

  it('that sends pieces and ends after the end changes nothing of the answer, nor is paid for it', async () => {
    const liar = host(1);
    liar.unitsMax = 1;
    liar.say = (frame) => {
      if (frame.type !== 'done') return [frame];
      const { receipt } = frame;
      const part = { type: 'part', n: receipt.n, units: 2, bytes: new Uint8Array(ROW) } as const;
      return [frame, part, { ...frame, receipt: { ...receipt, total: 200n } }, frame];
    };
    const answer = await ask(question(), 'a');
    expect([answer.cost, answer.rows]).toEqual([100n, rowsOf(INPUT, 1, ROW)]);
    expect(await prepaid.api.readAnswer(answer.shared!)).toMatchObject({ answer: answer.rows });
    expect((await ask(question({ input: utf8('third') }), 'b')).cost).toBe(100n);
    expect(await channelOf(liar)).toMatchObject({ spent: 200n, state: 'open' });
    expect(await ask(question(), 'a')).toEqual(answer);
  });
});
