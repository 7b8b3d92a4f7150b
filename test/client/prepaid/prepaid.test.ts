import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import type { ClientEvent, PaidAnswer, Prepaid } from '../../../src/client/api.ts';
import type { ChannelView } from '../../../src/client/channels/terms.ts';
import { PATIENCE_MS } from '../../../src/client/prepaid/asked-channel.ts';
import {
  openPrepaid,
  type PrepaidDeps,
  type Prepaying,
} from '../../../src/client/prepaid/prepaid.ts';
import type { AskCode, ProviderFrame } from '../../../src/core/ask-messages.ts';
import { answerHash, questionHash, receiptHash, signHash } from '../../../src/core/channel.ts';
import { encode } from '../../../src/core/codec.ts';
import { SignedTx, type TxOf } from '../../../src/core/formats.ts';
import { modelId, sequenceBytes, unitShape } from '../../../src/core/manifest.ts';
import { signOffer, type Offer } from '../../../src/core/offer.ts';
import { signTx, txId } from '../../../src/core/tx/tx.ts';
import { toHex, utf8 } from '../../../src/lib/bytes.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { IDLE_MS } from '../../../src/net/asking/ask.ts';
import { openServingKeys, type ServingKeys } from '../../../src/node/serving-file.ts';
import { keyFromEntropy } from '../../../src/wallet/keys.ts';
import { MANIFEST } from '../../core/fixtures.ts';
import { filled, GENESIS, PROVIDER, SERVING } from './answers.ts';
import { PRICE, ProviderHost, rowsOf } from './provider-host.ts';

const MODEL = modelId(MANIFEST);
const ROW = MANIFEST.answerSize;
const ACCOUNT = keyFromEntropy(filled(4));
const PAYEE = filled(5);
const VIEW: ChannelView = {
  height: 100,
  subsidy: 1_000_000n,
  closeCost: 50n,
  depth: 90,
  expiry: 1000,
  isLost: false,
  isOver: false,
};

let folder: string;
let keys: ServingKeys;
let store: ReturnType<typeof createMemoryStore>;
let provider: ProviderHost;
let view: ChannelView | undefined;
/** Before the chain says how a channel stands. */
let looking: Promise<void> | undefined;
let offers: Offer[];
let events: ClientEvent[];
let sent: string[];
let prepaid: Prepaying;
/** What running the model here gives. */
let ran: (input: Uint8Array) => Uint8Array;
let refuses: AppError | undefined;
let patienceMs: number | undefined;
let waitsMs: readonly number[];

const offer = (peer = 'provider'): Offer =>
  signOffer(
    GENESIS,
    {
      provider: PROVIDER,
      payee: PAYEE,
      peer: utf8(peer),
      models: [{ model: MODEL, price: PRICE, window: 0 }],
      queue: 0,
      waitSeconds: 0,
      time: 1,
    },
    SERVING,
  );

const open = async (signers: PrepaidDeps['signers'] = keys): Promise<Prepaying> =>
  openWith(signers);
const openWith = async (signers: PrepaidDeps['signers']): Promise<Prepaying> =>
  openPrepaid({
    chain: {
      genesisId: GENESIS,
      async view() {
        await looking;
        return view;
      },
      look: async () => true,
      wasClosed: async () => false,
      send: async ({ tx }) => void sent.push(`again ${tx.type}`),
      closeFields: () => ({ chainId: 3, expiry: 200, fee: 1n }),
    },
    store,
    signers,
    transport: { ask: (peer, receiver) => provider.dial(peer, receiver) },
    models: new Map([[toHex(MODEL), MANIFEST]]),
    offers: () => offers,
    async submit() {
      // Its record is written by then.
      sent.push(`submit ${(await store.range('channels/asked/', 'channels/asked0')).length}`);
      if (refuses) throw refuses;
    },
    execute: async (_model, input) => ran(input),
    verifyTokens: async () => ({ right: true }),
    report: (event) => void events.push(event),
    nowMs: () => 5000,
    waitsMs,
    ...(patienceMs !== undefined && { patienceMs }),
  });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pila-prepaid-'));
  keys = await openServingKeys({
    folder,
    network: 'local',
    genesisId: GENESIS,
    payees: [],
    now: () => 1e12,
  });
  store = createMemoryStore();
  view = VIEW;
  offers = [offer()];
  events = [];
  sent = [];
  ran = (input) => rowsOf(input, unitShape(MANIFEST).sequences, ROW);
  [refuses, patienceMs, looking] = [undefined, undefined, undefined];
  waitsMs = [0, 0, 0];
  provider = new ProviderHost({
    genesis: GENESIS,
    provider: PROVIDER,
    payee: PAYEE,
    view: VIEW,
    rowBytes: ROW,
    sequenceBytes: sequenceBytes(MANIFEST),
    signers: { signReceipt: async (r) => signHash(receiptHash(GENESIS, r), SERVING) },
  });
  prepaid = await open();
});
afterEach(async () => {
  prepaid.stop();
  await rm(folder, { recursive: true });
});

const code = (c: string): unknown => expect.objectContaining({ code: c });
const spentIn = async (): Promise<bigint> => (await prepaid.api.channels())[0]!.spent;
const paidEvents = (): PaidAnswer[] =>
  events.flatMap((event) => (event.type === 'paid' ? [event.answer] : []));
const last = (): Prepaid =>
  events.flatMap((event) => (event.type === 'prepaid' ? [event.channel] : [])).at(-1)!;

let nonces = 0n;
async function opening(limit = 100_000n): Promise<SignedTx & { tx: TxOf<'channel'> }> {
  const tx: TxOf<'channel'> = {
    type: 'channel',
    chainId: 3,
    from: ACCOUNT.publicKey,
    nonce: nonces++,
    expiry: 99,
    fee: 1000n,
    signer: await keys.newSigner(),
    provider: PROVIDER,
    payee: PAYEE,
    limit,
    lifetime: 990,
  };
  return { ...signTx(GENESIS, tx, ACCOUNT.secret), tx };
}
/** A channel that is open, by its id. */
async function opened(limit?: bigint): Promise<Uint8Array> {
  const signed = await opening(limit);
  await keys.noteOpening(signed.tx);
  const { id } = await prepaid.api.openChannel(encode(SignedTx, signed), 'provider');
  // It was there.
  provider.dials = [];
  return id;
}
/** Two sequences. */
const INPUT = utf8(`${'first'.padEnd(sequenceBytes(MANIFEST))}second`);
const question = (channel: Uint8Array, input = INPUT) => ({
  channel,
  model: MODEL,
  input,
  most: 2,
});
/** The disk has no room for answers, until the result is called. */
function keepsNoAnswers(): () => void {
  const { batch } = store;
  store.batch = async (puts, durable) => {
    if (puts.some(({ key }) => key.startsWith('prepaid/answers')))
      throw new AppError('STORE_FAILED', 'no room');
    return batch.call(store, puts, durable);
  };
  return () => {
    store.batch = batch;
  };
}
/** Until what was begun has ended, without a clock: everything here ends by itself. */
async function settled(until: () => boolean): Promise<void> {
  while (!until()) await new Promise((resolve) => setTimeout(resolve));
}

describe('opening a channel', () => {
  it('keeps its record before it is sent, and says once more how it stands', async () => {
    const signed = await opening();
    await keys.noteOpening(signed.tx);
    const bytes = encode(SignedTx, signed);
    const channel = await prepaid.api.openChannel(bytes, 'provider');
    expect(channel).toEqual({
      id: txId(GENESIS, signed.tx),
      opening: bytes,
      provider: PROVIDER,
      payee: PAYEE,
      peer: 'provider',
      limit: 100_000n,
      spent: 0n,
      expiry: 1000,
      state: 'open',
      depth: 90,
      isBusy: false,
      answers: 0,
      problem: undefined,
    });
    expect(await prepaid.api.openChannel(bytes, 'other')).toEqual(channel);
    expect(sent).toEqual(['submit 1']);
    expect(last()).toEqual(channel);
  });

  it('that is refused leaves nothing behind', async () => {
    refuses = new AppError('TX_REFUSED', 'tx.balance');
    await expect(opened()).rejects.toEqual(code('TX_REFUSED'));
    expect(await prepaid.api.channels()).toEqual([]);
    expect(await (await open()).api.channels()).toEqual([]);
    const [signer] = JSON.parse(JSON.stringify(await store.range('channels/', 'channels0')));
    expect(signer).toBeUndefined();
  });

  it('with who is not there sets nothing aside, and leaves nothing behind', async () => {
    provider.isAway = true;
    await expect(opened()).rejects.toEqual(code('PROVIDER_GONE'));
    expect([sent, await prepaid.api.channels()]).toEqual([[], []]);
    expect(await prepaid.api.providers(MODEL)).toMatchObject([{ gaveNothing: true }]);
    await expect((await open()).api.channels()).resolves.toEqual([]);
    provider.isAway = false;
    await prepaid.api.askPrepaid(question(await opened()));
    const [one] = await prepaid.api.providers(MODEL);
    expect(one).toMatchObject({ gaveNothing: false, answers: 1, paid: 200n });
  });

  it('that could not be sent keeps its record, and is sent at the next head', async () => {
    refuses = new AppError('NET_CLOSED', 'nobody there');
    view = { ...VIEW, depth: undefined };
    await expect(opened()).resolves.toBeDefined();
    expect(last()).toMatchObject({ state: 'waiting', problem: 'NET_CLOSED' });
    expect(await (await open()).api.channels()).toHaveLength(1);
    prepaid.onHead();
    await prepaid.idle();
    expect(sent.slice(1)).toEqual(['again channel', 'again channel']);
    view = { ...VIEW, depth: 1 };
    prepaid.onHead();
    await prepaid.idle();
    expect(last()).toMatchObject({ state: 'open', problem: undefined });
  });

  it('that can be in no block any more is over, and so is what was asked', async () => {
    view = { ...VIEW, depth: undefined };
    const channel = await opened();
    provider.isAway = true;
    const asked = prepaid.api.askPrepaid(question(channel));
    await expect(asked).rejects.toEqual(code('PROVIDER_GONE'));
    expect(last()).toMatchObject({ state: 'waiting', problem: 'PROVIDER_GONE' });
    view = { ...view, isLost: true };
    prepaid.onHead();
    await prepaid.idle();
    expect(last()).toMatchObject({ state: 'over', problem: undefined, spent: 0n });
    await expect(prepaid.api.askPrepaid(question(channel))).rejects.toEqual(code('CHANNEL_LOST'));
  });

  it('that a branch leaves out waits again, and is over where it can be in no block', async () => {
    const states: string[] = [];
    const heads = async (...views: Partial<ChannelView>[]): Promise<void> => {
      for (const now of views) {
        view = { ...VIEW, ...now };
        prepaid.onHead();
        await prepaid.idle();
        states.push((await prepaid.api.channels())[0]!.state);
      }
    };
    const channel = await opened();
    const out = { depth: undefined };
    const gone = { ...out, isLost: true };
    await heads({ depth: 1 }, { depth: 0 }, out, { depth: 1 }, gone);
    const asked = prepaid.api.askPrepaid(question(channel));
    await expect(asked).rejects.toEqual(code('CHANNEL_LOST'));
    // Nobody is to blame.
    expect((await prepaid.api.providers(MODEL))[0]).toMatchObject({ gaveNothing: false });
    await heads({ depth: 3 });
    await prepaid.api.askPrepaid(question(channel));
    // Once it is used, its provider can close it.
    await heads(out, gone);
    expect(states).toEqual([
      'open',
      'waiting',
      'waiting',
      'open',
      'over',
      'open',
      'waiting',
      'closing',
    ]);
  });

  it('that was used stays open where nobody proves it now', async () => {
    await prepaid.api.askPrepaid(question(await opened()));
    view = undefined;
    prepaid.stop();
    prepaid = await open();
    expect(await prepaid.api.channels()).toMatchObject([{ state: 'open', spent: 200n }]);
  });

  it('whose signer is not here, or that is none, is not begun', async () => {
    const foreign = encode(SignedTx, await opening());
    await expect(prepaid.api.openChannel(foreign, 'p')).rejects.toEqual(code('CHANNEL_UNKNOWN'));
    const none = foreign.subarray(1);
    await expect(prepaid.api.openChannel(none, 'p')).rejects.toEqual(code('TX_MALFORMED'));
    expect(sent).toEqual([]);
    const keyless = await openWith(undefined);
    await expect(keyless.api.openChannel(foreign, 'p')).rejects.toEqual(code('SERVING_MISSING'));
    await expect(keyless.api.askPrepaid(question(filled(1)))).rejects.toEqual(
      code('SERVING_MISSING'),
    );
  });

  it('is said again at each head until it is in a block', async () => {
    view = { ...VIEW, depth: undefined };
    await opened();
    expect(last().state).toBe('waiting');
    prepaid.onHead();
    await prepaid.idle();
    expect(sent).toEqual(['submit 1', 'again channel', 'again channel']);
    view = { ...VIEW, depth: 1 };
    prepaid.onHead();
    await prepaid.idle();
    expect([last().state, sent.length]).toEqual(['open', 3]);
  });
});

describe('asking', () => {
  it('gives the answer with its receipt, paid row by row, and keeps it', async () => {
    const channel = await opened();
    const answer = await prepaid.api.askPrepaid(question(channel));
    expect(answer).toMatchObject({
      channel,
      n: 1,
      model: MODEL,
      input: INPUT,
      units: 2,
      total: 200n,
      answer: rowsOf(INPUT, 2, ROW),
      provider: PROVIDER,
      timeMs: 5000,
      verdict: 'unchecked',
    });
    expect(events.filter(({ type }) => type === 'part')).toHaveLength(2);
    await settled(() => provider.heard.at(-1)?.type === 'voucher');
    expect(provider.heard.map(({ type }) => type)).toEqual([
      ...['open', 'question', 'voucher', 'voucher'],
    ]);
    expect(last()).toMatchObject({ spent: 200n, isBusy: false, answers: 1, problem: undefined });
    expect(await prepaid.api.answers()).toEqual([answer]);
    expect(paidEvents()).toEqual([answer]);
    expect(await prepaid.api.providers(MODEL)).toMatchObject([{ key: PROVIDER, paid: 200n }]);

    const next = await prepaid.api.askPrepaid(question(channel, utf8('third')));
    expect([next.n, next.total, provider.dials.length]).toEqual([2, 300n, 1]);
  });

  it('gives the stream back where nothing more is asked, and not while an answer may come', async () => {
    expect(IDLE_MS).toBeGreaterThan(PATIENCE_MS);
    prepaid.stop();
    patienceMs = 50;
    prepaid = await open();
    const channel = await opened();
    await prepaid.api.askPrepaid(question(channel));
    await settled(() => !provider.isOpen);
    expect(await prepaid.api.askPrepaid(question(channel))).toMatchObject({ n: 2 });
    expect(await spentIn()).toBe(400n);
  });

  it('does not come back once it has made room for others', async () => {
    await prepaid.api.askPrepaid(question(await opened()));
    const [kept] = await store.range('prepaid/answers/', 'prepaid/answers0');
    await store.batch([{ key: kept!.key, value: undefined }]);
    prepaid.stop();
    prepaid = await open();
    expect(await prepaid.api.answers()).toEqual([]);
  });

  it('that is made again, as to the next tab that leads, is told what was answered', async () => {
    const channel = await opened();
    const salt = filled(77);
    const answer = await prepaid.api.askPrepaid({ ...question(channel), salt });
    await settled(() => provider.heard.at(-1)?.type === 'voucher');
    prepaid.stop();
    prepaid = await open();
    expect(await prepaid.api.askPrepaid({ ...question(channel), salt })).toEqual(answer);
    expect(await spentIn()).toBe(200n);
    const other = await prepaid.api.askPrepaid({ ...question(channel), salt: filled(78) });
    expect([other.n, await spentIn()]).toEqual([2, 400n]);
  });

  it('that is made again while its answer comes is told that, and nothing is asked anew', async () => {
    const channel = await opened();
    const asked = { ...question(channel), salt: filled(9) };
    provider.isAway = true;
    await expect(prepaid.api.askPrepaid(asked)).rejects.toEqual(code('PROVIDER_GONE'));
    provider.isAway = false;
    const looked = Promise.withResolvers<void>();
    looking = looked.promise;
    const again = prepaid.api.askPrepaid(asked);
    prepaid.onOffer(PROVIDER);
    await settled(() => paidEvents().length > 0);
    looked.resolve();
    expect(await again).toEqual(paidEvents()[0]);
    expect(provider.heard.filter(({ type }) => type === 'question')).toHaveLength(1);
    expect(await spentIn()).toBe(200n);
  });

  it('whose answer could not be kept loses it to no other question', async () => {
    const channel = await opened();
    const again = keepsNoAnswers();
    await expect(prepaid.api.askPrepaid(question(channel))).rejects.toEqual(code('STORE_FAILED'));
    await expect(prepaid.api.askPrepaid(question(channel, utf8('third')))).rejects.toEqual(
      code('STORE_FAILED'),
    );
    again();
    await prepaid.api.askPrepaid(question(channel, utf8('third')));
    expect((await prepaid.api.answers()).map(({ n }) => n)).toEqual([2, 1]);
  });

  it('whose answer could not be kept is kept at a head, and a client starts meanwhile', async () => {
    const channel = await opened();
    const again = keepsNoAnswers();
    await expect(prepaid.api.askPrepaid(question(channel))).rejects.toEqual(code('STORE_FAILED'));
    prepaid.stop();
    prepaid = await open();
    expect(await prepaid.api.answers()).toEqual([]);
    again();
    prepaid.onHead();
    await prepaid.idle();
    expect((await prepaid.api.answers()).map(({ n }) => n)).toEqual([1]);
  });

  it('goes on where the stream was cut, and pays for no row twice', async () => {
    const channel = await opened();
    let cuts = 2;
    provider.say = (frame) => (frame.type === 'part' && cuts-- > 0 ? 'cut' : [frame]);
    const answer = await prepaid.api.askPrepaid(question(channel));
    expect([answer.total, answer.answer, provider.dials.length]).toEqual([
      ...[200n, rowsOf(INPUT, 2, ROW), 3],
    ]);
  });

  it('goes on where the provider was busy when the rest was asked for', async () => {
    const channel = await opened();
    let streams = 0;
    provider.say = (frame) => {
      if (frame.type === 'opened') {
        streams++;
        return [frame];
      }
      if (streams === 1) return frame.type === 'part' && frame.units > 1 ? 'cut' : [frame];
      if (streams > 2) return [frame];
      return frame.type === 'part' ? [{ type: 'refused', code: 'PROVIDER_BUSY', least: 0n }] : [];
    };
    const asked = prepaid.api.askPrepaid(question(channel));
    expect(await asked).toMatchObject({ n: 1, total: 200n, answer: rowsOf(INPUT, 2, ROW) });
    expect([streams, last().state, await spentIn()]).toEqual([3, 'open', 200n]);
  });

  it('gives up after its tries; the question stays, and the same call goes on with it', async () => {
    const channel = await opened();
    provider.isAway = true;
    await expect(prepaid.api.askPrepaid(question(channel))).rejects.toEqual(code('PROVIDER_GONE'));
    expect(provider.dials).toHaveLength(3);
    expect(last()).toMatchObject({ isBusy: true, problem: 'PROVIDER_GONE', state: 'open' });
    await expect(prepaid.api.askPrepaid(question(channel, utf8('x')))).rejects.toEqual(
      code('QUESTION_BUSY'),
    );
    provider.isAway = false;
    // Whoever calls again may find less left.
    const answer = await prepaid.api.askPrepaid({ ...question(channel), most: 1 });
    expect([answer.n, answer.total, last().problem]).toEqual([1, 200n, undefined]);
  });

  it('that was given up goes on at a head, at an offer, and in another process', async () => {
    const channel = await opened();
    provider.isAway = true;
    await expect(prepaid.api.askPrepaid(question(channel))).rejects.toEqual(code('PROVIDER_GONE'));
    prepaid.onHead();
    await prepaid.idle();
    await settled(() => provider.dials.length === 4);
    // Where it is now, by its offer: peer ids are new at every start.
    offers = [offer('moved')];
    prepaid.stop();
    prepaid = await open();
    prepaid.onHead();
    await prepaid.idle();
    await settled(() => provider.dials.length === 5);
    expect(provider.dials.at(-1)).toBe('moved');
    expect(last()).toMatchObject({ isBusy: true, spent: 0n });
    provider.isAway = false;
    await settled(() => last().problem === 'PROVIDER_GONE');
    prepaid.onOffer(filled(9));
    prepaid.onOffer(PROVIDER);
    await settled(() => paidEvents().length === 1);
    expect(paidEvents()[0]).toMatchObject({ n: 1, total: 200n });
  });

  it('does not wait for its next try once its provider is heard at another place', async () => {
    prepaid.stop();
    waitsMs = [0, 3_600_000];
    prepaid = await open();
    const channel = await opened();
    provider.isAway = true;
    const answer = prepaid.api.askPrepaid(question(channel));
    await settled(() => provider.dials.length === 1);
    provider.isAway = false;
    offers = [offer('loaded again')];
    prepaid.onOffer(PROVIDER);
    expect(await answer).toMatchObject({ n: 1, total: 200n });
    expect(provider.dials).toEqual(['provider', 'loaded again']);
  });

  it('goes on after a death at any write, and nothing is paid twice', async () => {
    for (let writes = 0; ; writes++) {
      const channel = await opened();
      let left = writes;
      const { batch } = store;
      const dying: typeof batch = async (puts, durable) => {
        if (left-- <= 0) throw new AppError('STORE_CLOSED', 'died');
        return batch.call(store, puts, durable);
      };
      store.batch = dying;
      events = [];
      const asked = prepaid.api.askPrepaid(question(channel));
      const died = await asked.then(
        () => false,
        () => true,
      );
      await settled(() => !died || !provider.isOpen);
      store.batch = batch;
      prepaid.stop();
      prepaid = await open();
      prepaid.onHead();
      await prepaid.idle();
      // A question of which nothing was written was never asked.
      const answer = await prepaid.api.askPrepaid(question(channel));
      const wasKept = answer.n === 2;
      expect(answer.total, `death at write ${writes}`).toBe(wasKept ? 400n : 200n);
      expect(await spentIn()).toBe(answer.total);
      expect(await prepaid.api.answers()).toHaveLength(answer.n);
      if (!died) break;
      prepaid.stop();
      store = createMemoryStore();
      prepaid = await open();
    }
  });
});

describe('a provider that refuses', () => {
  const refusedBy = (said: AskCode, least = 0n): ProviderFrame[] => [
    { type: 'refused', code: said, least },
  ];

  it.each([
    ['PROVIDER_BUSY', 'PROVIDER_BUSY'],
    ['CHANNEL_UNKNOWN', 'CHANNEL_UNSEEN'],
    ['CHANNEL_SHALLOW', 'CHANNEL_SHALLOW'],
    ['MODEL_UNKNOWN', 'MODEL_UNOFFERED'],
    ['PRICE_LOW', 'PRICE_LOW'],
    ['QUESTION_LONG', 'PROVIDER_PUZZLED'],
    ['QUESTION_BUSY', 'PROVIDER_PUZZLED'],
    ['PAYMENT_REQUIRED', 'PROVIDER_PUZZLED'],
  ] as const)('by %s is told as %s, and may be asked again', async (said, told) => {
    const channel = await opened();
    provider.say = (frame) => (frame.type === 'opened' ? refusedBy(said) : [frame]);
    await expect(prepaid.api.askPrepaid(question(channel))).rejects.toEqual(code(told));
    expect(last()).toMatchObject({ isBusy: false, problem: told, spent: 0n, state: 'open' });
    provider.say = (frame) => [frame];
    provider.cut();
    expect(await prepaid.api.askPrepaid(question(channel))).toMatchObject({ n: 1, total: 200n });
  });

  it('for good ends the channel, and it is asked to close it', async () => {
    const channel = await opened();
    provider.say = (frame) => (frame.type === 'opened' ? refusedBy('SIGNER_WRONG') : [frame]);
    await expect(prepaid.api.askPrepaid(question(channel))).rejects.toEqual(
      code('PROVIDER_PUZZLED'),
    );
    expect(last()).toMatchObject({ state: 'closing', problem: 'PROVIDER_PUZZLED' });
    await expect(prepaid.api.askPrepaid(question(channel))).rejects.toEqual(code('CHANNEL_CLOSED'));
    prepaid.onHead();
    await prepaid.idle();
    expect(provider.dials).toHaveLength(1);
  });

  it('because another program has the channel is left alone until it is asked again', async () => {
    const channel = await opened();
    provider.say = (frame) => (frame.type === 'part' ? refusedBy('CHANNEL_REPLACED') : [frame]);
    await expect(prepaid.api.askPrepaid(question(channel))).rejects.toEqual(
      code('CHANNEL_REPLACED'),
    );
    provider.cut();
    prepaid.onHead();
    await prepaid.idle();
    prepaid.onOffer(PROVIDER);
    await new Promise((resolve) => setTimeout(resolve));
    expect([provider.dials.length, last().isBusy]).toEqual([1, true]);
    provider.say = (frame) => [frame];
    expect(await prepaid.api.askPrepaid(question(channel))).toMatchObject({ n: 1, total: 200n });
  });

  it('to answer at all is like one that is not there, and so is one that only closes', async () => {
    const channel = await opened();
    provider.say = (frame) => {
      if (frame.type === 'opened') return [frame, frame, { type: 'closing', amount: 0n }];
      return 'cut';
    };
    await expect(prepaid.api.askPrepaid(question(channel))).rejects.toEqual(code('CHANNEL_CLOSED'));

    prepaid.stop();
    patienceMs = 0;
    prepaid = await open();
    const other = await opened();
    provider.say = (frame) => (frame.type === 'opened' ? [frame] : []);
    await expect(prepaid.api.askPrepaid(question(other))).rejects.toEqual(code('PROVIDER_GONE'));
    // Its patience is lost once, and not for each try.
    expect([provider.dials.length, last().isBusy]).toEqual([1, true]);
    expect(await prepaid.api.providers(MODEL)).toMatchObject([{ gaveNothing: true }]);
  });

  it('anything new is like one that is not there, whatever else it sends', async () => {
    prepaid.stop();
    patienceMs = 20;
    prepaid = await open();
    const channel = await opened();
    provider.say = (frame) => (frame.type === 'opened' ? [frame] : []);
    const { dial } = provider;
    const nothing = { type: 'part', n: 1, units: 0, bytes: new Uint8Array() } as const;
    const timers: NodeJS.Timeout[] = [];
    let sent = 0;
    const keptOn = Promise.withResolvers<string>();
    Object.assign(provider, {
      dial: ((peer, receiverOf) =>
        dial(peer, (stream) => {
          const receiver = receiverOf(stream);
          const say = () => {
            if (++sent > 3000) keptOn.resolve('kept on');
            void receiver.onFrame(nothing).catch(() => {});
          };
          timers.push(setInterval(say, 2));
          return receiver;
        })) satisfies typeof dial,
    });
    try {
      const asked = prepaid.api.askPrepaid(question(channel));
      await expect(Promise.race([asked, keptOn.promise])).rejects.toEqual(code('PROVIDER_GONE'));
    } finally {
      timers.forEach(clearInterval);
    }
  });

  it('with a receipt for nothing has failed', async () => {
    const channel = await opened();
    const answer = new Uint8Array();
    provider.say = (frame) => {
      if (frame.type !== 'part') return frame.type === 'opened' ? [frame] : [];
      const asked = provider.heard.find((each) => each.type === 'question')!;
      const { n, model, salt, options, input } = asked;
      const hashes = {
        question: questionHash(salt, options, input),
        answer: answerHash(salt, answer),
      };
      const receipt = { channel, n, model, ...hashes, total: 0n };
      return [
        { type: 'done', receipt, signature: signHash(receiptHash(GENESIS, receipt), SERVING) },
      ];
    };
    await expect(prepaid.api.askPrepaid(question(channel))).rejects.toEqual(
      code('PROVIDER_FAILED'),
    );
    expect(await spentIn()).toBe(0n);
  });

  it('after its model failed is told so, and nothing is paid', async () => {
    const channel = await opened();
    let isFirst = true;
    provider.say = (frame) => {
      if (frame.type !== 'part' || !isFirst) return [frame];
      isFirst = false;
      const receipt = {
        channel,
        n: 1,
        model: MODEL,
        total: 0n,
        question: questionHash(saltOf(), new Uint8Array(), INPUT),
        answer: answerHash(saltOf(), new Uint8Array()),
      };
      const signature = signHash(receiptHash(GENESIS, receipt), SERVING);
      return [...refusedBy('MODEL_FAILED'), { type: 'done', receipt, signature }];
    };
    await expect(prepaid.api.askPrepaid(question(channel))).rejects.toEqual(
      code('PROVIDER_FAILED'),
    );
    expect(last()).toMatchObject({ isBusy: false, problem: 'PROVIDER_FAILED', spent: 0n });
  });
});

const saltOf = (): Uint8Array =>
  provider.heard.flatMap((frame) => (frame.type === 'question' ? [frame.salt] : []))[0]!;

describe('a provider that lies', () => {
  it('in what it counts is asked no more, by nobody here', async () => {
    const channel = await opened();
    provider.say = (frame) => (frame.type === 'part' ? [{ ...frame, units: 7 }] : [frame]);
    await expect(prepaid.api.askPrepaid(question(channel))).rejects.toEqual(code('PROVIDER_FALSE'));
    expect(last()).toMatchObject({ state: 'distrusted', problem: 'PROVIDER_FALSE', spent: 0n });
    expect(await prepaid.api.providers(MODEL)).toEqual([]);
    expect(await prepaid.api.distrusted()).toEqual([
      { key: PROVIDER, code: 'PROVIDER_FALSE', timeMs: 5000 },
    ]);
    await expect(prepaid.api.askPrepaid(question(channel))).rejects.toEqual(code('PROVIDER_FALSE'));
    expect([provider.dials.length, provider.isOpen]).toEqual([1, false]);
  });

  it('in an answer is found by running the model, and the receipt is kept', async () => {
    const channel = await opened();
    const answer = await prepaid.api.askPrepaid(question(channel));
    expect(await prepaid.api.verifyAnswer(answer)).toEqual({ isEqual: true, at: undefined });
    expect(await prepaid.api.answers()).toMatchObject([{ verdict: 'equal' }]);

    provider.answer = (input, units, row) => rowsOf(input, units, row).fill(99, row);
    const lie = await prepaid.api.askPrepaid(question(channel));
    expect(await prepaid.api.verifyAnswer(lie)).toEqual({ isEqual: false, at: ROW });
    expect(await prepaid.api.answers()).toMatchObject([
      { n: 2, verdict: 'false', receipt: lie.receipt },
      { n: 1, verdict: 'equal' },
    ]);
    expect(await prepaid.api.distrusted()).toMatchObject([{ key: PROVIDER, code: 'ANSWER_FALSE' }]);
    expect([await prepaid.api.providers(MODEL), last().state]).toEqual([[], 'distrusted']);
    await expect(prepaid.api.askPrepaid(question(channel))).rejects.toEqual(code('PROVIDER_FALSE'));
  });

  it('is asked and paid no more in its other channels, nor in new ones, also after a restart', async () => {
    provider.answer = (input, units, row) => rowsOf(input, units, row).fill(99);
    const lie = await prepaid.api.askPrepaid(question(await opened()));
    const other = await opened();
    provider.say = (frame) => (frame.type === 'part' ? [] : [frame]);
    const asked = prepaid.api.askPrepaid(question(other));
    asked.catch(() => undefined);
    await settled(() => provider.heard.filter(({ type }) => type === 'question').length === 2);
    await prepaid.api.verifyAnswer(lie);
    await expect.poll(() => provider.isOpen).toBe(false);
    await expect(asked).rejects.toEqual(code('PROVIDER_FALSE'));
    const states = async () => (await prepaid.api.channels()).map(({ state }) => state);
    expect(await states()).toEqual(['distrusted', 'distrusted']);
    const spent = async () => (await prepaid.api.channels()).map((each) => each.spent).sort();
    const vouched = await spent();

    const dials = provider.dials.length;
    provider.say = (frame) => [frame];
    prepaid.stop();
    prepaid = await open();
    prepaid.onHead();
    await prepaid.idle();
    expect([await states(), provider.dials.length]).toEqual([['distrusted', 'distrusted'], dials]);
    expect(await spent()).toEqual(vouched);
    await expect(opened()).rejects.toEqual(code('PROVIDER_FALSE'));
  });

  it('is found by whom the answer was shared with too; what nobody signed convicts nobody', async () => {
    provider.answer = (input, units, row) => rowsOf(input, units, row).fill(99);
    const lie = await prepaid.api.askPrepaid(question(await opened()));
    const shared = await prepaid.api.shareAnswer(lie.channel, lie.n);
    await expect(prepaid.api.shareAnswer(lie.channel, 9)).rejects.toEqual(code('ANSWER_UNKNOWN'));

    store = createMemoryStore();
    const other = (await openWith(undefined)).api;
    const read = await other.readAnswer(shared);
    expect(read).toEqual({ ...lie, verdict: 'unchecked' });
    const forged = { ...read, answer: rowsOf(INPUT, 2, ROW).fill(98) };
    await expect(other.verifyAnswer(forged)).rejects.toEqual(code('ANSWER_FORGED'));
    expect(await other.distrusted()).toEqual([]);
    expect(await other.verifyAnswer(read)).toEqual({ isEqual: false, at: 0 });
    expect(await other.distrusted()).toMatchObject([{ key: PROVIDER }]);
    expect(await other.answers()).toEqual([]);
  });
});

describe('ending', () => {
  it('an answer: what came is paid, also where the stream was cut meanwhile', async () => {
    const channel = await opened();
    // The first row comes; then nothing, until the stream is opened again.
    let isHeld = false;
    provider.say = (frame) => {
      if (isHeld) return [];
      isHeld = frame.type === 'part';
      return [frame];
    };
    const asked = prepaid.api.askPrepaid(question(channel));
    await settled(() => last().spent === 100n);
    provider.isAway = true;
    provider.cut();
    await prepaid.api.stopAsking(channel);
    await expect(asked).rejects.toEqual(code('PROVIDER_GONE'));
    provider.say = (frame) => [frame];
    provider.isAway = false;
    prepaid.onOffer(PROVIDER);
    await settled(() => paidEvents().length === 1);
    expect(provider.heard.some(({ type }) => type === 'stop')).toBe(true);
    expect(paidEvents()[0]!.total).toBe(await spentIn());
  });

  it('an answer is not undone by a restart: its provider is told, and gives no more than what ran', async () => {
    const channel = await opened();
    provider.say = (frame) => (frame.type === 'part' ? 'cut' : [frame]);
    provider.isAway = false;
    const asked = prepaid.api.askPrepaid(question(channel));
    asked.catch(() => undefined);
    await settled(() => provider.heard.some(({ type }) => type === 'question'));
    provider.isAway = true;
    provider.cut();
    await prepaid.api.stopAsking(channel);
    prepaid.stop();

    provider.heard.length = 0;
    provider.say = (frame) => [frame];
    provider.isAway = false;
    prepaid = await open();
    prepaid.onHead();
    await settled(() => paidEvents().length === 1);
    const types = provider.heard.map(({ type }) => type);
    expect(types.slice(0, types.indexOf('stop') + 1)).toEqual(['open', 'question', 'stop']);
    expect(paidEvents()[0]!.total).toBe(await spentIn());
    // What was stopped may be wanted again: as another question.
    expect(await prepaid.api.askPrepaid(question(channel))).toMatchObject({ n: 2, units: 2 });
  });

  it('a channel: its provider is told, also later, and nothing is asked any more', async () => {
    const channel = await opened();
    await prepaid.api.askPrepaid(question(channel));
    provider.isAway = true;
    provider.cut();
    await prepaid.api.closeChannel(channel);
    expect(last().state).toBe('closing');
    await settled(() => provider.dials.length === 4);
    await expect(prepaid.api.askPrepaid(question(channel))).rejects.toEqual(code('CHANNEL_CLOSED'));
    provider.isAway = false;
    prepaid.onHead();
    await prepaid.idle();
    await settled(() => provider.closes.length > 0);
    expect(provider.closes[0]!.amount).toBe(200n);
    await settled(() => provider.heard.at(-1)?.type === 'close');
    const { length } = provider.dials;
    provider.cut();
    prepaid.onHead();
    await prepaid.idle();
    expect(provider.dials).toHaveLength(length);
  });

  it('by the chain: its record goes, its signer too, and what was paid is remembered', async () => {
    const channel = await opened();
    await prepaid.api.askPrepaid(question(channel));
    // The rest is back: no block ahead brings it.
    view = { ...VIEW, depth: undefined, isLost: true, expiry: VIEW.height + 991 };
    prepaid.onHead();
    await prepaid.idle();
    expect(last()).toMatchObject({ state: 'closing', expiry: undefined });
    view = { ...view, isOver: true };
    prepaid.onHead();
    await prepaid.idle();
    expect(last()).toMatchObject({ id: channel, state: 'over', spent: 200n });
    expect(await prepaid.api.channels()).toEqual([]);
    await expect(prepaid.api.closeChannel(channel)).rejects.toEqual(code('CHANNEL_UNKNOWN'));
    await expect(keys.signVoucher(channel, 1n)).rejects.toEqual(code('CHANNEL_UNKNOWN'));
    const again = await open();
    expect(await again.api.channels()).toEqual([]);
    expect(await again.api.providers(MODEL)).toMatchObject([{ paid: 200n }]);
    expect(await again.api.answers()).toHaveLength(1);
  });
});

describe('keys', () => {
  it('that are away fail the question by their code; it goes on once they are there', async () => {
    let isAway = true;
    const signers: ServingKeys = {
      ...keys,
      async signAsk(channel, peers) {
        if (isAway) throw new AppError('WORKER_DIED', 'the page is gone');
        return keys.signAsk(channel, peers);
      },
    };
    prepaid.stop();
    prepaid = await open(signers);
    const channel = await opened();
    await expect(prepaid.api.askPrepaid(question(channel))).rejects.toEqual(code('WORKER_DIED'));
    isAway = false;
    expect(await prepaid.api.askPrepaid(question(channel))).toMatchObject({ n: 1, total: 200n });
  });
});

describe('a question', () => {
  it.each([
    ['to another channel', { channel: filled(9) }, 'CHANNEL_UNKNOWN'],
    ['to another model', { model: filled(9) }, 'MODEL_MISSING'],
    ['that is too long', { input: new Uint8Array(1000) }, 'INPUT_LONG'],
    ['with long options', { options: new Uint8Array(1025) }, 'INPUT_LONG'],
    ['for nothing', { most: 0 }, 'QUESTION_LONG'],
    ['for half a row', { most: 1.5 }, 'QUESTION_LONG'],
    ['for more rows than a unit has', { most: unitShape(MANIFEST).sequences + 1 }, 'QUESTION_LONG'],
    ['at a price of tokens', { price: { type: 'tokens', amount: 1n } }, 'MODEL_UNOFFERED'],
  ] as const)('%s fails here', async (_what, change, told) => {
    const asked = { ...question(await opened()), ...change };
    await expect(prepaid.api.askPrepaid(asked)).rejects.toEqual(code(told));
    expect(provider.dials).toEqual([]);
  });

  it('is refused here where the channel ends, is too small, or nobody proves it', async () => {
    const small = await opened(150n);
    await expect(prepaid.api.askPrepaid(question(small))).rejects.toEqual(code('CHANNEL_SMALL'));
    view = { ...VIEW, height: 980 };
    const ending = await opened();
    expect(last().state).toBe('ending');
    await expect(prepaid.api.askPrepaid(question(ending))).rejects.toEqual(code('CHANNEL_ENDING'));
    view = undefined;
    const unproven = await opened();
    await expect(prepaid.api.askPrepaid(question(unproven))).rejects.toEqual(code('NOT_PROVEN'));
    offers = [];
    view = VIEW;
    await expect(prepaid.api.askPrepaid(question(unproven))).rejects.toEqual(
      code('MODEL_UNOFFERED'),
    );
    const price = PRICE;
    expect(await prepaid.api.askPrepaid({ ...question(unproven), price })).toMatchObject({ n: 1 });
  });
});
