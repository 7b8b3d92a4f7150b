import { describe, expect, test } from 'vitest';
import { addressOf } from '../../../src/core/address.ts';
import { isFault } from '../../../src/core/faults.ts';
import type { SignedTx, Tx } from '../../../src/core/formats.ts';
import { stateKey } from '../../../src/core/tree/keys.ts';
import { kindOf, KINDS, partiesOf, TX_TYPES } from '../../../src/core/tx/kinds.ts';
import { spentBy, txId } from '../../../src/core/tx/tx.ts';
import { historyLine } from '../../../src/ui/wallet/history/activity.ts';
import { summaryFromTx } from '../../../src/wallet/summary.ts';
import { ALICE, BOB, bytes32, CAROL, claim, request, result, transfer } from '../fixtures.ts';
import { ANSWER, commitment, hexes, Ledger } from '../ledger.ts';

const ID = bytes32(7);

/** One of each kind, and what its row must say of it. */
const ROWS: { readonly [K in Tx['type']]: Row } = {
  transfer: {
    one: transfer(ALICE, { fee: 3n, amount: 4n }),
    perBlock: 1000,
    spent: 7n,
    parties: [ALICE.address, BOB.address],
    requestOf: undefined,
    runOf: undefined,
    burns: 0n,
    isOpenToOthers: false,
    isPrepaid: false,
  },
  request: {
    one: request(ALICE, { fee: 3n, reward: 9n }),
    perBlock: 64,
    spent: 12n,
    parties: [ALICE.address],
    requestOf: txId(request(ALICE, { fee: 3n, reward: 9n }).tx),
    runOf: undefined,
    burns: 0n,
    isOpenToOthers: true,
    isPrepaid: false,
  },
  claim: {
    one: claim(BOB, { fee: 3n, request: ID }),
    perBlock: 64,
    spent: 3n,
    parties: [BOB.address],
    requestOf: ID,
    runOf: undefined,
    burns: 0n,
    isOpenToOthers: true,
    isPrepaid: false,
  },
  result: {
    one: result(BOB, { fee: 3n, request: ID }),
    perBlock: 16,
    spent: 3n,
    parties: [BOB.address],
    requestOf: ID,
    runOf: ID,
    burns: 0n,
    isOpenToOthers: true,
    isPrepaid: true,
  },
};

interface Row {
  readonly one: SignedTx;
  readonly perBlock: number;
  readonly spent: bigint;
  readonly burns: bigint;
  readonly parties: readonly Uint8Array[];
  readonly requestOf: Uint8Array | undefined;
  readonly runOf: Uint8Array | undefined;
  readonly isOpenToOthers: boolean;
  readonly isPrepaid: boolean;
}

test.each(TX_TYPES)('the row of a %s', (type) => {
  const { one, ...row } = ROWS[type];
  const { tx } = one;
  const { perBlock, isOpenToOthers, isPrepaid } = KINDS[type];
  const kind = kindOf(tx);
  expect({
    perBlock,
    spent: spentBy(tx),
    burns: kind.burns(tx),
    parties: partiesOf(tx),
    requestOf: kind.requestOf(tx),
    runOf: kind.runOf(tx),
    isOpenToOthers,
    isPrepaid,
  }).toEqual(row);
  expect(kind.burns(tx)).toBeLessThanOrEqual(spentBy(tx) - tx.fee);
});

test.each(TX_TYPES)('whom a %s credits, the vault shows', (type) => {
  const { tx } = ROWS[type].one;
  const { to } = summaryFromTx(tx);
  expect(hexes(to ? [to] : [])).toEqual(hexes(kindOf(tx).credits(tx)));
});

test.each(TX_TYPES)('in the sender’s history a %s takes what it spends', (type) => {
  const { one } = ROWS[type];
  const entry = { position: { height: 1, index: 0 }, tx: one };
  expect(historyLine(entry, addressOf(one.tx.from)).amount).toBe(-spentBy(one.tx));
});

test('only a result waits for another: the claim of its request', () => {
  for (const later of TX_TYPES)
    for (const earlier of TX_TYPES) {
      const [{ tx }, { tx: before }] = [ROWS[later].one, ROWS[earlier].one];
      const needs = later === 'result' && earlier === 'claim';
      expect(kindOf(tx).needsBefore(tx, before)).toBe(needs);
    }
  const { tx } = ROWS.result.one;
  expect(kindOf(tx).needsBefore(tx, claim(BOB, { request: bytes32(8) }).tx)).toBe(false);
});

describe('executed in a block', () => {
  const gift = (nonce: number, to: typeof BOB) =>
    transfer(ALICE, { nonce, to: to.address, amount: 1000n });
  const ledger = Ledger.rich(ALICE, 2);
  const ask = request(ALICE, { nonce: 2 });
  const id = txId(ask.tx);
  ledger.add([gift(0, BOB), gift(1, CAROL), ask]);
  ledger.add([claim(BOB, { request: id, commitment: commitment(id, BOB) })]);

  const next: { readonly [K in Tx['type']]: SignedTx } = {
    transfer: transfer(ALICE, { nonce: 3, to: CAROL.address }),
    request: request(ALICE, { nonce: 3 }),
    claim: claim(CAROL, { request: id, commitment: commitment(id, CAROL) }),
    result: result(BOB, { nonce: 1, request: id, answer: ANSWER }),
  };

  test.each(TX_TYPES)('a %s reads what its row says, and moves as much', (type) => {
    const signed = next[type];
    const { tx } = signed;
    const from = partiesOf(tx)[0]!;
    const [plain, done] = [ledger.preview([]), ledger.preview([signed])];
    if (isFault(plain) || isFault(done)) throw new Error('both blocks are valid');

    const reads = hexes([
      stateKey.account(from),
      ...kindOf(tx).reads(tx, from, ledger.height + 1),
      // What it makes under its own id cannot be there before.
      ...(type === 'request' ? [stateKey.request(txId(tx))] : []),
    ]);
    const touched = hexes(done.touched).filter((key) => !hexes(plain.touched).includes(key));
    expect(touched.filter((key) => !reads.includes(key))).toEqual([]);
    const late = hexes([stateKey.settle(ledger.height + 2 + 6)]);
    expect(reads.filter((key) => !touched.includes(key) && !late.includes(key))).toEqual([]);

    const before = [ALICE, BOB, CAROL].map((who) => ledger.balance(who));
    ledger.add([signed]);
    const after = [ALICE, BOB, CAROL].map((who) => ledger.balance(who));
    // It is the last one in the history of its parties, and in nobody else's.
    const noted = [ALICE, BOB, CAROL].filter(
      ({ address }) => ledger.account(address)?.lastTx.height === ledger.height,
    );
    expect(hexes(noted.map(({ address }) => address)).sort()).toEqual(hexes(partiesOf(tx)).sort());
    ledger.undo();
    for (const [i, who] of [ALICE, BOB, CAROL].entries()) {
      const loses = hexes([who.address])[0] === hexes([from])[0] ? spentBy(tx) : 0n;
      const gains = tx.type === 'transfer' && who === CAROL ? tx.amount : 0n;
      expect(after[i]! - before[i]!).toBe(gains - loses);
    }
  });
});
