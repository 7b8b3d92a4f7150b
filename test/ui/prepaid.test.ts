/** Prepaid answers on the screen: what is set aside, what the vault reads of it, and what becomes of a question. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Prepaid } from '../../src/client/api.ts';
import { costOf } from '../../src/core/price.ts';
import { CHANNEL_LIFETIME_MAX, ACCOUNT_MIN } from '../../src/core/params.ts';
import { equal } from '../../src/lib/bytes.ts';
import {
  bytesOfLink,
  channelWith,
  checkOpening,
  heldIn,
  LIFETIMES,
  limitProposed,
  LINK_BYTES_MAX,
  linkText,
  nameOfKey,
  opensTheSame,
  priceFor,
  timesPrice,
  unitsAsked,
  unitsOf,
  withChannel,
} from '../../src/ui/ask/prepaid/prepaid.ts';
import { Prepaids } from '../../src/ui/ask/prepaid/prepaids.svelte.ts';
import { linkToPage, locationOf } from '../../src/ui/route.svelte.ts';
import { Session } from '../../src/ui/session.svelte.ts';
import { buildChannel } from '../../src/wallet/build.ts';
import {
  WRITER,
  ANSWER,
  CHANNEL,
  FULL_VAULT,
  LINGUA,
  MemoryEngine,
  PAID,
  PROVIDER,
} from './memory-engine.ts';

const VOLT = 10n ** 9n;
const FEE = 10_000n;
const bounds = { locale: 'en', spendable: 5n * VOLT, fee: FEE, allowed: 10n * VOLT };
const opening = (limit: string, change: Partial<typeof bounds> = {}) =>
  checkOpening({ limit, lifetime: LIFETIMES[1] }, PROVIDER, { ...bounds, ...change });

describe('what is set aside', () => {
  it('is what a channel may hold, there is, and the person allows', () => {
    expect(opening('2').meant).toEqual({
      provider: PROVIDER.key,
      payee: PROVIDER.payee,
      limit: 2n * VOLT,
      lifetime: LIFETIMES[1],
    });
    expect(opening('0.01').meant!.limit).toBe(ACCOUNT_MIN);
    expect(opening('0.009').fault).toBe('limitSmall');
    expect(opening('').fault).toBe('limitMalformed');
    expect(opening('4.99999').meant!.limit).toBe(5n * VOLT - FEE);
    expect(opening('4.999990001').fault).toBe('limitOver');
    // The account would lose it.
    expect(opening('4.99').fault).toBe('limitRest');
    expect(opening('4.98999').meant!.limit).toBe(5n * VOLT - FEE - ACCOUNT_MIN);
    expect(opening('2', { allowed: 2n * VOLT - 1n }).fault).toBe('limitForbidden');
  });

  it('is proposed within what there is and what is allowed, for some answers', () => {
    const { price } = PROVIDER;
    expect(limitProposed(price, bounds)).toBe(2n * VOLT);
    const dear = { type: 'sequence', amount: VOLT / 25n } as const;
    const rich = { ...bounds, spendable: 100n * VOLT };
    expect(limitProposed(dear, rich)).toBe(100n * costOf({ price: dear, read: 0 }, 1));
    expect(limitProposed(dear, { ...rich, allowed: VOLT })).toBe(VOLT);
    expect(limitProposed(price, { ...bounds, spendable: VOLT + FEE })).toBe(VOLT / 2n);
    for (const spendable of [0n, FEE, ACCOUNT_MIN])
      expect(limitProposed(price, { ...bounds, spendable })).toBe(ACCOUNT_MIN);
  });

  it('is offered for as long as a channel lives at most', () => {
    expect(LIFETIMES.at(-1)).toBe(CHANNEL_LIFETIME_MAX);
  });

  it('is signed only if the vault reads every field as it was meant', async () => {
    const meant = opening('2').meant!;
    const signer = new Uint8Array(32).fill(6);
    const base = { chainId: 3, from: FULL_VAULT.publicKey!, nonce: 3n, expiry: 99, fee: FEE };
    const { vault } = new MemoryEngine();
    const read = await vault.describe(buildChannel(base, { ...meant, signer }));
    const as = { signer, fee: FEE, network: 'local' } as const;
    expect(opensTheSame(read, meant, as)).toBe(true);
    const key = new Uint8Array(32).fill(1);
    for (const other of [
      { ...meant, provider: key },
      { ...meant, payee: key },
      { ...meant, limit: 1n },
      { ...meant, lifetime: LIFETIMES[0] },
    ])
      expect(opensTheSame(read, other, as)).toBe(false);
    expect(opensTheSame(read, meant, { ...as, signer: key })).toBe(false);
    expect(opensTheSame(read, meant, { ...as, fee: FEE + 1n })).toBe(false);
    expect(opensTheSame(read, meant, { ...as, network: 'main' })).toBe(false);
    expect(opensTheSame(read, meant, { signer, fee: FEE })).toBe(false);
  });
});

describe('a channel', () => {
  const id = (fill: number) => new Uint8Array(32).fill(fill);
  const states = ['waiting', 'open', 'ending', 'closing', 'over', 'distrusted'] as const;

  it('is asked through while it is usable, the fullest first', () => {
    const of = (state: Prepaid['state']) => [{ ...CHANNEL, state }];
    const usable = states.filter((state) => channelWith(of(state), PROVIDER.key));
    expect(usable).toEqual(['waiting', 'open']);
    const full = { ...CHANNEL, id: id(1), spent: 0n };
    expect(channelWith([CHANNEL, full], PROVIDER.key)).toBe(full);
    expect(channelWith([full, CHANNEL], PROVIDER.key)).toBe(full);
    expect(channelWith([CHANNEL], id(9))).toBeUndefined();
  });

  it('holds its limit until it is over', () => {
    const all = states.map((state, i) => ({ ...CHANNEL, id: id(i), state, limit: VOLT }));
    expect(heldIn(all)).toBe(5n * VOLT);
  });

  it('is told anew in its place, or at the end', () => {
    const other = { ...CHANNEL, id: id(1) };
    const closing = { ...CHANNEL, state: 'closing' } as const;
    expect(withChannel([CHANNEL, other], closing)).toEqual([closing, other]);
    expect(withChannel([CHANNEL], other)).toEqual([CHANNEL, other]);
  });

  it('is of somebody whose key begins so', () =>
    expect(nameOfKey(PROVIDER.key)).toMatch(/^[0-9a-f]{4} [0-9a-f]{4}$/));
});

describe('a prepaid answer', () => {
  const two = { ...LINGUA, inputBytesMax: 256 };

  it('has a row for each sequence of the text', () => {
    expect([0, 1, 128, 129, 256].map((n) => unitsOf(new Uint8Array(n), two))).toEqual([
      1, 1, 1, 2, 2,
    ]);
  });

  it('of a language model has tokens for which there is room, at one price', () => {
    const read = (tokens: number) => new Uint8Array(2 * tokens).fill(1);
    expect([1, 200, 256].map((n) => unitsOf(read(n), WRITER))).toEqual([255, 56, 1]);
    const long = {
      ...WRITER,
      shapes: [
        { sequences: 1, tokens: 64 },
        { sequences: 1, tokens: 2048 },
      ],
    };
    expect(unitsOf(read(100), long)).toBe(512);
    expect(timesPrice(long, read(1000))).toBe(1);
    const price = { type: 'tokens', amount: 1000n } as const;
    expect(priceFor(price, long, read(1000))).toEqual({ price, read: 1000 });
  });

  it('of a language model is asked for as long as what is left pays for, but for a step at least', () => {
    const price = { type: 'tokens', amount: 1000n } as const;
    const input = new Uint8Array(2 * 80).fill(1);
    // 20 nV for the text, and one for each token.
    const lefts = [undefined, 10_000n, 196n, 195n, 60n, 52n, 51n, 0n];
    expect(lefts.map((left) => unitsAsked(input, WRITER, price, left))).toEqual([
      176, 176, 176, 175, 40, 32, 32, 32,
    ]);
    // For less room than a step there is no more to ask for; rows are asked for all at once.
    expect(unitsAsked(new Uint8Array(2 * 250).fill(1), WRITER, price, 0n)).toBe(6);
    expect(unitsAsked(new Uint8Array(256), two, { type: 'sequence', amount: 9n }, 1n)).toBe(2);
  });

  it('fits a link, which gives the same bytes or nothing', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: LINK_BYTES_MAX });
    fc.assert(
      fc.property(bytes, (shared) => {
        const { place, page, about } = locationOf(linkToPage('answer', linkText(shared)));
        expect([place, page]).toEqual(['ask', 'answer']);
        expect(bytesOfLink(about)).toEqual(shared);
      }),
    );
    for (const wrong of ['', '=', 'a', 'aGk=', 'a b', 'é', 'A'.repeat(2 * LINK_BYTES_MAX + 1)])
      expect(bytesOfLink(wrong), wrong.slice(0, 9)).toBeUndefined();
  });
});

describe('the screen of prepaid answers', () => {
  let engine: MemoryEngine;
  let session: Session;
  let prepaids: Prepaids;
  const settled = () => new Promise((resolve) => setTimeout(resolve));
  const asked = { model: LINGUA.id, input: PAID.input, most: 1, price: PROVIDER.price };
  const part = (n: number, bytes: Uint8Array, channel = CHANNEL.id) =>
    engine.emit({ type: 'part', channel, n, bytes });

  beforeEach(async () => {
    engine = new MemoryEngine();
    engine.vaultStatus = FULL_VAULT;
    engine.offered = [PROVIDER];
    engine.prepaid = [CHANNEL];
    const config = {
      network: 'local',
      prefix: 'rpila',
      bootstrap: [],
      genesis: undefined,
    } as const;
    session = new Session(engine, async () => config);
    await session.open();
    prepaids = new Prepaids(session);
  });

  it('reads what is set aside, kept and allowed', async () => {
    engine.paidAnswers = [PAID];
    prepaids.start();
    await settled();
    expect(prepaids.channels).toEqual([CHANNEL]);
    expect(prepaids.answers).toEqual([PAID]);
    expect(prepaids.free).toBe(engine.channelsLimit - CHANNEL.limit);
    engine.channelsLimit = 1n;
    prepaids.allowed = 1n;
    expect(prepaids.free).toBe(0n);
  });

  it('does not forget what came while it was reading', async () => {
    prepaids.start();
    const closing = { ...CHANNEL, state: 'closing' } as const;
    engine.emit({ type: 'prepaid', channel: closing });
    await settled();
    expect(prepaids.channels).toEqual([closing]);
  });

  it('shows an answer as it comes, and then the kept one', async () => {
    const stop = prepaids.start();
    await settled();
    engine.asking = Promise.withResolvers();
    const done = prepaids.ask(CHANNEL, asked);
    part(201, ANSWER.subarray(0, 5));
    part(201, ANSWER.subarray(5));
    part(7, ANSWER, new Uint8Array(32));
    expect(prepaids.arriving!.bytes).toEqual(ANSWER);
    const whole = { ...PAID, n: 201 };
    engine.emit({ type: 'paid', answer: whole });
    engine.asking.resolve(whole);
    await done;
    expect(prepaids.arriving).toBeUndefined();
    expect(prepaids.latest).toEqual(whole);
    expect(prepaids.answers).toEqual([whole]);
    stop();
  });

  it('asks at the price that was shown, whatever is offered by now', async () => {
    engine.offered = [{ ...PROVIDER, price: { type: 'sequence', amount: CHANNEL.limit } }];
    await prepaids.ask(CHANNEL, asked);
    expect(engine.askedAt).toEqual(PROVIDER.price);
  });

  it('begins anew where an answer is given anew', async () => {
    prepaids.start();
    engine.asking = Promise.withResolvers();
    void prepaids.ask(CHANNEL, asked);
    part(201, ANSWER);
    part(202, ANSWER.subarray(0, 3));
    expect(prepaids.arriving!.bytes).toEqual(ANSWER.subarray(0, 3));
  });

  it('says why there is no answer, and can ask again', async () => {
    prepaids.start();
    await settled();
    engine.fails = { 'client.askPrepaid': 'PROVIDER_GONE' };
    engine.falseOnes = [{ key: PROVIDER.key, code: 'PROVIDER_FALSE', timeMs: 0 }];
    await prepaids.ask(CHANNEL, asked);
    expect(prepaids.failed!.code).toBe('PROVIDER_GONE');
    expect(prepaids.arriving).toBeUndefined();
    expect(prepaids.distrusted).toEqual(engine.falseOnes);
    engine.fails = {};
    await prepaids.ask(CHANNEL, asked);
    expect(prepaids.failed).toBeUndefined();
    expect(prepaids.latest!.n).toBe(CHANNEL.answers + 1);
  });

  it('chooses the next one where whoever was asked gave nothing', async () => {
    const [first, second] = [PROVIDER, { ...PROVIDER, key: new Uint8Array(32).fill(9) }];
    engine.offered = [first, second];
    prepaids.start();
    await prepaids.refresh(LINGUA.id, true);
    expect(prepaids.provider).toEqual(first);
    engine.offered = [second, { ...first, gaveNothing: true }];
    engine.fails = { 'client.askPrepaid': 'PROVIDER_GONE' };
    await prepaids.ask({ ...CHANNEL, provider: first.key }, asked);
    expect([prepaids.provider, prepaids.instead]).toEqual([second, second]);
    expect(prepaids.providers!.at(-1)!.gaveNothing).toBe(true);
    prepaids.pick(first);
    expect(prepaids.instead).toBeUndefined();
  });

  it('neither chooses nor offers whoever was found out', async () => {
    engine.paidAnswers = [PAID];
    prepaids.start();
    await prepaids.refresh(PAID.model, true);
    prepaids.pick(prepaids.providers!.find(({ key }) => equal(key, PROVIDER.key)));
    engine.isTrue = false;
    engine.falseOnes = [{ key: PROVIDER.key, code: 'ANSWER_FALSE', timeMs: 0 }];
    await prepaids.verify(PAID);
    expect(prepaids.provider).toBeUndefined();
    expect(prepaids.providers!.some(({ key }) => equal(key, PROVIDER.key))).toBe(false);
  });

  it('keeps what verifying said', async () => {
    engine.paidAnswers = [PAID];
    prepaids.start();
    await settled();
    await prepaids.verify(PAID);
    expect(prepaids.answers.map(({ verdict }) => verdict)).toEqual(['equal']);
    engine.isTrue = false;
    await prepaids.verify(PAID);
    expect(prepaids.answers.map(({ verdict }) => verdict)).toEqual(['false']);
  });

  it('knows who answers with the model that was chosen last', async () => {
    await prepaids.refresh(LINGUA.id, true);
    expect(prepaids.providers).toEqual([PROVIDER]);
    const other = new Uint8Array(32).fill(2);
    const slow = Promise.withResolvers<[]>();
    engine.client.providers = (model) =>
      model === other ? slow.promise : Promise.resolve([PROVIDER]);
    const late = prepaids.refresh(other, true);
    expect(prepaids.providers).toBeUndefined();
    await prepaids.refresh(LINGUA.id, true);
    slow.resolve([]);
    await late;
    expect(prepaids.providers).toEqual([PROVIDER]);
  });

  it('asks the best at first, and then whom it asked, whoever is the best later', async () => {
    const better = { ...PROVIDER, key: new Uint8Array(32).fill(1) };
    engine.offered = [];
    await prepaids.refresh(LINGUA.id, true);
    expect(prepaids.provider).toBeUndefined();
    engine.offered = [PROVIDER];
    await prepaids.refresh(LINGUA.id, false);
    expect(prepaids.provider, 'somebody types').toBeUndefined();
    await prepaids.refresh(LINGUA.id, true);
    expect(prepaids.provider).toBe(PROVIDER);
    const busier = { ...PROVIDER, queue: 9 };
    engine.offered = [better, busier];
    await prepaids.refresh(LINGUA.id, true);
    expect(prepaids.provider).toBe(busier);
    engine.offered = [better];
    await prepaids.refresh(LINGUA.id, true);
    expect(prepaids.provider, 'it offers no more').toBe(busier);
    prepaids.pick(undefined);
    await prepaids.refresh(LINGUA.id, true);
    expect(prepaids.provider, 'this device was picked').toBeUndefined();
    await prepaids.refresh(new Uint8Array(32), true);
    expect(prepaids.provider, 'another model').toBe(better);
  });

  it('goes on with whom the person picked, when they come back to the screen', async () => {
    const better = { ...PROVIDER, key: new Uint8Array(32).fill(1) };
    engine.offered = [better, PROVIDER];
    await prepaids.refresh(LINGUA.id, true);
    prepaids.pick(PROVIDER);
    const comeBack = async () => {
      const again = new Prepaids(session);
      await again.refresh(LINGUA.id, true);
      return again.provider;
    };
    expect(await comeBack()).toBe(PROVIDER);
    engine.offered = [better];
    expect(await comeBack(), 'it offers no more').toBe(better);
    prepaids.pick(undefined);
    expect(await comeBack(), 'this device was picked').toBeUndefined();
  });
});
