import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ASK_CODES,
  ASKER_FRAME_BYTES_MAX,
  AskerFrame,
  PART_BYTES_MAX,
  PROVIDER_FRAME_BYTES_MAX,
  ProviderFrame,
} from '../../../src/core/ask-messages.ts';
import { costOf, stepCost, stepOf, unitsFor, type Price } from '../../../src/core/price.ts';
import { askHash, OPTIONS_BYTES_MAX, QUESTION_BYTES_MAX } from '../../../src/core/channel.ts';
import { encode, tryDecode } from '../../../src/core/codec.ts';
import { SignedTx, type Tx } from '../../../src/core/formats.ts';
import { equal } from '../../../src/lib/bytes.ts';

const bytes = (fill: number, size = 32) => new Uint8Array(size).fill(fill);
const BASE = { chainId: 3, from: bytes(1), nonce: 0n, expiry: 9, fee: 1n };
const question = (options: number, input: number): AskerFrame => ({
  type: 'question',
  n: 2 ** 32 - 1,
  model: bytes(1),
  price: { type: 'tokens', amount: 2n ** 64n - 1n },
  most: 2 ** 32 - 1,
  salt: bytes(2),
  options: bytes(3, options),
  input: bytes(4, input),
});

describe('frames of asking', () => {
  it('fit their bounds at the largest, and no further', () => {
    const largest = question(OPTIONS_BYTES_MAX, QUESTION_BYTES_MAX);
    const encoded = encode(AskerFrame, largest);
    expect(encoded.length).toBeLessThanOrEqual(ASKER_FRAME_BYTES_MAX);
    // Not toEqual, which compares a mebibyte entry by entry for seconds.
    expect(equal(encode(AskerFrame, tryDecode(AskerFrame, encoded)!), encoded)).toBe(true);
    expect(() => encode(AskerFrame, question(OPTIONS_BYTES_MAX + 1, 1))).toThrow('over');
    expect(() => encode(AskerFrame, question(1, QUESTION_BYTES_MAX + 1))).toThrow('over');
    const part = (size: number) => ({
      type: 'part' as const,
      n: 1,
      units: 1,
      bytes: bytes(1, size),
    });
    const full = encode(ProviderFrame, part(PART_BYTES_MAX));
    expect(full.length).toBeLessThanOrEqual(PROVIDER_FRAME_BYTES_MAX);
    expect(() => encode(ProviderFrame, part(PART_BYTES_MAX + 1))).toThrow('over');
  });

  it('carry every code of a refusal, and no other', () => {
    for (const code of ASK_CODES) {
      const frame = { type: 'refused' as const, code, least: 7n };
      expect(tryDecode(ProviderFrame, encode(ProviderFrame, frame))).toEqual(frame);
    }
    const after = encode(ProviderFrame, { type: 'refused', code: ASK_CODES.at(-1)!, least: 7n });
    after[1]!++;
    expect(tryDecode(ProviderFrame, after)).toBeUndefined();
  });

  it('open a stream with a channel’s opening, and with no other transaction', () => {
    const ends = { provider: bytes(2), payee: bytes(3), signer: bytes(4) };
    const channel: Tx = { ...BASE, type: 'channel', ...ends, limit: 5n, lifetime: 60 };
    const transfer: Tx = { ...BASE, type: 'transfer', to: bytes(2), amount: 5n, memo: bytes(0, 0) };
    const framed = (tx: Tx): Uint8Array =>
      Uint8Array.of(0, ...encode(SignedTx, { tx, signature: bytes(5, 64) }), ...bytes(6, 64));
    const opening = { tx: channel, signature: bytes(5, 64) };
    const open = { type: 'open', opening, signature: bytes(6, 64) };
    expect(tryDecode(AskerFrame, framed(channel))).toEqual(open);
    expect(tryDecode(AskerFrame, framed(transfer))).toBeUndefined();
  });

  it('are the only encoding of what any bytes decode to', () => {
    for (const codec of [AskerFrame, ProviderFrame])
      fc.assert(
        fc.property(fc.nat(5), fc.uint8Array({ maxLength: 300 }), (tag, rest) => {
          const data = Uint8Array.of(tag, ...rest);
          const frame = tryDecode<AskerFrame | ProviderFrame>(codec, data);
          if (frame) expect(encode(codec as never, frame as never)).toEqual(data);
        }),
      );
  });
});

describe('the signer’s proof', () => {
  it('is for one network, one channel and two peers in their places', () => {
    const peers = { asker: 'ab', provider: 'c' };
    const own = askHash(bytes(1), bytes(2), peers);
    expect(askHash(bytes(9), bytes(2), peers)).not.toEqual(own);
    expect(askHash(bytes(1), bytes(9), peers)).not.toEqual(own);
    for (const other of [
      { asker: 'x', provider: 'c' },
      { asker: 'ab', provider: 'x' },
      { asker: 'c', provider: 'ab' },
      { asker: 'a', provider: 'bc' },
    ])
      expect(askHash(bytes(1), bytes(2), other)).not.toEqual(own);
    expect(() => askHash(bytes(1), bytes(2), { asker: 'x'.repeat(129), provider: 'c' })).toThrow();
  });
});

describe('costs', () => {
  const price = fc.record({
    type: fc.constantFrom<Price['type']>('sequence', 'tokens'),
    amount: fc.bigInt(0n, 2n ** 40n),
  });
  const priced = fc.record({ price, read: fc.nat(4000) });

  it('are of a sequence, or of a thousand tokens and a quarter of those of the question, rounded up once', () => {
    const cost = (type: Price['type'], units: number, read = 0): bigint =>
      costOf({ price: { type, amount: 7n }, read }, units);
    expect(cost('sequence', 3)).toBe(21n);
    expect(cost('tokens', 0)).toBe(0n);
    expect(cost('tokens', 1)).toBe(1n);
    expect(cost('tokens', 2000)).toBe(14n);
    // Those of the input count a quarter each, once something is answered.
    expect(cost('tokens', 0, 8000)).toBe(0n);
    expect(cost('tokens', 1, 7996)).toBe(14n);
    expect(cost('tokens', 1, 7997)).toBe(15n);
    expect(stepOf({ type: 'sequence', amount: 1n })).toBe(1);
    expect(stepOf({ type: 'tokens', amount: 1n })).toBe(32);
  });

  it('grow by no more than a step’s in a step, and buy what they say', () => {
    fc.assert(
      fc.property(priced, fc.nat(10_000), fc.bigInt(0n, 2n ** 50n), (priced, units, amount) => {
        const grown = costOf(priced, units + stepOf(priced.price)) - costOf(priced, units);
        expect(grown).toBeLessThanOrEqual(stepCost(priced));
        const bought = unitsFor(priced, amount);
        expect(costOf(priced, bought)).toBeLessThanOrEqual(amount);
        const isAll = bought === 0xffff_ffff || !priced.price.amount;
        if (!isAll) expect(costOf(priced, bought + 1)).toBeGreaterThan(amount);
      }),
    );
  });
});
