/**
 * The mempool against a naive one, which sorts and executes everything anew at each step: the same
 * transactions after the same additions, removals, heads and reorganisations, with room for a few only.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Mempool,
  poolBase,
  SENDER_TXS_MAX,
  type HeadChange,
  type PoolBase,
} from '../../src/chain/shared/mempool.ts';
import { VerifiedSignatures } from '../../src/chain/shared/verified-signatures.ts';
import { addressOf } from '../../src/core/address.ts';
import { decode, encode } from '../../src/core/codec.ts';
import { Account, type SignedTx } from '../../src/core/formats.ts';
import { hash } from '../../src/core/hash.ts';
import { executeTx } from '../../src/core/state.ts';
import { stateKey } from '../../src/core/tree/keys.ts';
import { treeOf } from '../../src/core/tree/tree-parts.ts';
import { treeGet } from '../../src/core/tree/tree.ts';
import { emptyBlock } from '../../src/core/tx/state-tx.ts';
import { txBytes, txId } from '../../src/core/tx/tx.ts';
import { compare, toHex } from '../../src/lib/bytes.ts';
import { GENESIS_ID, CONTEXT, PARAMS } from './make-blocks.ts';

const KEYS = [0, 1, 2, 3, 4].map((i) => hash('seed', Uint8Array.of(i)));
const LIMITS = { txs: 6, bytes: 1000 };
const SIGNATURE = new Uint8Array(64);

interface Wish {
  readonly from: number;
  readonly nonce: number | bigint;
  readonly fee: number;
  readonly memo: number;
}
const txOf = ({ from, nonce, fee, memo }: Wish): SignedTx => ({
  tx: {
    type: 'transfer',
    chainId: PARAMS.chainId,
    from: KEYS[from]!,
    nonce: BigInt(nonce),
    expiry: 1000,
    fee: 1_000n + 100n * BigInt(fee),
    to: addressOf(KEYS[0]!),
    amount: 5n,
    memo: new Uint8Array(memo),
  },
  signature: SIGNATURE,
});
const idOf = ({ tx }: SignedTx): string => toHex(txId(GENESIS_ID, tx));

/** A state in which each key has used that many nonces. */
function baseOf(nonces: readonly number[]): PoolBase {
  const leaves = nonces.map((nonce, i) => {
    const lastTx = { height: 0, index: 0 };
    const value = encode(Account, {
      balance: 10n ** 12n,
      nonce: BigInt(nonce),
      txCount: nonce,
      lastTx,
    });
    return { key: stateKey.account(addressOf(KEYS[i]!)), value };
  });
  const tree = treeOf(leaves.sort((a, b) => compare(a.key, b.key)));
  return poolBase(PARAMS, CONTEXT, tree, { height: 10 });
}

/** Whether every one of a sender's is valid after those before it; those that are. */
function executed(base: PoolBase, txs: readonly SignedTx[]): SignedTx[] {
  const context = { ...base.context, signatureKnown: () => true };
  const block = emptyBlock(base.tree, { ...base, context });
  return txs.filter((signed) => !executeTx(block, signed));
}

/** Senders in order of coming, with their transactions in order of nonce. */
type Lines = readonly (readonly SignedTx[])[];

/** Of all sizes here, so that what a transaction brings for its bytes is a whole number. */
const SIZES = [0, 1, 60, 64].map((memo) =>
  BigInt(txBytes(txOf({ from: 0, nonce: 0, fee: 0, memo })).length),
);
const rateOf = (signed: SignedTx): bigint =>
  (signed.tx.fee * SIZES.reduce((product, size) => product * size)) /
  BigInt(txBytes(signed).length);

const rankOf = (line: readonly SignedTx[], at: number): bigint =>
  line
    .slice(0, at + 1)
    .map(rateOf)
    .reduce((least, rate) => (rate < least ? rate : least));

/** All, best first: of equals who came first, of one sender the lowest nonce. */
const ranking = (lines: Lines): { line: number; signed: SignedTx; rank: bigint }[] =>
  lines
    .flatMap((txs, line) => txs.map((signed, at) => ({ line, at, signed, rank: rankOf(txs, at) })))
    .sort((a, b) => Number(b.rank - a.rank) || a.line - b.line || a.at - b.at);

const isOver = (lines: Lines): boolean => {
  const all = lines.flat();
  const bytes = all.reduce((sum, signed) => sum + txBytes(signed).length, 0);
  return all.length > LIMITS.txs || bytes > LIMITS.bytes;
};

class NaivePool {
  lines: Lines = [];
  base = baseOf([0, 0, 0, 0, 0]);

  byFee(): string[] {
    return ranking(this.lines).map(({ signed }) => idOf(signed));
  }

  nextNonce(from: Uint8Array): bigint {
    const address = stateKey.account(addressOf(from));
    const line = this.lines.find(([first]) => compare(first!.tx.from, from) === 0) ?? [];
    return decode(Account, treeGet(this.base.tree, address)!).nonce + BigInt(line.length);
  }

  add(signed: SignedTx): void {
    const { from, nonce, fee } = signed.tx;
    const known = this.lines.findIndex((line) => compare(line[0]!.tx.from, from) === 0);
    const own = known < 0 ? this.lines.length : known;
    const before = this.lines[own] ?? [];
    const at = before.findIndex(({ tx }) => tx.nonce === nonce);
    if (at < 0 && before.length >= SENDER_TXS_MAX) return;

    const next = at < 0 ? [...before, signed] : before.with(at, signed);
    const kept = executed(this.base, next);
    if (!kept.includes(signed)) return;
    const fallen = before.filter((other, i) => i !== at && !kept.includes(other));
    const lost = fallen.reduce((sum, { tx }) => sum + tx.fee, 0n);
    if (at >= 0 && (fee - lost) * 100n < before[at]!.tx.fee * 110n) return;
    const lines = this.lines.toSpliced(own, 1, kept);
    this.lines = madeRoom(lines, own) ?? this.lines;
  }

  remove(id: string): void {
    this.lines = this.lines
      .map((line) => {
        const at = line.findIndex((signed) => idOf(signed) === id);
        return at < 0 ? line : line.slice(0, at);
      })
      .filter((line) => line.length > 0);
  }

  setBase(base: PoolBase, { reverted, confirmed }: HeadChange): void {
    this.base = base;
    const back = Map.groupBy(reverted, ({ tx }) => toHex(tx.from));
    const waiting = new Map(this.lines.map((line) => [toHex(line[0]!.tx.from), line]));
    let lines = [...new Set([...waiting.keys(), ...back.keys()])].map((key) => {
      const first = back.get(key) ?? [];
      const others = (waiting.get(key) ?? []).filter(
        (w) => !first.some(({ tx }) => tx.nonce === w.tx.nonce) && !confirmed.has(idOf(w)),
      );
      return [...first, ...others].sort((a, b) => Number(a.tx.nonce - b.tx.nonce));
    });
    if (reverted.length) lines = lines.map((line) => line.slice(0, SENDER_TXS_MAX));
    while (isOver(lines)) {
      const { line } = ranking(lines).at(-1)!;
      lines = lines.with(line, lines[line]!.slice(0, -1));
    }
    this.lines = lines.map((line) => executed(base, line)).filter((line) => line.length > 0);
  }
}

/** With others' last ones left out until all fits; undefined when one of them ranks as high as the newest. */
function madeRoom(lines: Lines, own: number): Lines | undefined {
  const rank = rankOf(lines[own]!, lines[own]!.length - 1);
  let left = lines;
  while (isOver(left)) {
    const last = ranking(left).findLast(({ line }) => line !== own);
    if (!last || last.rank >= rank) return undefined;
    left = left.with(last.line, left[last.line]!.slice(0, -1));
  }
  return left.filter((line) => line.length > 0);
}

const wish = fc.record({
  from: fc.nat(4),
  nonce: fc.nat(4),
  fee: fc.nat(5),
  memo: fc.constantFrom(0, 1, 60),
});
const operation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant('add' as const), wish, isNext: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('remove' as const), at: fc.nat(9) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('head' as const),
      nonces: fc.array(fc.nat(3), { minLength: 5, maxLength: 5 }),
      reverted: fc.uniqueArray(wish, {
        maxLength: 14,
        selector: ({ from, nonce }) => `${from} ${nonce}`,
      }),
    }),
  },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

describe('a mempool', () => {
  it('holds what a naive one holds, in the same order, and never more than there is room for', () => {
    const run = (operations: readonly Operation[]): void => {
      const verified = new VerifiedSignatures(GENESIS_ID);
      const [pool, naive] = [new Mempool(verified, LIMITS), new NaivePool()];
      pool.setBase(naive.base);
      for (const op of operations) {
        if (op.type === 'add') {
          const { from } = op.wish;
          const nonce = op.isNext ? naive.nextNonce(KEYS[from]!) : op.wish.nonce;
          const signed = txOf({ ...op.wish, nonce });
          verified.add(signed);
          pool.add(signed);
          naive.add(signed);
        } else if (op.type === 'remove') {
          const id = naive.byFee()[op.at] ?? '';
          pool.remove(id);
          naive.remove(id);
        } else {
          const reverted = op.reverted.map(txOf);
          const changed = new Set(KEYS.map((key) => toHex(stateKey.account(addressOf(key)))));
          const change = { reverted, confirmed: new Set<string>(), changed };
          const base = baseOf(op.nonces);
          pool.setBase(base, change);
          naive.setBase(base, change);
        }
        expect(pool.byFee().map(idOf)).toEqual(naive.byFee());
        expect(pool.size).toBeLessThanOrEqual(LIMITS.txs);
        expect(pool.bytes).toBeLessThanOrEqual(LIMITS.bytes);
        const bytes = pool.byFee().reduce((sum, signed) => sum + txBytes(signed).length, 0);
        expect(pool.bytes).toBe(bytes);
      }
    };
    fc.assert(fc.property(fc.array(operation, { minLength: 10, maxLength: 40 }), run), {
      numRuns: 150,
      seed: 7,
    });
  });

  it('drops nobody for a transaction that finds no room all the same', () => {
    const verified = new VerifiedSignatures(GENESIS_ID);
    const [poor, rich, long] = [
      { from: 0, nonce: 0, fee: 1, memo: 0 },
      { from: 1, nonce: 0, fee: 5, memo: 0 },
      { from: 2, nonce: 0, fee: 3, memo: 64 },
    ].map(txOf);
    const all = [poor!, rich!, long!];
    for (const signed of all) verified.add(signed);
    const sizes = all.map((signed) => txBytes(signed).length);
    const pool = new Mempool(verified, { txs: 3, bytes: sizes[0]! + sizes[1]! });
    pool.setBase(baseOf([0, 0, 0, 0, 0]));
    expect(pool.add(poor!)).toBeUndefined();
    expect(pool.add(rich!)).toBeUndefined();
    expect(pool.add(long!)).toMatchObject({ fault: 'tx.pool-full' });
    expect(pool.byFee().map(idOf)).toEqual([rich!, poor!].map(idOf));
  });
});
