import { describe, expect, test } from 'vitest';
import { bodyOf } from '../../src/core/tx/body.ts';
import { decode, encode } from '../../src/core/codec.ts';
import { isFault, type FaultCode } from '../../src/core/faults.ts';
import { Account, Coinbase } from '../../src/core/formats.ts';
import { stateKey } from '../../src/core/tree/keys.ts';
import { ACCOUNT_MIN, HALVING_BLOCKS, NANOVOLTS, SUBSIDY } from '../../src/core/params.ts';
import { executeBlock, executeTx, beginBlock, subsidyAt } from '../../src/core/state.ts';
import {
  EMPTY_TREE,
  proveKeys,
  treeFromProof,
  treeGet,
  treeSet,
} from '../../src/core/tree/tree.ts';
import {
  ALICE,
  BOB,
  BORN,
  bytes32,
  CAROL,
  channel,
  close,
  GENESIS_ID,
  paramsOf,
  transfer,
} from './fixtures.ts';
import { txId } from '../../src/core/tx/tx.ts';
import { CONTEXT, Ledger } from './ledger.ts';

const U64_MAX = (1n << 64n) - 1n;

describe('coinbase', () => {
  test('matures after M blocks and not before; genesis pays nobody', () => {
    const ledger = new Ledger();
    const { maturityBlocks } = ledger.params;
    ledger.skip(maturityBlocks, { miner: ALICE.address });
    expect(ledger.balance(ALICE)).toBe(0n);
    ledger.skip(1);
    expect(ledger.balance(ALICE)).toBe(SUBSIDY);
    expect(ledger.account(ALICE.address)).toMatchObject({ nonce: BORN, txCount: 0 });
    expect(treeGet(ledger.tree, stateKey.coinbase(1))).toBeUndefined();
    const second = decode(Coinbase, treeGet(ledger.tree, stateKey.coinbase(2))!);
    expect(second).toEqual({ miner: ALICE.address, amount: SUBSIDY, shares: [] });
  });

  test('holds subsidy and fees', () => {
    const ledger = Ledger.rich(ALICE);
    const body = [transfer(ALICE, { fee: 7n }), transfer(ALICE, { fee: 8n, nonce: 1n })];
    expect(ledger.add(body).fees).toBe(15n);
    const value = treeGet(ledger.tree, stateKey.coinbase(ledger.height))!;
    expect(decode(Coinbase, value).amount).toBe(SUBSIDY + 15n);
  });

  test('halves every 2,102,400 blocks, and ends', () => {
    expect(subsidyAt(0)).toBe(0n);
    expect(subsidyAt(1)).toBe(50n * NANOVOLTS);
    expect(subsidyAt(HALVING_BLOCKS)).toBe(50n * NANOVOLTS);
    expect(subsidyAt(HALVING_BLOCKS + 1)).toBe(25n * NANOVOLTS);
    expect(subsidyAt(36 * HALVING_BLOCKS + 1)).toBe(0n);
    expect(subsidyAt(0xffffffff)).toBe(0n);
  });

  test('a genesis changes nothing', () => {
    const ledger = new Ledger();
    const out = executeBlock(
      EMPTY_TREE,
      ledger.header([], { height: 0 }),
      bodyOf(),
      ledger.params,
      CONTEXT,
    );
    expect(out).toMatchObject({ tree: EMPTY_TREE, changes: [], fees: 0n });
  });
});

describe('accounts', () => {
  test('a transfer moves the amount and links both histories', () => {
    const ledger = Ledger.rich(ALICE);
    ledger.add([transfer(ALICE), transfer(ALICE, { nonce: 1n, to: CAROL.address })]);
    const { height } = ledger;
    expect(ledger.account(ALICE.address)).toEqual({
      balance: SUBSIDY - 2n * ACCOUNT_MIN - 20n,
      nonce: BORN + 2n,
      txCount: 2,
      lastTx: { height, index: 1 },
    });
    expect(ledger.account(BOB.address)).toEqual({
      balance: ACCOUNT_MIN,
      nonce: BigInt(height) << 32n,
      txCount: 1,
      lastTx: { height, index: 0 },
    });
  });

  test('a transfer to oneself costs the fee and counts once', () => {
    const ledger = Ledger.rich(ALICE);
    ledger.add([transfer(ALICE, { to: ALICE.address })]);
    expect(ledger.account(ALICE.address)).toMatchObject({
      balance: SUBSIDY - 10n,
      nonce: BORN + 1n,
      txCount: 1,
    });
  });

  test('an emptied account has no leaf; a new one has other nonces', () => {
    const ledger = Ledger.rich(ALICE);
    const all = transfer(ALICE, { amount: SUBSIDY - 10n });
    const again = transfer(ALICE, { nonce: 1n });
    ledger.add([all]);
    expect(ledger.account(ALICE.address)).toBeUndefined();
    const back = transfer(BOB, {
      to: ALICE.address,
      nonce: ledger.account(BOB.address)!.nonce,
      amount: NANOVOLTS,
    });
    ledger.add([back]);
    const born = ledger.account(ALICE.address)!.nonce;
    expect(born).toBe(BigInt(ledger.height) << 32n);
    // What she signed before is worth nothing now, in whatever order it comes.
    for (const old of [all, again]) expect(ledger.fault([old])).toBe('tx.nonce');
    expect(ledger.fault([transfer(ALICE, { nonce: born })])).toBeUndefined();
  });
});

describe('the least balance', () => {
  const least = ACCOUNT_MIN;
  /** Bob has an account too, with twice the least balance. */
  function two(off: FaultCode[] = []): { ledger: Ledger; bob: bigint } {
    const ledger = Ledger.rich(ALICE, 1, paramsOf('local', off));
    ledger.add([transfer(ALICE, { amount: 2n * least })]);
    return { ledger, bob: ledger.account(BOB.address)!.nonce };
  }
  const supply = (ledger: Ledger): bigint => ledger.coins() + ledger.burned;

  test('is what a transfer makes an account of at least; one that stands takes any', () => {
    const { ledger } = two();
    const to = CAROL.address;
    const dust = transfer(ALICE, { nonce: 1n, to, amount: least - 1n });
    expect(ledger.fault([dust])).toBe('tx.dust');
    expect(ledger.fault([transfer(ALICE, { nonce: 1n, to, amount: least })])).toBeUndefined();
    expect(ledger.fault([transfer(ALICE, { nonce: 1n, amount: 1n })])).toBeUndefined();
    const made = two(['tx.dust']).ledger;
    expect(made.fault([dust])).toBeUndefined();
  });

  test('who is left with less loses it to the fees, after the last transaction', () => {
    const { ledger, bob } = two();
    const spend = (amount: bigint, nonce = bob) =>
      transfer(BOB, { nonce, to: ALICE.address, amount });
    // One nV below, and at the bound.
    const before = supply(ledger);
    expect(ledger.preview([spend(least - 10n)])).toMatchObject({ fees: 10n });
    const done = ledger.add([spend(least - 9n)]);
    expect(done.fees).toBe(10n + least - 1n);
    expect(ledger.account(BOB.address)).toBeUndefined();
    expect(supply(ledger)).toBe(before + SUBSIDY);
  });

  test('the order of a block makes no difference to what is left', () => {
    const { ledger, bob } = two();
    const all = transfer(BOB, { nonce: bob, to: ALICE.address, amount: 2n * least - 10n });
    const gift = transfer(ALICE, { nonce: 1n, amount: least });
    const few = transfer(ALICE, { nonce: 1n, amount: 1n });
    for (const body of [
      [all, gift],
      [gift, all],
    ]) {
      const done = ledger.preview(body);
      if (isFault(done)) throw new Error(done.fault);
      expect(done.fees).toBe(20n);
      ledger.add(body);
      expect(ledger.balance(BOB)).toBe(least);
      ledger.undo();
    }
    ledger.add([few, all]);
    expect(ledger.account(BOB.address)).toBeUndefined();
  });

  test('what comes back or is paid out burns where it is too little for a new account', () => {
    const ledger = Ledger.rich(ALICE);
    // All of hers is in the channel, so that what comes back makes an account or burns.
    const opening = channel(ALICE, { limit: SUBSIDY - 10n });
    ledger.add([opening]);
    expect(ledger.account(ALICE.address)).toBeUndefined();
    const id = txId(GENESIS_ID, opening.tx);
    const before = supply(ledger);
    const closed = (amount: bigint) => {
      const done = ledger.add([close(CAROL, { channel: id, amount })]);
      const held = [ledger.balance(CAROL), ledger.balance(ALICE)];
      expect(supply(ledger)).toBe(before + SUBSIDY);
      const { burned, parties } = done;
      ledger.undo();
      return { burned, held, parties: parties.length };
    };
    const limit = SUBSIDY - 10n;
    expect(closed(least + 10n)).toEqual({
      burned: 0n,
      held: [least, limit - least - 10n],
      parties: 2,
    });
    expect(closed(least + 9n)).toEqual({
      burned: least - 1n,
      held: [0n, limit - least - 9n],
      parties: 1,
    });
    expect(closed(limit - least + 1n)).toEqual({
      burned: least - 1n,
      held: [limit - least - 9n, 0n],
      parties: 1,
    });
  });

  test('a coinbase that is too little makes no account', () => {
    const poor = (amount: bigint): Ledger => {
      const ledger = new Ledger();
      ledger.skip(ledger.params.maturityBlocks);
      const coinbase = { miner: CAROL.address, amount, shares: [] };
      ledger.tree = treeSet(ledger.tree, stateKey.coinbase(1), encode(Coinbase, coinbase));
      return ledger;
    };
    const [less, enough] = [poor(least - 1n), poor(least)];
    expect(less.add().burned).toBe(least - 1n);
    expect(enough.add().burned).toBe(0n);
    expect([less, enough].map((ledger) => ledger.balance(CAROL))).toEqual([0n, least]);
  });
});

describe('rules of transactions', () => {
  const withOff = (code: FaultCode) => paramsOf('local', [code]);

  test.each<[FaultCode, ReturnType<typeof transfer>]>([
    ['tx.chain', transfer(ALICE, { chainId: 1 })],
    ['tx.expired', transfer(ALICE, { expiry: 1 })],
    ['tx.nonce', transfer(ALICE, { nonce: 1n })],
    ['tx.balance', transfer(ALICE, { amount: SUBSIDY - 9n })],
    ['tx.balance', transfer(ALICE, { fee: U64_MAX, amount: U64_MAX })],
    ['tx.signature', { ...transfer(ALICE), signature: new Uint8Array(64) }],
  ])('%s refuses, and with the rule off the block does not crash', (code, tx) => {
    expect(Ledger.rich(ALICE).fault([tx])).toBe(code);
    expect(Ledger.rich(ALICE, 1, withOff(code)).fault([tx])).not.toBe(code);
  });

  test('the whole balance can be spent', () => {
    expect(Ledger.rich(ALICE).fault([transfer(ALICE, { amount: SUBSIDY - 10n })])).toBeUndefined();
  });

  test('a transaction runs once', () => {
    const ledger = Ledger.rich(ALICE);
    ledger.add([transfer(ALICE)]);
    expect(ledger.fault([transfer(ALICE)])).toBe('tx.nonce');
  });

  test('a fault tells the index of its transaction', () => {
    const out = Ledger.rich(ALICE).preview([transfer(ALICE), transfer(ALICE)]);
    expect(out).toMatchObject({ fault: 'tx.nonce', index: 1 });
  });

  test('a balance, nonce or count past its range is refused', () => {
    const ledger = Ledger.rich(ALICE);
    const plain = ledger.tree;
    const give = (who: typeof BOB, fields: Partial<Account>) => {
      const lastTx = { height: 0, index: 0 };
      const account = { balance: U64_MAX / 2n, nonce: 0n, txCount: 0, lastTx, ...fields };
      ledger.tree = treeSet(plain, stateKey.account(who.address), encode(Account, account));
    };
    give(BOB, { balance: U64_MAX - 5n });
    expect(ledger.fault([transfer(ALICE, { amount: 5n })])).toBeUndefined();
    expect(ledger.fault([transfer(ALICE, { amount: 6n })])).toBe('tx.overflow');
    give(BOB, { txCount: 0xffffffff });
    expect(ledger.fault([transfer(ALICE)])).toBe('tx.overflow');
    give(ALICE, { nonce: U64_MAX });
    expect(ledger.fault([transfer(ALICE, { nonce: U64_MAX })])).toBe('tx.overflow');
    give(ALICE, { nonce: BORN, txCount: 0xffffffff });
    expect(ledger.fault([transfer(ALICE)])).toBe('tx.overflow');
  });

  test('coins made with the balance rule off stay inside 64 bits', () => {
    const ledger = Ledger.rich(
      BOB,
      1,
      paramsOf('local', ['tx.balance', 'tx.nonce', 'tx.overflow']),
    );
    const mint = transfer(ALICE, { nonce: 0n, amount: U64_MAX, fee: U64_MAX });
    ledger.add([mint], { miner: BOB.address });
    expect(ledger.balance(BOB)).toBe(U64_MAX);
    ledger.skip(ledger.params.maturityBlocks + 1);
    expect(ledger.balance(BOB)).toBe(U64_MAX);
  });
});

describe('partial trees and building', () => {
  test('a state root that is not the parent’s', () => {
    expect(new Ledger().fault([], { stateRoot: bytes32(1) })).toBe('header.state-root');
  });

  test('a witness that lacks a key is a fault, never an exception', () => {
    // More leaves than one path opens.
    const ledger = Ledger.rich(ALICE);
    ledger.add([0, 1, 2, 3, 4, 5, 6, 7].map((n) => transfer(ALICE, { nonce: n, to: bytes32(n) })));
    const body = [channel(ALICE, { nonce: 8n })];
    const header = ledger.header(body);
    const full = ledger.preview(body);
    if (isFault(full)) throw new Error(full.fault);
    let lacking = 0;
    for (const left of full.touched) {
      const rest = full.touched.filter((key) => key !== left);
      const tree = treeFromProof(proveKeys(ledger.tree, rest));
      if (isFault(tree)) throw new Error(tree.fault);
      const out = executeBlock(tree, header, bodyOf(body), ledger.params, CONTEXT);
      // A proof of the other keys may open the place of this one by chance.
      if (isFault(out)) expect(out.fault).toBe('state.witness');
      if (isFault(out)) lacking++;
    }
    expect(lacking).toBeGreaterThan(2);
  });

  test('a refused transaction leaves the block in the making as it was', () => {
    const ledger = Ledger.rich(BOB);
    const block = beginBlock(ledger.tree, ledger.height + 1, ledger.params, CONTEXT);
    if (isFault(block)) throw new Error(block.fault);
    const before = block.view.changes();
    const refused = [
      transfer(ALICE),
      transfer(BOB, { amount: SUBSIDY }),
      close(CAROL, { channel: bytes32(5), amount: 10n }),
      channel(BOB, { limit: 1n }),
    ];
    for (const tx of refused) expect(executeTx(block, tx)).toBeDefined();
    expect(block.view.changes()).toEqual(before);
    expect(block).toMatchObject({ count: 0, fees: 0n });
    expect(executeTx(block, channel(BOB))).toBeUndefined();
    expect(block).toMatchObject({ count: 1, fees: 10n });
  });

  test('a signature known from before is not asked for again', () => {
    const ledger = Ledger.rich(ALICE);
    const bad = { ...transfer(ALICE), signature: new Uint8Array(64) };
    const context = { ...CONTEXT, signatureKnown: () => true };
    const out = executeBlock(
      ledger.tree,
      ledger.header([bad]),
      bodyOf([bad]),
      ledger.params,
      context,
    );
    expect(isFault(out)).toBe(false);
  });
});
