/** What transactions pay: by bytes and by leaves, ranked by what they bring for their room, proposed by what waits. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareRates, feeMin, FEES_FOR, proposedFees } from '../../src/chain/shared/fees.ts';
import type { SignedTx } from '../../src/core/formats.ts';
import { ACCOUNT_MIN, BODY_BYTES_MAX, CHANNEL_LIFETIME_MIN } from '../../src/core/params.ts';
import { txBytes, txId } from '../../src/core/tx/tx.ts';
import {
  close,
  GENESIS_ID,
  mine,
  openChain,
  person,
  prepay,
  sign,
  START_MS,
  transfer,
} from './make-blocks.ts';

const [ann, bob, cat] = [person(1), person(2), person(3)] as const;
const rich = async () => {
  const chain = await openChain(
    undefined,
    { ms: START_MS + 1_000_000 },
    { genesisTimeMs: async () => START_MS },
  );
  await mine(chain, ann, 6);
  return chain;
};
/** Refused for one nV less, with the least that is told, and taken for it. */
async function least(
  chain: Awaited<ReturnType<typeof rich>>,
  make: (fee: bigint) => SignedTx,
  fee: bigint,
): Promise<void> {
  expect(await chain.addTx(make(fee - 1n))).toMatchObject({
    fault: 'tx.fee-low',
    context: { least: fee },
  });
  expect(await chain.addTx(make(fee))).toBeUndefined();
}

describe('the least fee', () => {
  it('is 1000 nV for each started 256 bytes and for each leaf', () => {
    const all = [0, 1, 256, 257, 512, 513].map((bytes) => feeMin(bytes, 0));
    expect(all).toEqual([0n, 1000n, 1000n, 2000n, 2000n, 3000n]);
    expect(feeMin(162, 3)).toBe(4000n);
  });

  it('counts the leaves that a transaction makes on the head’s state', async () => {
    const chain = await rich();
    const pays = (nonce: number, to: typeof bob) => (fee: bigint) =>
      transfer(ann, nonce, to, 2n, fee);
    await least(chain, pays(0, ann), 1000n);
    await least(chain, pays(1, bob), 2000n);
    // Judged by the state after the head: the one before it makes the account only when it is in a block.
    await least(chain, pays(2, bob), 2000n);
    // Its own leaf, and the list of its height.
    await least(chain, (fee) => prepay(ann, 3, cat, { fee }), 3000n);
    await mine(chain, ann, 1);
    await least(chain, pays(4, bob), 1000n);
    const lifetime = CHANNEL_LIFETIME_MIN - 1 + 1;
    await least(chain, (fee) => prepay(ann, 5, cat, { fee, lifetime: lifetime + 1 }), 3000n);
    const id = txId(GENESIS_ID, prepay(ann, 3, cat, { fee: 3000n }).tx);
    const closes = (amount: bigint) => (fee: bigint) => close(cat, id, amount, { fee });
    // Its payee has no account; too little makes none.
    await least(chain, closes(ACCOUNT_MIN), 1000n);
    await least(chain, closes(2n * ACCOUNT_MIN), 2000n);
  });
});

/** Of Ann's, with a memo: it pays for its own bytes alone. */
const withMemo = (nonce: number, bytes: number, fee: bigint): SignedTx => {
  const fields = { type: 'transfer', to: ann.address, amount: 1n, memo: new Uint8Array(bytes) };
  return sign(ann, nonce, fields, fee);
};

describe('the rank', () => {
  it('is the fee for the bytes: of two fees the larger may rank lower', async () => {
    const chain = await rich();
    await mine(chain, bob, 1);
    await mine(chain, ann, 4);
    const long = withMemo(0, 64, 11_000n);
    const { nonce } = chain.account(bob.address)!;
    const short = transfer(bob, nonce, ann, 1n, 10_000n);
    for (const tx of [long, short]) expect(await chain.addTx(tx)).toBeUndefined();
    expect(chain.mempool.byFee()).toEqual([short, long]);
  });

  it('is exact: as quotients of whole numbers compare', () => {
    const rate = fc.record({
      fee: fc.bigInt(0n, 1n << 64n),
      bytes: fc.integer({ min: 1, max: 300 }),
    });
    fc.assert(
      fc.property(rate, rate, (a, b) => {
        // Over a common denominator of all sizes there are.
        const scaled = ({ fee, bytes }: typeof a) =>
          (fee * BigInt(a.bytes * b.bytes)) / BigInt(bytes);
        const [one, other] = [scaled(a), scaled(b)];
        expect(compareRates(a, b)).toBe(one < other ? -1 : one > other ? 1 : 0);
      }),
    );
    // One apart in 2^64: no rounded quotient tells them.
    const close = { fee: (1n << 64n) - 1n, bytes: 226 };
    expect(compareRates(close, { ...close, fee: 1n << 64n })).toBe(-1);
  });
});

describe('what is proposed', () => {
  const each = transfer(ann, 0, bob, 1n, 0n);
  const size = txBytes(each).length;
  const waiting = (bytes: number, fee: bigint): SignedTx[] =>
    new Array<SignedTx>(Math.ceil(bytes / size)).fill({ ...each, tx: { ...each.tx, fee } });
  const wanted = FEES_FOR.transfer;

  it('is the least while blocks have room, of each kind', () => {
    expect(proposedFees([], wanted)).toEqual({ slow: 2000n, normal: 2000n, fast: 2000n });
    expect(proposedFees([], FEES_FOR.channel).normal).toBe(3000n);
    expect(proposedFees(waiting(BODY_BYTES_MAX / 2, 10n ** 9n), wanted).fast).toBe(2000n);
  });

  it('is a tenth more for its bytes than the first that finds no room in one block, or in six', () => {
    const [dear, cheap] = [
      waiting(2 * BODY_BYTES_MAX, 50_000n),
      waiting(7 * BODY_BYTES_MAX, 9_000n),
    ];
    expect(proposedFees(dear, wanted)).toEqual({ slow: 2000n, normal: 2000n, fast: 55_001n });
    expect(proposedFees([...dear, ...cheap], wanted)).toEqual({
      slow: 2000n,
      normal: 9_901n,
      fast: 55_001n,
    });
  });

  it('pays no more for one that ranks by a poorer one before it', () => {
    const poor = waiting(size, 3_000n);
    const behind = [...poor, ...waiting(2 * BODY_BYTES_MAX, 10n ** 9n)];
    expect(proposedFees(behind, wanted).fast).toBe(3_301n);
  });

  it('has the sizes of what wallets and nodes send', () => {
    const sizes = [transfer(ann, 0, bob, 1n), prepay(ann, 0, bob), close(bob, GENESIS_ID, 5n)];
    expect(sizes.map((tx) => txBytes(tx).length)).toEqual([
      FEES_FOR.transfer.bytes,
      FEES_FOR.channel.bytes,
      FEES_FOR.close.bytes,
    ]);
  });
});
