/** The same question to somebody else, on the screen: who is asked, for how much, and what it comes to. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { AskedPrepaid, PaidAnswer, Prepaid, Provider } from '../../src/client/api.ts';
import { TRIES_MAX } from '../../src/client/prepaid/buying.ts';
import { conclusionOf } from '../../src/client/prepaid/second-opinion.ts';
import { equal } from '../../src/lib/bytes.ts';
import { AppError } from '../../src/lib/errors.ts';
import type { ErrorCode } from '../../src/lib/error-codes.ts';
import { Prepaids } from '../../src/ui/ask/prepaid/prepaids.svelte.ts';
import { SecondOpinion } from '../../src/ui/ask/prepaid/second-opinion.svelte.ts';
import { Session } from '../../src/ui/session.svelte.ts';
import { CHANNEL, FULL_VAULT, LINGUA, MemoryEngine, PAID, PROVIDER } from './memory-engine.ts';

const COST = PROVIDER.price.amount;
const filled = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const provider = (who: number, price = COST): Provider => ({
  ...PROVIDER,
  key: filled(who),
  price: { type: 'sequence', amount: price },
});
const channel = (who: number, more: Partial<Prepaid> = {}): Prepaid => ({
  ...CHANNEL,
  id: filled(100 + who),
  provider: filled(who),
  ...more,
});
const FALSE = PAID.answer.map((byte) => byte ^ 1);

let engine: MemoryEngine;
let session: Session;
let second: SecondOpinion;
let prepaids: Prepaids;
/** Of each provider: its answer, or what asking it ends with. */
let gives: Map<number, Uint8Array | ErrorCode>;
let asked: (AskedPrepaid & { readonly of: number })[];
let stopped: number[];

beforeEach(async () => {
  engine = new MemoryEngine();
  engine.vaultStatus = FULL_VAULT;
  engine.paidAnswers = [PAID];
  engine.offered = [provider(1), provider(2), provider(3), PROVIDER];
  engine.prepaid = [channel(1), channel(2), channel(3)];
  [gives, asked, stopped] = [new Map(), [], []];
  engine.client.stopAsking = async (id) => void stopped.push(id[0]! - 100);
  engine.client.askPrepaid = async (question) => {
    const of = question.channel[0]! - 100;
    asked.push({ ...question, of });
    const given = gives.get(of) ?? PAID.answer;
    if (typeof given === 'string') throw new AppError(given, 'nothing came');
    const { channel: at, model, input } = question;
    return { ...PAID, channel: at, n: 1, model, input, answer: given, provider: filled(of) };
  };
  const config = { network: 'local', prefix: 'rpila', bootstrap: [], genesis: undefined } as const;
  session = new Session(engine, async () => config);
  await session.open();
  prepaids = new Prepaids(session);
  prepaids.start();
  second = new SecondOpinion(session, prepaids);
  await second.refresh(LINGUA);
  await new Promise((resolve) => setTimeout(resolve));
});

const ask = (most = COST) => second.ask(PAID, LINGUA, most);
const said = (answer: PaidAnswer = PAID) => second.opinions(answer, LINGUA);
const order = () => asked.map(({ of }) => of);

describe('who may be asked for the same', () => {
  it('is not who answered, comes first where something is set aside, and costs what it says', () => {
    engine.prepaid = [channel(3)];
    prepaids.channels = engine.prepaid;
    const found = second.candidates(PAID, LINGUA);
    expect(found.map(({ provider: { key } }) => key[0])).toEqual([3, 1, 2]);
    expect(found.map(({ channel: at, cost }) => [at !== undefined, cost])).toEqual([
      [true, COST],
      [false, COST],
      [false, COST],
    ]);
  });

  it('pays from what is enough and not busy', () => {
    const { limit } = CHANNEL;
    prepaids.channels = [
      channel(1, { spent: limit - COST }),
      channel(2, { spent: limit - COST + 1n }),
      channel(3, { isBusy: true }),
    ];
    const found = second.candidates(PAID, LINGUA);
    const told = found.map(({ provider: { key }, channel: at, isBusy }) => [key[0], !!at, isBusy]);
    expect(told).toEqual([
      [1, true, false],
      [2, false, false],
      [3, true, true],
    ]);
  });
});

describe('the same question', () => {
  it('goes with the very input, options and length, and is equal where the answer is', async () => {
    await ask();
    const { model, input, options, units } = PAID;
    expect(asked).toEqual([expect.objectContaining({ of: 1, model, input, options, most: units })]);
    expect(conclusionOf(said())).toMatchObject({ isEqual: true });
    expect(said()[0]!.other.provider).toEqual(filled(1));
    expect(engine.calls).not.toContain('client.verifyAnswer');
  });

  it('goes to the next one where one lies, and nobody is convicted by what others say', async () => {
    gives.set(1, FALSE);
    await ask();
    expect(order()).toEqual([1, 2]);
    expect(said().map(({ check }) => check.isEqual)).toEqual([true, false]);
    expect(conclusionOf(said())!.by[0]!.other.provider).toEqual(filled(2));
    expect(prepaids.answers.map(({ verdict }) => verdict)).toEqual(Array(3).fill('unchecked'));
    // Two against one are no proof either.
    gives.set(3, FALSE);
    engine.paidAnswers = prepaids.answers = [PAID];
    gives.set(2, FALSE);
    await ask();
    expect(conclusionOf(said())).toMatchObject({ isEqual: false, by: [{}, {}] });
    expect(prepaids.answers.map(({ verdict }) => verdict)).toEqual(Array(3).fill('unchecked'));
  });

  it('goes to the next one where one is away or silent, which is stopped and told with its code', async () => {
    gives.set(1, 'PROVIDER_GONE');
    gives.set(2, 'PROVIDER_FALSE');
    await ask();
    expect([order(), stopped]).toEqual([
      [1, 2, 3],
      [1, 2],
    ]);
    expect(second.failures.map(({ error: { code } }) => code)).toEqual([
      'PROVIDER_GONE',
      'PROVIDER_FALSE',
    ]);
    expect(conclusionOf(said())).toMatchObject({ isEqual: true });
    expect(second.failed).toBeUndefined();
  });

  it('is asked at no higher price than was shown, of three at most', async () => {
    engine.offered = [1, 2, 3, 4, 5].map((who) => provider(who, who === 2 ? COST + 1n : COST));
    engine.prepaid = prepaids.channels = [1, 2, 3, 4, 5].map((who) => channel(who));
    for (const who of [1, 3, 4, 5]) gives.set(who, 'PROVIDER_GONE');
    await second.refresh(LINGUA);
    await ask();
    expect(order()).toEqual([1, 3, 4]);
    expect(asked).toHaveLength(TRIES_MAX);
    expect(second.failures).toHaveLength(TRIES_MAX);
  });

  it('sets nothing aside by itself, and says what is ours', async () => {
    prepaids.channels = [];
    await ask();
    expect([order(), second.failed?.code]).toEqual([[], 'MODEL_UNOFFERED']);
    prepaids.channels = [channel(1), channel(2)];
    gives.set(1, 'STORE_FULL');
    await ask();
    expect([order(), second.failed?.code]).toEqual([[1], 'STORE_FULL']);
    expect(engine.calls).not.toContain('client.openChannel');
  });

  it('does not go to one whose last question is not over', async () => {
    engine.prepaid = prepaids.channels = [channel(1, { isBusy: true }), channel(2)];
    gives.set(2, 'PROVIDER_GONE');
    await ask();
    expect(order()).toEqual([2]);
  });

  it('waits for blocks that a provider wants to see, and ends with the person', async () => {
    gives.set(1, 'CHANNEL_SHALLOW');
    const asking = ask();
    await expect.poll(order).toEqual([1]);
    gives.delete(1);
    const { chain } = engine;
    engine.emit({ type: 'chain', status: { ...chain, height: chain.height + 1 } });
    await asking;
    expect(order()).toEqual([1, 1]);
    expect(equal(asked[0]!.salt!, asked[1]!.salt!)).toBe(true);
    expect(conclusionOf(said())).toMatchObject({ isEqual: true });

    prepaids.answers = engine.paidAnswers = [PAID];
    gives.set(1, 'CHANNEL_SHALLOW');
    const stopping = ask();
    await expect.poll(() => asked.length).toBe(3);
    second.stop();
    await stopping;
    expect([asked.length, second.asking, second.failed]).toEqual([3, undefined, undefined]);
  });
});
