import { describe, expect, test } from 'vitest';
import { decode, encode } from '../../src/core/codec.ts';
import { isFault, type FaultCode } from '../../src/core/faults.ts';
import { Account, Claim, Coinbase, OpenRequest } from '../../src/core/formats.ts';
import { ZERO_HASH } from '../../src/core/hash.ts';
import { stateKey } from '../../src/core/tree/keys.ts';
import {
  HALVING_BLOCKS,
  NANOVOLTS,
  REQUESTS_PER_BLOCK_MAX,
  SUBSIDY,
} from '../../src/core/params.ts';
import { executeBlock, executeTx, beginBlock, subsidyAt, verifyJob } from '../../src/core/state.ts';
import {
  EMPTY_TREE,
  proveKeys,
  treeFromProof,
  treeGet,
  treeSet,
} from '../../src/core/tree/tree.ts';
import { txId } from '../../src/core/tx/tx.ts';
import {
  ALICE,
  BOB,
  bytes32,
  CAROL,
  claim,
  GENESIS_ID,
  MODELS,
  paramsOf,
  request,
  result,
  transfer,
} from './fixtures.ts';
import { ANSWER, checking, commitment, hexes, Ledger } from './ledger.ts';

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
      checking,
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

/** Alice asks; Bob and Carol claim in that order; Carol's result comes first. */
function asked(blocks = 1, fields: Parameters<typeof request>[1] = {}) {
  const ledger = Ledger.rich(ALICE, blocks);
  ledger.skip(1, { miner: BOB.address });
  ledger.skip(1, { miner: CAROL.address });
  ledger.skip(3);
  const ask = request(ALICE, fields);
  const id = txId(ask.tx);
  ledger.add([ask]);
  return { ledger, id };
}
const claimOf = (who: typeof BOB, id: Uint8Array, nonce = 0) =>
  claim(who, { request: id, commitment: commitment(id, who), nonce });
const resultOf = (who: typeof BOB, id: Uint8Array, nonce = 1) =>
  result(who, { request: id, answer: ANSWER, nonce });
const open = (ledger: Ledger, id: Uint8Array) => {
  const value = treeGet(ledger.tree, stateKey.request(id));
  return value && decode(OpenRequest, value);
};

describe('requests', () => {
  test('escrow leaves the asker; expiry gives it back at its height', () => {
    const { ledger, id } = asked();
    const before = ledger.balance(ALICE);
    expect(before).toBe(SUBSIDY - 1011n);
    expect(open(ledger, id)).toMatchObject({ asker: ALICE.address, reward: 1001n, settle: 0 });
    const end = open(ledger, id)!.expiry;
    expect(end).toBe(ledger.height + 30);
    ledger.skip(29);
    expect(open(ledger, id)).toBeDefined();
    ledger.skip(1);
    expect(open(ledger, id)).toBeUndefined();
    expect(treeGet(ledger.tree, stateKey.expiry(end))).toBeUndefined();
    expect(ledger.balance(ALICE)).toBe(before + 1001n);
  });

  test('the earliest claim with a valid result is paid 80 %, whoever answers first', () => {
    const { ledger, id } = asked();
    ledger.add([claimOf(BOB, id), claimOf(CAROL, id)]);
    const claims = ledger.height;
    ledger.add([resultOf(CAROL, id)]);
    const settle = ledger.height + 6;
    expect(open(ledger, id)).toMatchObject({ settle, best: { payee: CAROL.address } });
    expect(treeGet(ledger.tree, stateKey.claim(id, CAROL.address))).toBeUndefined();
    ledger.add([resultOf(BOB, id)]);
    expect(open(ledger, id)).toMatchObject({
      settle,
      best: { payee: BOB.address, claim: { height: claims, index: 0 } },
    });
    const [bob, carol] = [ledger.balance(BOB), ledger.balance(CAROL)];
    ledger.skip(4);
    expect(ledger.balance(BOB)).toBe(bob);
    ledger.skip(1);
    expect(ledger.height).toBe(settle);
    expect(ledger.balance(BOB)).toBe(bob + 800n);
    expect(ledger.balance(CAROL)).toBe(carol);
    expect(open(ledger, id)).toBeUndefined();
    expect(treeGet(ledger.tree, stateKey.settle(settle))).toBeUndefined();
  });

  test('a later claim does not displace an earlier one', () => {
    const { ledger, id } = asked();
    ledger.add([claimOf(BOB, id), claimOf(CAROL, id)]);
    ledger.add([resultOf(BOB, id), resultOf(CAROL, id)]);
    expect(open(ledger, id)!.best!.payee).toEqual(BOB.address);
  });

  test('an answered request outlives its expiry until its settlement', () => {
    const { ledger, id } = asked();
    ledger.add([claimOf(BOB, id)]);
    ledger.skip(27);
    ledger.add([resultOf(BOB, id)]);
    const bob = ledger.balance(BOB);
    const alice = ledger.balance(ALICE);
    ledger.skip(1);
    expect(open(ledger, id)).toMatchObject({ expiry: ledger.height });
    ledger.skip(5);
    expect(open(ledger, id)).toBeUndefined();
    expect(ledger.balance(BOB)).toBe(bob + 800n);
    expect(ledger.balance(ALICE)).toBe(alice);
  });

  test('at its expiry height it is closed to claims, results and jobs', () => {
    const { ledger, id } = asked();
    ledger.add([claimOf(BOB, id)]);
    ledger.skip(28);
    expect(ledger.fault([resultOf(BOB, id)])).toBe('tx.result-closed');
    expect(ledger.fault([claimOf(CAROL, id)])).toBe('tx.claim-closed');
    expect(ledger.fault([], { jobId: id })).toBe('header.job');
  });

  test('a block of requests, the most there can be, does not close a height to the next', () => {
    const ledger = Ledger.rich(ALICE);
    const asks = (from: number, lifetime: number) =>
      Array.from({ length: REQUESTS_PER_BLOCK_MAX }, (_, i) =>
        request(ALICE, { nonce: from + i, reward: 0n, lifetime }),
      );
    // What one height lets in over all blocks is more than these can take of each.
    for (let block = 0; block < 3; block++)
      ledger.add(asks(block * REQUESTS_PER_BLOCK_MAX, 33 - block));
    expect(ledger.fault(asks(3 * REQUESTS_PER_BLOCK_MAX, 30))).toBeUndefined();
  });

  test('256 end at one height, the 257th is refused', () => {
    const ledger = Ledger.rich(ALICE);
    const asks = (count: number, from: number, lifetime: number) =>
      Array.from({ length: count }, (_, i) =>
        request(ALICE, { nonce: from + i, reward: 1n, lifetime }),
      );
    ledger.add(asks(252, 0, 31));
    expect(ledger.fault(asks(4, 252, 30))).toBeUndefined();
    expect(ledger.fault(asks(5, 252, 30))).toBe('tx.request-full');
    expect(ledger.fault(asks(5, 252, 31))).toBeUndefined();
  });
});

describe('jobs', () => {
  test('an open request for the header’s model, in the state after the parent', () => {
    const { ledger, id } = asked();
    const job = { jobId: id };
    expect(ledger.fault([], job)).toBeUndefined();
    expect(verifyJob(ledger.tree, ledger.header([], job))).toBeUndefined();
    expect(ledger.fault([], { jobId: bytes32(1) })).toBe('header.job');
    const other = { ...job, modelId: bytes32(2) };
    expect(ledger.fault([], other)).toBe('header.job');
    expect(verifyJob(ledger.tree, ledger.header([], other))).toMatchObject({ fault: 'header.job' });
    expect(hexes(ledger.add([], job).touched)).toContain(hexes([stateKey.request(id)])[0]);
  });

  test('an answered request is a job until its settlement', () => {
    const { ledger, id } = asked();
    ledger.add([claimOf(BOB, id)]);
    ledger.add([resultOf(BOB, id)]);
    ledger.skip(4, { jobId: id });
    expect(ledger.fault([], { jobId: id })).toBeUndefined();
    ledger.skip(1);
    expect(ledger.fault([], { jobId: id })).toBe('header.job');
  });
});

describe('rules of transactions', () => {
  const withOff = (code: FaultCode) => paramsOf('local', [code]);

  test.each<[FaultCode, ReturnType<typeof transfer>]>([
    ['tx.chain', transfer(ALICE, { chainId: 1 })],
    ['tx.expired', transfer(ALICE, { expiry: 1 })],
    ['tx.nonce', transfer(ALICE, { nonce: 1 })],
    ['tx.balance', transfer(ALICE, { amount: SUBSIDY - 9n })],
    ['tx.balance', request(ALICE, { reward: SUBSIDY - 9n })],
    ['tx.balance', transfer(ALICE, { fee: U64_MAX, amount: U64_MAX })],
    ['tx.signature', { ...transfer(ALICE), signature: new Uint8Array(64) }],
    ['tx.request-model', request(ALICE, { modelId: bytes32(3) })],
    ['tx.claim-closed', claim(ALICE, { request: bytes32(3) })],
    ['tx.result-closed', result(ALICE, { request: bytes32(3) })],
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

describe('rules of claims and results', () => {
  test('one claim for a payee', () => {
    const { ledger, id } = asked();
    ledger.add([claimOf(BOB, id)]);
    const value = treeGet(ledger.tree, stateKey.claim(id, BOB.address))!;
    expect(decode(Claim, value).position).toEqual({ height: ledger.height, index: 0 });
    expect(ledger.fault([claimOf(BOB, id, 1)])).toBe('tx.claim-twice');
  });

  test('a result needs its own claim, in an earlier block', () => {
    const { ledger, id } = asked();
    expect(ledger.fault([resultOf(BOB, id, 0)])).toBe('tx.result-claim');
    expect(ledger.fault([claimOf(BOB, id), resultOf(BOB, id)])).toBe('tx.result-order');
    ledger.add([claimOf(BOB, id)]);
    expect(ledger.fault([resultOf(CAROL, id, 0)])).toBe('tx.result-claim');
    expect(ledger.fault([resultOf(BOB, id)])).toBeUndefined();
  });

  test('a copied commitment, or one made from the answer alone, is worth nothing', () => {
    const { ledger, id } = asked();
    const stolen = claim(CAROL, { request: id, commitment: commitment(id, BOB) });
    ledger.add([stolen]);
    expect(ledger.fault([resultOf(CAROL, id)])).toBe('tx.result-commitment');
  });

  test('the answer must be the model’s; without the model the work is followed', () => {
    const { ledger, id } = asked();
    ledger.add([claimOf(BOB, id)]);
    const lie = result(BOB, { request: id, answer: Uint8Array.of(9), nonce: 1 });
    expect(ledger.fault([lie])).toBe('tx.result-answer');
    const header = ledger.header([lie]);
    const light = { genesis: GENESIS_ID, models: MODELS };
    expect(isFault(executeBlock(ledger.tree, header, [lie], ledger.params, light))).toBe(false);
  });

  test('a later answer is held against the first, also without the model', () => {
    const light = { genesis: GENESIS_ID, models: MODELS };
    const ledger = Ledger.rich(ALICE, 3, paramsOf(), light);
    const gifts = [BOB, CAROL].map((p, nonce) =>
      transfer(ALICE, { to: p.address, amount: 1000n, nonce }),
    );
    const ask = request(ALICE, { nonce: 2 });
    const id = txId(ask.tx);
    ledger.add([...gifts, ask]);
    ledger.add([claimOf(BOB, id), claimOf(CAROL, id)]);
    ledger.add([resultOf(BOB, id)]);
    const other = result(CAROL, { request: id, answer: Uint8Array.of(9), nonce: 1 });
    expect(ledger.fault([other])).toBe('tx.result-answer');
    expect(ledger.fault([resultOf(CAROL, id)])).toBeUndefined();
  });

  test('the rules off, a thief is paid and nothing crashes', () => {
    const off: FaultCode[] = ['tx.result-claim', 'tx.result-order', 'tx.result-commitment'];
    const ledger = Ledger.rich(ALICE, 1, paramsOf('local', off));
    const ask = request(ALICE);
    const id = txId(ask.tx);
    ledger.add([ask, transfer(ALICE, { nonce: 1, to: CAROL.address, amount: 500n })]);
    expect(ledger.fault([resultOf(CAROL, id, 0)])).toBeUndefined();
    const stolen = claim(CAROL, { request: id, commitment: ZERO_HASH });
    ledger.add([stolen, resultOf(CAROL, id)]);
    expect(open(ledger, id)!.best!.payee).toEqual(CAROL.address);
  });

  test('first results of a block are bounded by their MACs, later ones are not', () => {
    const ledger = Ledger.rich(ALICE, 4);
    ledger.skip(1, { miner: BOB.address });
    ledger.skip(3);
    const asks = [0, 1, 2, 3].map((nonce) => request(ALICE, { nonce }));
    const ids = asks.map((a) => txId(a.tx));
    ledger.add(asks);
    ledger.add(ids.map((id, i) => claimOf(BOB, id, i)));
    const results = ids.map((id, i) => resultOf(BOB, id, 4 + i));
    // W of `tiny`, which sets the easiest target, is three times the fixture model's.
    expect(ledger.fault(results.slice(0, 3))).toBeUndefined();
    expect(ledger.fault(results)).toBe('tx.result-budget');
    // A dust of work: the first is allowed all the same.
    const dust = { bits: 0x2100ffff };
    expect(ledger.fault(results.slice(0, 1), dust)).toBeUndefined();
    expect(ledger.fault(results.slice(0, 2), dust)).toBe('tx.result-budget');
    // The header's own model bounds them too; one that is unknown leaves room for none but the first.
    expect(ledger.fault(results.slice(0, 2), { modelId: bytes32(9) })).toBe('tx.result-budget');
  });
});

describe('partial trees and building', () => {
  test('a state root that is not the parent’s', () => {
    expect(new Ledger().fault([], { stateRoot: bytes32(1) })).toBe('header.state-root');
  });

  test('a witness that lacks a key is a fault, never an exception', () => {
    const { ledger, id } = asked();
    const body = [claimOf(BOB, id)];
    const header = ledger.header(body);
    const full = ledger.preview(body);
    if (isFault(full)) throw new Error(full.fault);
    let lacking = 0;
    for (const left of full.touched) {
      const rest = full.touched.filter((key) => key !== left);
      const tree = treeFromProof(proveKeys(ledger.tree, rest));
      if (isFault(tree)) throw new Error(tree.fault);
      const out = executeBlock(tree, header, body, ledger.params, checking);
      // A proof of the other keys may open the place of this one by chance.
      if (isFault(out)) expect(out.fault).toBe('state.witness');
      if (isFault(out)) lacking++;
    }
    expect(lacking).toBeGreaterThan(2);
    const none = treeFromProof(proveKeys(ledger.tree, []));
    if (isFault(none)) throw new Error(none.fault);
    expect(verifyJob(none, ledger.header([], { jobId: id }))).toMatchObject({
      fault: 'state.witness',
    });
  });

  test('a refused transaction leaves the block in the making as it was', () => {
    const { ledger, id } = asked();
    const header = ledger.header();
    const block = beginBlock(ledger.tree, header, ledger.params, checking);
    if (isFault(block)) throw new Error(block.fault);
    const before = block.view.changes();
    const refused = [
      transfer(ALICE),
      transfer(BOB, { amount: SUBSIDY }),
      resultOf(BOB, id, 0),
      claim(BOB, { request: bytes32(5) }),
      request(BOB, { reward: 1n, modelId: bytes32(4) }),
    ];
    for (const tx of refused) expect(executeTx(block, tx)).toBeDefined();
    expect(block.view.changes()).toEqual(before);
    expect(block).toMatchObject({ count: 0, fees: 0n, firstResults: 0 });
    expect(executeTx(block, claimOf(BOB, id))).toBeUndefined();
    expect(block).toMatchObject({ count: 1, fees: 10n });
  });

  test('a signature known from before is not asked for again', () => {
    const ledger = Ledger.rich(ALICE);
    const bad = { ...transfer(ALICE), signature: new Uint8Array(64) };
    const context = { ...checking, signatureKnown: () => true };
    const out = executeBlock(ledger.tree, ledger.header([bad]), [bad], ledger.params, context);
    expect(isFault(out)).toBe(false);
  });
});
