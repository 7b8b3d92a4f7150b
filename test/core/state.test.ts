import { describe, expect, test } from 'vitest';
import { decode, encode } from '../../src/core/codec.ts';
import { isFault, type FaultCode } from '../../src/core/faults.ts';
import { Account, Coinbase } from '../../src/core/formats.ts';
import { stateKey } from '../../src/core/tree/keys.ts';
import { HALVING_BLOCKS, NANOVOLTS, SUBSIDY } from '../../src/core/params.ts';
import { executeBlock, executeTx, beginBlock, subsidyAt } from '../../src/core/state.ts';
import {
  EMPTY_TREE,
  proveKeys,
  treeFromProof,
  treeGet,
  treeSet,
} from '../../src/core/tree/tree.ts';
import { ALICE, BOB, bytes32, CAROL, channel, close, paramsOf, transfer } from './fixtures.ts';
import { CONTEXT, Ledger } from './ledger.ts';

const U64_MAX = (1n << 64n) - 1n;

describe('coinbase', () => {
  test('matures after M blocks and not before; genesis pays nobody', () => {
    const ledger = new Ledger();
    ledger.skip(3, { miner: ALICE.address });
    expect(ledger.balance(ALICE)).toBe(0n);
    ledger.skip(1);
    expect(ledger.balance(ALICE)).toBe(SUBSIDY);
    expect(ledger.account(ALICE.address)).toMatchObject({ nonce: 0, txCount: 0 });
    expect(treeGet(ledger.tree, stateKey.coinbase(1))).toBeUndefined();
    const second = decode(Coinbase, treeGet(ledger.tree, stateKey.coinbase(2))!);
    expect(second).toEqual({ miner: ALICE.address, amount: SUBSIDY });
  });

  test('holds subsidy and fees', () => {
    const ledger = Ledger.rich(ALICE);
    const body = [transfer(ALICE, { fee: 7n }), transfer(ALICE, { fee: 8n, nonce: 1 })];
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
      [],
      ledger.params,
      CONTEXT,
    );
    expect(out).toMatchObject({ tree: EMPTY_TREE, changes: [], fees: 0n });
  });
});

describe('accounts', () => {
  test('a transfer moves the amount and links both histories', () => {
    const ledger = Ledger.rich(ALICE);
    ledger.add([transfer(ALICE), transfer(ALICE, { nonce: 1, to: CAROL.address })]);
    const { height } = ledger;
    expect(ledger.account(ALICE.address)).toEqual({
      balance: SUBSIDY - 30n,
      nonce: 2,
      txCount: 2,
      lastTx: { height, index: 1 },
    });
    expect(ledger.account(BOB.address)).toEqual({
      balance: 5n,
      nonce: 0,
      txCount: 1,
      lastTx: { height, index: 0 },
    });
  });

  test('a transfer to oneself costs the fee and counts once', () => {
    const ledger = Ledger.rich(ALICE);
    ledger.add([transfer(ALICE, { to: ALICE.address })]);
    expect(ledger.account(ALICE.address)).toMatchObject({
      balance: SUBSIDY - 10n,
      nonce: 1,
      txCount: 1,
    });
  });

  test('an emptied account keeps its leaf, so that its nonce is never used again', () => {
    const ledger = Ledger.rich(ALICE);
    ledger.add([transfer(ALICE, { amount: SUBSIDY - 10n })]);
    expect(ledger.account(ALICE.address)).toMatchObject({ balance: 0n, nonce: 1 });
  });
});

describe('rules of transactions', () => {
  const withOff = (code: FaultCode) => paramsOf('local', [code]);

  test.each<[FaultCode, ReturnType<typeof transfer>]>([
    ['tx.chain', transfer(ALICE, { chainId: 1 })],
    ['tx.expired', transfer(ALICE, { expiry: 1 })],
    ['tx.nonce', transfer(ALICE, { nonce: 1 })],
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
      const account = { balance: U64_MAX / 2n, nonce: 0, txCount: 0, lastTx, ...fields };
      ledger.tree = treeSet(plain, stateKey.account(who.address), encode(Account, account));
    };
    give(BOB, { balance: U64_MAX - 5n });
    expect(ledger.fault([transfer(ALICE, { amount: 5n })])).toBeUndefined();
    expect(ledger.fault([transfer(ALICE, { amount: 6n })])).toBe('tx.overflow');
    give(BOB, { txCount: 0xffffffff });
    expect(ledger.fault([transfer(ALICE)])).toBe('tx.overflow');
    give(ALICE, { nonce: 0xffffffff });
    expect(ledger.fault([transfer(ALICE, { nonce: 0xffffffff })])).toBe('tx.overflow');
    give(ALICE, { txCount: 0xffffffff });
    expect(ledger.fault([transfer(ALICE)])).toBe('tx.overflow');
  });

  test('coins made with the balance rule off stay inside 64 bits', () => {
    const ledger = Ledger.rich(BOB, 1, paramsOf('local', ['tx.balance', 'tx.overflow']));
    const mint = transfer(ALICE, { amount: U64_MAX, fee: U64_MAX });
    ledger.add([mint], { miner: BOB.address });
    expect(ledger.balance(BOB)).toBe(U64_MAX);
    ledger.skip(4);
    expect(ledger.balance(BOB)).toBe(U64_MAX);
  });
});

describe('partial trees and building', () => {
  test('a state root that is not the parent’s', () => {
    expect(new Ledger().fault([], { stateRoot: bytes32(1) })).toBe('header.state-root');
  });

  test('a witness that lacks a key is a fault, never an exception', () => {
    const ledger = Ledger.rich(ALICE);
    const body = [channel(ALICE)];
    const header = ledger.header(body);
    const full = ledger.preview(body);
    if (isFault(full)) throw new Error(full.fault);
    let lacking = 0;
    for (const left of full.touched) {
      const rest = full.touched.filter((key) => key !== left);
      const tree = treeFromProof(proveKeys(ledger.tree, rest));
      if (isFault(tree)) throw new Error(tree.fault);
      const out = executeBlock(tree, header, body, ledger.params, CONTEXT);
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
    const out = executeBlock(ledger.tree, ledger.header([bad]), [bad], ledger.params, context);
    expect(isFault(out)).toBe(false);
  });
});
