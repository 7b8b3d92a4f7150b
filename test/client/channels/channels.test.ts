/** Both ends of a channel together, and each public fault of such channels (C1 to C13) with its right outcome. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AskerFrame, ProviderFrame } from '../../../src/core/ask-messages.ts';
import {
  askHash,
  receiptHash,
  signHash,
  voucherHash,
  type Receipt,
} from '../../../src/core/channel.ts';
import { equal } from '../../../src/lib/bytes.ts';
import { encode } from '../../../src/core/codec.ts';
import { AskerRecord, receivedOf } from '../../../src/client/channels/asker-record.ts';
import { ASKER_POLICY } from '../../../src/client/channels/asker.ts';
import { PROVIDER_POLICY } from '../../../src/client/channels/provider.ts';
import { deliveredOf, ProviderRecord } from '../../../src/client/channels/provider-record.ts';
import { countedOf } from '../../../src/client/channels/terms.ts';
import {
  answerTo,
  asked,
  CHANNEL,
  filled,
  GENESIS,
  Pair,
  PEERS,
  SIGNER,
  VIEW,
  SERVING,
} from './pair.ts';

const voucher = (amount: bigint, channel = CHANNEL, genesis = GENESIS): AskerFrame => ({
  type: 'voucher',
  amount,
  signature: signHash(voucherHash(genesis, channel, amount), SIGNER),
});
const give = (pair: Pair, frame: AskerFrame) =>
  pair.enterProvider({ type: 'frame', stream: 1, frame });
const codesOf = (effects: ReturnType<typeof give>) =>
  effects.flatMap((e) => (e.type === 'send' && e.says.type === 'refused' ? [e.says.code] : []));
/** Another receipt than the right one, which the provider has signed all the same. */
function falsify(
  frame: ProviderFrame,
  change: (receipt: Receipt) => Partial<Receipt>,
): ProviderFrame[] {
  if (frame.type !== 'done') return [frame];
  const receipt = { ...frame.receipt, ...change(frame.receipt) };
  return [{ ...frame, receipt, signature: signHash(receiptHash(GENESIS, receipt), SERVING) }];
}
/** A stranger who asked for `most` tokens and vouches for nothing. */
function unpaid(most: number): Pair {
  const pair = new Pair();
  pair.fromAsker = (frame) => (frame.type === 'voucher' ? [] : [frame]);
  return pair.connect().ask(most);
}

describe('questions and answers', () => {
  it('are paid step by step, and told whole with a receipt', () => {
    const pair = new Pair().connect().ask(700);
    const [answer] = pair.answers;
    expect(answer).toMatchObject({ receipt: { n: 1, total: 700n } });
    expect(pair.asker.record.vouched).toBe(700n);
    expect(pair.provider.record.amount).toBe(700n);
    pair.ask(10).ask(1);
    expect(pair.answers).toHaveLength(3);
    expect(pair.provider.record.amount).toBe(711n);
    expect(pair.codes).toEqual([]);
  });

  it('end where the model ends, and where the asker stops', () => {
    const pair = new Pair();
    pair.answerUnits = 300;
    expect(pair.connect().ask(10_000).answers[0]).toMatchObject({ receipt: { total: 300n } });
    pair.answerUnits = 1_000_000;
    pair.enterAsker({ type: 'ask', asked: asked(10_000) });
    for (let i = 0; i < 3; i++) pair.deliver();
    pair.enterAsker({ type: 'stop' });
    pair.run();
    expect(pair.answers).toHaveLength(2);
    expect(pair.provider.record.amount).toBe(deliveredOf(pair.provider.record));
    expect(pair.provider.record.amount).toBeLessThan(2000n);
  });

  it('that are stopped are vouched for once they are whole, so that who goes on gets no more than its credit', () => {
    const pair = new Pair().connect();
    // A provider that hears no stop.
    pair.fromAsker = (frame) => (frame.type === 'stop' ? [] : [frame]);
    pair.enterAsker({ type: 'ask', asked: asked(10_000) });
    for (let i = 0; i < 4; i++) pair.deliver();
    pair.enterAsker({ type: 'stop' });
    const { vouched } = pair.asker.record;
    pair.run();
    expect(pair.asker.record.vouched).toBe(vouched);
    expect(deliveredOf(pair.provider.record) - vouched).toBeLessThanOrEqual(64n);
    pair.fromAsker = (frame) => [frame];
    pair.enterAsker({ type: 'stop' });
    pair.run();
    expect(pair.answers).toHaveLength(1);
    expect(pair.provider.record.amount).toBe(deliveredOf(pair.provider.record));
    pair.ask(300);
    expect(pair.answers).toHaveLength(2);
  });

  it('end on a new stream after their parts, also where a head ends them before they are asked for', () => {
    const pair = unpaid(700);
    pair.fromAsker = (frame) => {
      if (frame.type !== 'question') return [frame];
      pair.view = { ...pair.view, height: 970 };
      pair.enterProvider({ type: 'chain' });
      return [frame];
    };
    pair.connect();
    expect(pair.codes).toEqual([]);
    const [answer] = pair.answers;
    expect(answer).toMatchObject({ receipt: { n: 1, total: 32n } });
  });

  it('go on where they were after either end died or a stream was cut, whatever was lost on the way', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ after: fc.nat(12), isDeath: fc.boolean() }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 2000 }),
        (breaks, most) => {
          const pair = new Pair().connect();
          const question = asked(most);
          pair.enterAsker({ type: 'ask', asked: question });
          for (const { after, isDeath } of breaks) {
            for (let i = 0; i < after; i++) pair.deliver();
            if (isDeath) pair.restart();
            pair.connect();
          }
          pair.run();
          expect(pair.answers.at(-1)).toMatchObject({ receipt: { n: 1, total: BigInt(most) } });
          const [told] = pair.answers as { answer: Uint8Array }[];
          expect(equal(told!.answer, answerTo({ n: 1, ...question }, 0, most))).toBe(true);
          expect(pair.provider.record.amount).toBe(BigInt(most));
        },
      ),
      { numRuns: 10 },
    );
  });

  it('are owed as far as they run, however often they are stopped or their stream is left', () => {
    const pair = new Pair().connect();
    const say = (stream: number, frame: AskerFrame) =>
      pair.enterProvider({ type: 'frame', stream, frame });
    const question: AskerFrame = { type: 'question', n: 1, ...asked(700) };
    say(1, question);
    const serve = pair.serves.shift()!;
    say(1, { type: 'stop', n: 1 });
    pair.enterProvider({ type: 'gone', stream: 1 });
    pair.connect();
    say(2, question);
    say(2, { type: 'stop', n: 1 });
    expect(pair.serves).toEqual([]);
    pair.connect();
    pair.produce(serve);
    // Nothing of it is said before it is asked for on this stream.
    expect(pair.toAsker).toEqual([]);
    expect(deliveredOf(pair.provider.record)).toBe(32n);
    say(3, { type: 'question', n: 2, ...asked(700) });
    const codes = pair.toAsker.flatMap((frame) => (frame.type === 'refused' ? [frame.code] : []));
    expect(codes).toEqual(['PAYMENT_REQUIRED']);
  });

  it('are never more than a step ahead of vouchers, or an eighth of what was paid', () => {
    const pair = unpaid(10_000);
    expect(deliveredOf(pair.provider.record)).toBe(32n);
    expect(pair.asker.record.vouched).toBe(32n);
    const payer = new Pair({ providerEnd: { earlier: 32n * 8n * 3n } });
    payer.fromAsker = (frame) => (frame.type === 'voucher' ? [] : [frame]);
    payer.connect().ask(10_000);
    expect(deliveredOf(payer.provider.record)).toBe(3n * 32n);
  });

  it('are served to strangers after payers', () => {
    const { ranks } = new Pair().connect().ask(75);
    expect(ranks).toEqual(['stranger', 'payer', 'payer']);
  });
});

describe('what an asker owes (C1)', () => {
  const lies: [string, (frame: ProviderFrame) => ProviderFrame[], string][] = [
    [
      'a part that counts more than it brings',
      (f) => (f.type === 'part' ? [{ ...f, units: f.units + 1 }] : [f]),
      'PROVIDER_COUNT',
    ],
    [
      'half a unit',
      (f) => (f.type === 'part' ? [{ ...f, bytes: f.bytes.slice(1) }] : [f]),
      'PROVIDER_COUNT',
    ],
    [
      'two steps in one part',
      (f) => (f.type === 'part' ? [{ ...f, units: f.units + 32, bytes: filled(1, 2 * 64) }] : [f]),
      'PROVIDER_JUMP',
    ],
    [
      'a receipt for a larger total',
      (f) => falsify(f, (r) => ({ total: r.total + 1n })),
      'PROVIDER_RECEIPT',
    ],
    [
      'a receipt for another answer',
      (f) => falsify(f, () => ({ answer: filled(9) })),
      'PROVIDER_RECEIPT',
    ],
    [
      'a receipt for another question',
      (f) => falsify(f, () => ({ question: filled(9) })),
      'PROVIDER_RECEIPT',
    ],
    [
      'a receipt for another model',
      (f) => falsify(f, () => ({ model: filled(9) })),
      'PROVIDER_RECEIPT',
    ],
    [
      'a receipt of another channel',
      (f) => falsify(f, () => ({ channel: filled(9) })),
      'PROVIDER_RECEIPT',
    ],
    ['a receipt under another number', (f) => falsify(f, () => ({ n: 7 })), 'PROVIDER_RECEIPT'],
    [
      'a receipt that another key signed',
      (f) => (f.type === 'done' ? [{ ...f, signature: filled(9, 64) }] : [f]),
      'PROVIDER_RECEIPT',
    ],
  ];
  it.each(lies)('is not %s', (_, lie, code) => {
    const pair = new Pair();
    pair.fromProvider = lie;
    pair.connect().ask(64);
    expect(pair.codes).toEqual([code]);
    expect(pair.asker.record.vouched).toBeLessThanOrEqual(32n);
    expect(pair.answers).toEqual([]);
    // No further use of it, and no further payment.
    pair.fromProvider = (frame) => [frame];
    pair.connect().ask(1);
    expect(pair.codes).toEqual([code, 'CHANNEL_CLOSED']);
  });

  it('is the last step only once its receipt is right', () => {
    const pair = new Pair();
    pair.fromProvider = (frame) => (frame.type === 'done' ? [] : [frame]);
    pair.connect().ask(32);
    expect(pair.asker.record.vouched).toBe(0n);
  });

  it('is not more than was asked for, and not another beginning the second time', () => {
    const more = new Pair();
    more.fromProvider = (f) =>
      f.type === 'part' ? [f, { ...f, units: f.units + 1, bytes: filled(1, 2) }] : [f];
    expect(more.connect().ask(10).codes).toEqual(['PROVIDER_JUMP']);

    const changed = new Pair();
    changed.fromProvider = (f) => (f.type === 'done' ? [] : [f]);
    changed.connect().ask(10);
    changed.fromProvider = (f) => (f.type === 'part' ? [{ ...f, bytes: filled(1, 20) }] : [f]);
    expect(changed.connect().codes).toEqual(['PROVIDER_CHANGED']);
  });

  it('follows any order of frames without ever exceeding what came', () => {
    const frames = fc.constantFrom<(f: ProviderFrame) => ProviderFrame[]>(
      (f) => [f],
      (f) => [f, f],
      () => [],
      (f) => [{ type: 'refused', code: 'VOUCHER_STALE', least: 1_000_000n }, f],
      (f) => [{ type: 'opened' }, f],
    );
    fc.assert(
      fc.property(fc.array(frames, { maxLength: 30 }), fc.nat(1000), (twists, most) => {
        const pair = new Pair();
        const rest = [...twists];
        pair.fromProvider = (frame) => (rest.shift() ?? ((f) => [f]))(frame);
        pair.connect().ask(most + 1);
        expect(pair.asker.record.vouched).toBeLessThanOrEqual(receivedOf(pair.asker.record));
      }),
      { numRuns: 15 },
    );
  });
});

describe('who may use a channel (C2, C4)', () => {
  it.each([
    ['for other peers', askHash(GENESIS, CHANNEL, { ...PEERS, asker: 'thief' }), SIGNER],
    ['for another provider', askHash(GENESIS, CHANNEL, { ...PEERS, provider: 'other' }), SIGNER],
    ['on another network', askHash(filled(9), CHANNEL, PEERS), SIGNER],
    ['of another channel', askHash(GENESIS, filled(9), PEERS), SIGNER],
    ['with another key', askHash(GENESIS, CHANNEL, PEERS), filled(77)],
  ])('not who proves it %s', (_, hashed, key) => {
    const pair = new Pair();
    const signature = signHash(hashed, key);
    const effects = pair.enterProvider({ type: 'opened', stream: 1, peers: PEERS, signature });
    expect(codesOf(effects)).toEqual(['SIGNER_WRONG']);
    expect(effects.at(-1)).toEqual({ type: 'drop', stream: 1 });
    expect(give(pair, { type: 'question', n: 1, ...asked(1) })).toEqual([]);
    expect(deliveredOf(pair.provider.record)).toBe(0n);
  });

  it('not with a voucher that nobody signed, at any amount', () => {
    const pair = unpaid(64);
    for (const amount of [0n, 1n, 32n]) {
      const frame: AskerFrame = { type: 'voucher', amount, signature: filled(7, 64) };
      expect(codesOf(give(pair, frame))).toEqual(['VOUCHER_WRONG']);
    }
    expect(codesOf(give(pair, voucher(32n, filled(9))))).toEqual(['VOUCHER_WRONG']);
    expect(codesOf(give(pair, voucher(32n, CHANNEL, filled(9))))).toEqual(['VOUCHER_WRONG']);
    expect(pair.provider.record.amount).toBe(0n);
    expect(give(pair, voucher(32n)).map((e) => e.type)).toEqual(['store', 'serve']);
  });

  it('the repeated question and voucher get what they got', () => {
    const pair = new Pair().connect();
    const question: AskerFrame = { type: 'question', n: 1, ...asked(75) };
    const sent: ProviderFrame[] = [];
    pair.fromProvider = (frame) => (sent.push(frame), [frame]);
    pair.enterAsker({
      type: 'ask',
      asked: asked(75, { salt: question.salt, input: question.input }),
    });
    pair.run();
    const first = sent.splice(0);
    expect(first.map((f) => f.type)).toEqual(['part', 'part', 'part', 'done']);
    const before = pair.provider.record;
    // Once for each stream: it costs the asker next to nothing.
    expect(codesOf(give(pair, question))).toEqual(['QUESTION_ORDER']);
    pair.connect();
    sent.length = 0;
    const again = () => pair.enterProvider({ type: 'frame', stream: 2, frame: question });
    again();
    expect(sent).toEqual(first);
    expect(codesOf(again())).toEqual(['QUESTION_ORDER']);
    pair.enterProvider({ type: 'frame', stream: 2, frame: voucher(75n) });
    expect(pair.provider.record).toBe(before);
  });

  it.each(['provider', 'payee'] as const)('not where its %s is somebody else', (field) => {
    const pair = new Pair({ terms: { [field]: filled(66) } });
    expect(pair.connect().ask(1).codes).toEqual(['CHANNEL_UNKNOWN']);
    expect(deliveredOf(pair.provider.record)).toBe(0n);
  });

  it('an old voucher and one above what was delivered change nothing', () => {
    const pair = new Pair().connect().ask(600);
    expect(codesOf(give(pair, voucher(32n)))).toEqual(['VOUCHER_STALE']);
    expect(codesOf(give(pair, voucher(601n)))).toEqual(['VOUCHER_HIGH']);
    expect(pair.provider.record.amount).toBe(600n);
  });
});

describe('near the end of a channel (C3, C8)', () => {
  it('nothing is served from 30 blocks before it, and it is closed by itself', () => {
    const pair = unpaid(10_000);
    give(pair, voucher(32n));
    pair.at({ height: 969 });
    expect(pair.closes).toEqual([]);
    const before = deliveredOf(pair.provider.record);
    pair.view = { ...pair.view, height: 970 };
    give(pair, voucher(before));
    expect(pair.run().serves).toEqual([]);
    expect(deliveredOf(pair.provider.record)).toBe(before);
    pair.at({ height: 970 }).at({ height: 971 });
    expect(pair.closes.map((c) => c.amount)).toEqual([before]);
    expect(codesOf(give(pair, { type: 'question', n: 2, ...asked(1) }))).toEqual([
      'CHANNEL_CLOSED',
    ]);
  });

  it('also after a restart, and again with each block until it is in one', () => {
    const pair = new Pair().connect().ask(600);
    pair.at({ height: 970 }).restart().at({ height: 972 }).at({ height: 973 });
    expect(pair.closes.length).toBe(3);
    expect(new Set(pair.closes.map((c) => c.amount))).toEqual(new Set([600n]));
    // In a block, and out of it again.
    pair.at({ depth: undefined });
    expect(pair.closes.length).toBe(3);
    pair.at({ depth: 80 });
    expect(pair.closes.length).toBe(4);
  });

  it('a new question is refused, and the asker asks none', () => {
    const pair = new Pair().connect();
    pair.view = { ...VIEW, height: 970 };
    expect(codesOf(give(pair, { type: 'question', n: 1, ...asked(1) }))).toEqual([
      'CHANNEL_ENDING',
    ]);
    pair.toAsker.length = 0;
    expect(pair.ask(1).codes).toEqual(['CHANNEL_ENDING']);
  });

  it('a close that is asked for comes at once, and nothing after it counts', () => {
    const pair = new Pair().connect().ask(600);
    pair.enterAsker({ type: 'close' });
    pair.run();
    expect(pair.closes.map((c) => c.amount)).toEqual([600n]);
    expect(codesOf(give(pair, voucher(601n)))).toEqual(['CHANNEL_CLOSED']);
    pair.toAsker.length = 0;
    expect(pair.ask(1).codes).toEqual(['CHANNEL_CLOSED']);
    // Asked again it is not made again; blocks do that.
    give(pair, { type: 'close' });
    expect(pair.closes).toHaveLength(1);
  });
});

describe('one writer, one write (C5, C8, C9, C10)', () => {
  it('what changed is written before anything that stands on it', () => {
    const pair = new Pair().connect().ask(75).ask(3);
    const { trace } = pair;
    expect(trace.filter((t) => t === 'provider store').length).toBeGreaterThan(5);
    const begun = give(pair, { type: 'question', n: 3, ...asked(300) });
    expect(begun.map((e) => e.type)).toEqual(['store', 'serve']);
    const [serve] = pair.serves.splice(0);
    const before = pair.provider.record;
    const bytes = answerTo(serve!.question, 0, 32);
    const { run } = serve!;
    const effects = pair.enterProvider({ type: 'produced', run, bytes, units: 32, last: false });
    expect(effects.map((e) => e.type)).toEqual(['store', 'send']);
    expect(deliveredOf(pair.provider.record)).toBe(deliveredOf(before) + 32n);
    const paid = give(pair, voucher(deliveredOf(pair.provider.record)));
    expect(paid.map((e) => e.type)).toEqual(['store', 'serve']);
  });

  it('a second stream of the signer takes the place of the first', () => {
    const pair = unpaid(10_000);
    const signature = signHash(askHash(GENESIS, CHANNEL, { ...PEERS, asker: 'tab 2' }), SIGNER);
    const peers = { ...PEERS, asker: 'tab 2' };
    const effects = pair.enterProvider({ type: 'opened', stream: 2, peers, signature });
    expect(effects.map((e) => e.type)).toEqual(['send', 'drop', 'send']);
    expect(give(pair, voucher(32n))).toEqual([]);
    expect(pair.provider.record.amount).toBe(0n);
  });

  it('a second question waits for the end of the first', () => {
    const pair = unpaid(10_000);
    expect(codesOf(give(pair, { type: 'question', n: 2, ...asked(1) }))).toEqual(['QUESTION_BUSY']);
    pair.toAsker.length = 0;
    expect(pair.ask(1).codes).toEqual(['QUESTION_BUSY']);
  });

  it('what a stale run gives is dropped', () => {
    const pair = new Pair().connect();
    give(pair, { type: 'question', n: 1, ...asked(300) });
    const serve = pair.serves[0]!;
    give(pair, { type: 'close' });
    pair.produce(serve);
    expect(deliveredOf(pair.provider.record)).toBe(0n);
  });
});

describe('depth (C6, and reorganisations)', () => {
  it('an amount counts at 2 + ⌈amount/subsidy⌉ and not before', () => {
    const at = (depth: number | undefined, amount: bigint) =>
      countedOf(amount, { ...VIEW, subsidy: 100n, depth });
    for (const depth of [undefined, 0, 1, 2]) expect(at(depth, 1n)).toBe(0n);
    expect(at(3, 1n)).toBe(1n);
    expect(at(3, 100n)).toBe(100n);
    expect(at(3, 101n)).toBe(100n);
    expect(at(4, 101n)).toBe(101n);
  });

  it.each([0, 1, 2])('at depth %i one step is served, and the rest once it counts', (depth) => {
    const pair = new Pair();
    pair.view = { ...VIEW, depth };
    pair.connect().ask(1000);
    expect(deliveredOf(pair.provider.record)).toBe(32n);
    pair.at({ depth: 3 });
    expect(pair.answers).toHaveLength(1);
  });

  it('a channel that went is not served, and goes on when it is back', () => {
    const pair = unpaid(600);
    pair.view = { ...VIEW, depth: undefined };
    give(pair, voucher(32n));
    expect(pair.serves).toEqual([]);
    pair.fromAsker = (frame) => [frame];
    pair.at({ depth: 90 });
    expect(pair.answers).toHaveLength(1);
  });

  it('what the model gives for a channel that went meanwhile is not delivered', () => {
    const pair = new Pair().connect();
    give(pair, { type: 'question', n: 1, ...asked(300) });
    const [serve] = pair.serves.splice(0);
    pair.view = { ...VIEW, depth: undefined };
    pair.produce(serve!);
    expect(pair.serves).toEqual([]);
    expect(deliveredOf(pair.provider.record)).toBe(0n);
    pair.at({ depth: 90 });
    expect(deliveredOf(pair.provider.record)).toBe(32n);
  });

  it('an unpaid answer and a shallow channel refuse the next question, with what is missing', () => {
    const shallow = new Pair();
    shallow.view = { ...VIEW, depth: 1 };
    shallow.connect().ask(32).ask(1);
    expect(shallow.codes).toEqual(['CHANNEL_SHALLOW']);
    expect(shallow.told.at(-1)).toMatchObject({ least: 3n });
    const owing = unpaid(32).ask(1);
    expect(owing.codes).toEqual(['PAYMENT_REQUIRED']);
    expect(owing.told.at(-1)).toMatchObject({ least: 32n });
  });
});

describe('channels that are of no use (C7, C11, C13)', () => {
  it('one that does not pay for its close is refused with the least limit', () => {
    const pair = new Pair({ terms: { limit: 82n } }).connect().ask(1);
    expect(pair.codes).toEqual(['CHANNEL_SMALL']);
    expect(pair.told.at(-1)).toMatchObject({ least: 83n });
    expect(new Pair({ terms: { limit: 83n } }).connect().ask(1).codes).toEqual([]);
  });

  it('one that is too small for a long question goes on with a shorter one', () => {
    const long = { input: new Uint8Array(101).fill(1) };
    const pair = new Pair({ terms: { limit: 83n } }).connect().ask(1, long);
    expect(pair.codes).toEqual(['CHANNEL_SMALL']);
    expect(pair.told.at(-1)).toMatchObject({ least: 108n });
    expect(pair.ask(1).answers).toHaveLength(1);
    expect(pair.provider.record).toMatchObject({ amount: 1n, closing: 0 });
  });

  it('one for a price that no limit holds is refused in a frame that can be sent', () => {
    const offer = { price: { type: 'sequence', amount: 1n }, read: 0, unitBytes: 1 } as const;
    const price = { type: 'sequence', amount: 2n ** 64n - 1n } as const;
    const pair = new Pair({ providerEnd: { offerOf: () => offer } });
    const sent: ProviderFrame[] = [];
    pair.fromAsker = (frame) => [frame.type === 'question' ? { ...frame, price } : frame];
    pair.fromProvider = (frame) => {
      sent.push(frame);
      return [frame];
    };
    pair.connect().ask(1, { price: offer.price });
    expect(pair.codes).toEqual(['CHANNEL_SMALL']);
    expect(sent.at(-1)).toMatchObject({ code: 'CHANNEL_SMALL', least: 2n ** 64n - 1n });
  });

  it('a close that costs more than it brings is not made, until fees fall', () => {
    const pair = new Pair().connect().ask(50);
    pair.at({ height: 980 });
    expect(pair.closes).toEqual([]);
    pair.at({ closeCost: 49n });
    expect(pair.closes.map((c) => c.amount)).toEqual([50n]);
  });

  it('with nothing vouched for there is no close, and no error', () => {
    const pair = new Pair().connect();
    pair.enterAsker({ type: 'close' });
    pair.run().at({ closeCost: 0n, height: 990 });
    expect(pair.closes).toEqual([]);
    expect(pair.codes).toEqual([]);
  });

  it('another account in use goes on with channels that pay the earlier one, and takes no new ones', () => {
    const pair = new Pair().connect().ask(1);
    pair.providerEnd = { ...pair.providerEnd, payee: filled(9) };
    pair.ask(1).restart().connect().ask(1);
    expect([pair.answers.length, pair.codes]).toEqual([3, []]);
    const late = new Pair({ providerEnd: { payee: filled(9) } }).connect().ask(1);
    expect(late.codes).toEqual(['CHANNEL_UNKNOWN']);
  });

  it('a model that is not loaded yet is waited for, and no question is given up meanwhile', () => {
    const pair = new Pair();
    const { providerEnd } = pair;
    pair.fromAsker = (frame) => (frame.type === 'voucher' ? [] : [frame]);
    pair.connect().ask(700);
    pair.fromAsker = (frame) => [frame];
    pair.restart();
    pair.providerEnd = { ...providerEnd, offerOf: () => undefined };
    pair.connect();
    expect([pair.codes, pair.answers.length, pair.provider.stream]).toEqual([[], 0, undefined]);
    expect(pair.trace.at(-1)).toBe('provider drop');
    pair.providerEnd = providerEnd;
    expect(pair.connect().answers).toHaveLength(1);
    expect(pair.provider.record.amount).toBe(700n);
  });

  it('an answer that is whole is given again without its model', () => {
    const pair = new Pair().connect();
    pair.fromProvider = (frame) => (frame.type === 'done' ? [] : [frame]);
    pair.ask(300);
    expect(pair.answers).toEqual([]);
    pair.fromProvider = (frame) => [frame];
    pair.restart();
    pair.providerEnd = { ...pair.providerEnd, offerOf: () => undefined };
    expect(pair.connect().answers).toHaveLength(1);
    expect(pair.codes).toEqual([]);
  });

  it('a provider that was convicted elsewhere gets no other voucher, nor a stream', () => {
    const pair = new Pair().connect();
    pair.enterAsker({ type: 'ask', asked: asked(700) });
    for (let i = 0; i < 2; i++) pair.deliver();
    const { vouched } = pair.asker.record;
    const effects = pair.enterAsker({ type: 'convicted' });
    expect(effects.map(({ type }) => type)).toEqual(['store', 'drop']);
    expect(pair.run().connect().asker.record).toMatchObject({ vouched, ended: 2 });
    expect(pair.enterAsker({ type: 'convicted' })).toEqual([]);
    pair.enterAsker({ type: 'close' });
    expect(pair.toProvider).toEqual([]);
  });

  it('an opening that failed is dropped at both ends', () => {
    const pair = new Pair();
    pair.view = { ...VIEW, depth: undefined };
    pair.connect().ask(1);
    expect(pair.codes).toEqual(['CHANNEL_UNKNOWN']);
    // Its number is free: the question did not count.
    expect(pair.asker.record.n).toBe(0);
    pair.at({ isOver: true });
    expect(pair.told.at(-1)).toEqual({ type: 'tell', what: 'dropped' });
    expect(pair.trace.filter((t) => t.endsWith('forget'))).toEqual([
      'provider forget',
      'asker forget',
    ]);
  });

  it('a limit ends the answer, which is paid for', () => {
    const pair = new Pair({ terms: { limit: 1000n } }).connect();
    give(pair, { type: 'question', n: 1, ...asked(5000) });
    for (let amount = 32n; pair.run(); amount += 32n) {
      if (deliveredOf(pair.provider.record) < amount) break;
      give(pair, voucher(amount, pair.provider.record.channel));
    }
    expect(deliveredOf(pair.provider.record)).toBe(1000n);
    expect(pair.provider.record.current!.done).toBe(1);
    expect(new Pair({ terms: { limit: 1000n } }).connect().ask(5000).codes).toEqual([
      'CHANNEL_SMALL',
    ]);
  });

  it.each([
    ['MODEL_UNKNOWN', { model: filled(99) }],
    ['MODEL_UNKNOWN', { price: { type: 'sequence', amount: 10n ** 6n } }],
    ['PRICE_LOW', { price: { type: 'tokens', amount: 999n } }],
  ] as const)('%s', (code, more) => {
    const pair = new Pair({ terms: { limit: 10n ** 9n } }).connect().ask(1, more);
    expect(pair.codes).toEqual([code]);
    expect(pair.ask(1).answers).toHaveLength(1);
  });

  it('ten thousand of them on one channel cost a provider no more room than one', () => {
    // Who signs is not the question here, and takes minutes.
    const policy = { verify: () => true };
    const pair = new Pair({
      terms: { limit: 10n ** 9n },
      askerEnd: { policy: { ...ASKER_POLICY, ...policy } },
      providerEnd: { policy: { ...PROVIDER_POLICY, ...policy } },
      isUnsigned: true,
    }).connect();
    const sizes = () => [
      encode(AskerRecord, pair.asker.record).length,
      encode(ProviderRecord, pair.provider.record).length,
    ];
    pair.ask(3);
    const after = sizes();
    for (let n = 2; n <= 10_000; n++) pair.ask(3);
    expect(pair.codes).toEqual([]);
    expect(pair.answers).toHaveLength(10_000);
    expect(pair.provider.record).toMatchObject({ n: 10_000, amount: 30_000n });
    expect(sizes()).toEqual(after);
  });

  it('ten thousand of them that nobody pays for are refused, and change nothing', () => {
    const pair = unpaid(32);
    const before = pair.provider;
    for (let i = 0; i < 10_000; i++) {
      const effects = give(pair, { type: 'question', n: 2 + (i % 3), ...asked(1) });
      expect(effects.map((e) => e.type)).toEqual(['send']);
    }
    expect(pair.provider).toEqual(before);
    expect(pair.serves).toEqual([]);
  });

  it('a number out of order and an answer of more than 4 MiB are refused', () => {
    const pair = new Pair({ terms: { limit: 10n ** 12n } }).connect();
    const code = (n: number, most: number) =>
      codesOf(give(pair, { type: 'question', n, ...asked(most) }));
    expect(code(2, 1)).toEqual(['QUESTION_ORDER']);
    expect(code(0, 1)).toEqual(['QUESTION_ORDER']);
    expect(code(1, 0)).toEqual(['QUESTION_LONG']);
    expect(code(1, 2 * 1024 * 1024 + 1)).toEqual(['QUESTION_LONG']);
    expect(code(1, 2 * 1024 * 1024)).toEqual([]);
  });

  it('a model that fails ends its answer with what came', () => {
    const pair = new Pair().connect();
    pair.enterAsker({ type: 'ask', asked: asked(600) });
    pair.enterProvider({ type: 'frame', stream: 1, frame: pair.toProvider.shift()! });
    pair.enterProvider({ type: 'failed', run: pair.serves.shift()!.run });
    pair.run();
    expect(pair.codes).toEqual(['MODEL_FAILED']);
    expect(pair.answers).toMatchObject([{ receipt: { total: 0n } }]);
    expect(pair.ask(1).answers).toHaveLength(2);
  });
});

describe('each rule, left out, is seen here', () => {
  it('depth, credit, the end and the close', () => {
    const lax = (policy: Partial<typeof PROVIDER_POLICY>) => {
      const pair = new Pair({ providerEnd: { policy: { ...PROVIDER_POLICY, ...policy } } });
      pair.fromAsker = (frame) => (frame.type === 'voucher' ? [] : [frame]);
      return pair;
    };
    expect(
      deliveredOf(
        lax({ creditOf: () => 10n ** 9n })
          .connect()
          .ask(10_000).provider.record,
      ),
    ).toBeGreaterThan(32n);
    const late = lax({ isEnding: () => false });
    late.view = { ...VIEW, height: 999 };
    late.connect();
    give(late, { type: 'question', n: 1, ...asked(1) });
    expect(late.serves).toHaveLength(1);
    const dear = new Pair({
      providerEnd: { policy: { ...PROVIDER_POLICY, paysForClose: () => true } },
    });
    expect(dear.connect().ask(10).at({ height: 990 }).closes).toHaveLength(1);
  });

  it('the asker’s own count', () => {
    const policy = {
      ...ASKER_POLICY,
      partFault: () => undefined,
      owed: (_: unknown, units: number) => BigInt(units),
    };
    const pair = new Pair({ askerEnd: { policy } });
    pair.fromProvider = (f) => (f.type === 'part' ? [{ ...f, units: 90_000 }] : [f]);
    pair.connect().ask(1000);
    expect(pair.asker.record.vouched).toBeGreaterThan(32n);
  });
});
