import { describe, expect, test } from 'vitest';
import { addressOf } from '../../../src/core/address.ts';
import { isFault } from '../../../src/core/faults.ts';
import type { SignedTx, Tx } from '../../../src/core/formats.ts';
import { ACCOUNT_MIN } from '../../../src/core/params.ts';
import { stateKey } from '../../../src/core/tree/keys.ts';
import { kindOf, leafOfLine, partiesOf, TX_TYPES } from '../../../src/core/tx/kinds.ts';
import { isSamePlace, lineOf, spentBy, txId } from '../../../src/core/tx/tx.ts';
import { historyKindOf } from '../../../src/ui/wallet/history/kinds.ts';
import { summaryFromTx } from '../../../src/wallet/summary.ts';
import { GENESIS_ID, ALICE, BOB, bytes32, CAROL, channel, close, transfer } from '../fixtures.ts';
import { hexes, Ledger } from '../ledger.ts';

const ID = bytes32(7);

/** One of each kind, and what its row must say of it. */
const ROWS: { readonly [K in Tx['type']]: Row } = {
  transfer: {
    one: transfer(ALICE, { fee: 3n, amount: 4n }),
    spent: 7n,
    parties: [ALICE.address, BOB.address],
    isOpenToOthers: true,
  },
  channel: {
    one: channel(ALICE, { fee: 3n, limit: 9n }),
    spent: 12n,
    parties: [ALICE.address],
    isOpenToOthers: true,
  },
  close: {
    one: close(CAROL, { fee: 3n, channel: ID, amount: 9n }),
    // The channel pays, and says whom.
    spent: 0n,
    parties: [],
    isOpenToOthers: true,
  },
};

interface Row {
  readonly one: SignedTx;
  readonly spent: bigint;
  readonly parties: readonly Uint8Array[];
  readonly isOpenToOthers: boolean;
}

test.each(TX_TYPES)('the row of a %s', (type) => {
  const { one, ...row } = ROWS[type];
  const { tx } = one;
  const isOpenToOthers = kindOf(tx).isOpenToOthers(tx);
  expect({ spent: spentBy(tx), parties: partiesOf(tx), isOpenToOthers }).toEqual(row);
});

test('a transfer that makes an account is valid whatever its payee has', () => {
  const { tx } = transfer(ALICE, { amount: ACCOUNT_MIN });
  expect(kindOf(tx).isOpenToOthers(tx)).toBe(false);
});

test.each(TX_TYPES)('whom a %s credits, the vault shows', (type) => {
  const { tx } = ROWS[type].one;
  const { to } = summaryFromTx(tx);
  expect(hexes(to ? [to] : [])).toEqual(hexes(kindOf(tx).credits(tx)));
});

const PAID = TX_TYPES.filter((type) => lineOf(ROWS[type].one.tx).of === 'account');

test.each(PAID)('in the sender’s history a %s takes what it spends', (type) => {
  const { one } = ROWS[type];
  const line = historyKindOf(one.tx).line(one.tx, addressOf(one.tx.from));
  expect(line.amount).toBe(-spentBy(one.tx));
});

test('a close waits in the line of its channel, all else in that of its sender', () => {
  expect(TX_TYPES.filter((type) => !PAID.includes(type))).toEqual(['close']);
  const { tx } = ROWS.close.one;
  expect(lineOf(tx)).toEqual({ of: 'channel', id: ID });
  expect(leafOfLine(tx)).toEqual(stateKey.channel(ID));
  for (const type of PAID) {
    const paid = ROWS[type].one.tx;
    expect(leafOfLine(paid)).toEqual(stateKey.account(addressOf(paid.from)));
    expect(isSamePlace(paid, tx)).toBe(false);
  }
});

test('of two at one nonce of an account, and of two closes of a channel, one can be in the chain', () => {
  const [low, high] = [1n, 2n].map((amount) => close(CAROL, { channel: ID, amount, fee: 0n }).tx);
  expect(isSamePlace(low!, high!)).toBe(true);
  expect(isSamePlace(low!, close(CAROL, { channel: bytes32(8), amount: 1n }).tx)).toBe(false);
  const [first, next] = [0, 1].map((nonce) => transfer(ALICE, { nonce }).tx);
  expect(isSamePlace(first!, channel(ALICE).tx)).toBe(true);
  expect(isSamePlace(first!, next!)).toBe(false);
  expect(isSamePlace(first!, transfer(BOB).tx)).toBe(false);
  // An account's key may be a channel's id by its bytes.
  expect(isSamePlace({ ...first!, from: ID }, low!)).toBe(false);
});

describe('executed in a block', () => {
  const gift = (nonce: number, to: typeof BOB) =>
    transfer(ALICE, { nonce, to: to.address, amount: ACCOUNT_MIN });
  const ledger = Ledger.rich(ALICE, 2);
  ledger.add([gift(0, BOB), gift(1, CAROL)]);
  const opening = channel(ALICE, { nonce: 2n, payee: BOB.address });
  const prepaid = txId(GENESIS_ID, opening.tx);
  ledger.add([opening]);

  const next: { readonly [K in Tx['type']]: SignedTx } = {
    transfer: transfer(ALICE, { nonce: 3n, to: CAROL.address }),
    channel: channel(ALICE, { nonce: 3n }),
    close: close(CAROL, { channel: prepaid, amount: 1000n }),
  };

  test.each(TX_TYPES)('a %s reads what its row says, and moves as much', (type) => {
    const signed = next[type];
    const { tx } = signed;
    const [plain, done] = [ledger.preview([]), ledger.preview([signed])];
    if (isFault(plain) || isFault(done)) throw new Error('both blocks are valid');

    const from = addressOf(tx.from);
    const prospect = { height: ledger.height + 1, tree: ledger.tree, genesis: GENESIS_ID };
    const reads = hexes([leafOfLine(tx), ...kindOf(tx).reads(tx, prospect)]);
    const touched = hexes(done.touched).filter((key) => !hexes(plain.touched).includes(key));
    expect(touched.filter((key) => !reads.includes(key))).toEqual([]);
    expect(reads.filter((key) => !touched.includes(key))).toEqual([]);

    const people = [ALICE, BOB, CAROL];
    const before = people.map((who) => ledger.balance(who));
    ledger.add([signed]);
    const after = people.map((who) => ledger.balance(who));
    // It is the last one in the history of its parties, and in nobody else's.
    const noted = people.filter(
      ({ address }) => ledger.account(address)?.lastTx.height === ledger.height,
    );
    // Bob provides the answer that Alice prepaid with Carol's key.
    const parties = type === 'close' ? [ALICE.address, BOB.address] : partiesOf(tx);
    expect(hexes(noted.map(({ address }) => address)).sort()).toEqual(hexes(parties).sort());
    expect(hexes(done.parties.map(({ address }) => address)).sort()).toEqual(hexes(parties).sort());
    ledger.undo();
    for (const [i, who] of people.entries()) {
      const loses = hexes([who.address])[0] === hexes([from])[0] ? spentBy(tx) : 0n;
      expect(after[i]! - before[i]!).toBe(gainOf(tx, who) - loses);
    }
  });

  const gainOf = (tx: Tx, who: typeof BOB): bigint => {
    if (tx.type === 'transfer') return who === CAROL ? tx.amount : 0n;
    if (tx.type !== 'close' || who === CAROL) return 0n;
    return who === BOB ? tx.amount - tx.fee : ACCOUNT_MIN - tx.amount;
  };
});
