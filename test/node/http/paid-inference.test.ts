import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { schnorr } from '@noble/curves/secp256k1.js';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import type { ChannelView } from '../../../src/client/channels/terms.ts';
import { openPrepaid, type Prepaying } from '../../../src/client/prepaid/prepaid.ts';
import { receiptHash, signHash } from '../../../src/core/channel.ts';
import type { SignedTx } from '../../../src/core/formats.ts';
import { modelId, sequenceBytes } from '../../../src/core/manifest.ts';
import { signOffer, type Offer } from '../../../src/core/offer.ts';
import { signTx } from '../../../src/core/tx/tx.ts';
import { toHex, utf8 } from '../../../src/lib/bytes.ts';
import { AppError } from '../../../src/lib/errors.ts';
import {
  createPaidInference,
  type AskPaid,
  type Question,
} from '../../../src/node/http/paid-inference.ts';
import { openSpendings, type Spendings } from '../../../src/node/http/spending.ts';
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
  isOver: false,
};
const INPUT = utf8('first   second');
const RIGHT = rowsOf(INPUT, 2, ROW);
const code = (c: string): unknown => expect.objectContaining({ code: c });

let folder: string;
let keys: ServingKeys;
let store: ReturnType<typeof createMemoryStore>;
let spendings: Spendings;
let hosts: Map<string, ProviderHost>;
let offers: Offer[];
let prepaid: Prepaying;
let ask: AskPaid;
let opened: SignedTx[];
let funds: bigint;
let mined: Uint8Array | undefined;
let heads: (() => void)[];

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
      view: async () => VIEW,
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
    report: () => undefined,
    nowMs: () => 5000,
    waitsMs: [0, 0],
  });
  spendings = await openSpendings(store, 1_000_000n, () => 1e12);
  ask = createPaidInference({
    prepaid: prepaid.api,
    keys,
    sender: {
      async send(fields, keep) {
        const common = { chainId: 3, from: ACCOUNT.publicKey, nonce: opened.length, expiry: 99 };
        const signed = signTx({ ...fields, ...common }, ACCOUNT.secret);
        await keep?.(signed);
        opened.push(signed);
        return signed;
      },
    },
    spendings,
    limit: LIMIT,
    requireFunds(nV) {
      if (nV > funds) throw new AppError('FUNDS_SHORT', 'too poor');
    },
    own: (model) => (mined === model ? async (input) => rowsOf(input, 3, ROW) : undefined),
    nextHead: () => new Promise((resolve) => heads.push(resolve)),
  });
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
  funds = 100n * LIMIT;
  mined = undefined;
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
    expect(opened.map(({ tx }) => tx)).toMatchObject([{ type: 'channel', limit: LIMIT, fee: FEE }]);
    expect([questions(dear), questions(cheap)]).toEqual([0, 2]);
    expect(spendings.total()).toBe(FEE + 300n);
  });

  it('runs the model here where the node mines with it: no coins, no channel', async () => {
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

  it('goes on with what a provider owes by the same key, and asks others meanwhile', async () => {
    const [gone, other] = [host(1), host(2, 300n)];
    gone.isAway = true;
    await expect(ask(question(), 'a')).rejects.toEqual(code('PROVIDER_GONE'));
    expect((await ask(question(), 'b')).paid?.n).toBe(1);
    expect(questions(other)).toBe(1);
    gone.isAway = false;
    expect((await ask(question(), 'a')).cost).toBe(200n);
    expect([questions(gone), questions(other)]).toEqual([1, 1]);
    expect(spendings.total()).toBe(2n * FEE + 200n + 600n);
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
    await spendings.keepAnswer('c', filled(1), left - 199n, { channel: filled(1), n: 1 });
    await expect(ask(question(), 'b')).rejects.toEqual(code('SPEND_LIMIT'));
    expect(questions(provider)).toBe(1);
  });

  it('opens another where the first is spent, which is closed', async () => {
    const provider = host(1);
    const dear = LIMIT / 2n - 50n;
    offers = [];
    hosts.clear();
    const costly = host(1, dear);
    spendings.allow = () => undefined;
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
      expect(questions(honest)).toBe(2);
      expect(opened).toHaveLength(2);
    },
  );

  it('sets aside what an answer costs that costs as much as the limit', async () => {
    const provider = host(1, LIMIT);
    spendings.allow = () => undefined;
    const one = question({ input: utf8('one'), priceMax: LIMIT });
    expect((await ask(one, 'a')).paid?.n).toBe(1);
    expect(questions(provider)).toBe(1);
  });

  it.each([
    ['MODEL_UNOFFERED', () => {}],
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
        await spendings.keepAnswer('all', filled(1), 999_999n, { channel: filled(1), n: 1 });
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
