import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromHex, toHex } from '../../src/lib/bytes.ts';
import { isFault } from '../../src/core/faults.ts';
import type { SignedTx, Tx, TxOf } from '../../src/core/formats.ts';
import { voucherHash } from '../../src/core/channel.ts';
import { beginBlock, executeTx } from '../../src/core/state.ts';
import { TX_TYPES } from '../../src/core/tx/kinds.ts';
import { EMPTY_TREE, treeEntries, treeRoot, treeSet } from '../../src/core/tree/tree.ts';
import { ACCOUNT_MIN } from '../../src/core/params.ts';
import { ALICE, BOB, bytes32, CAROL, GENESIS_ID, paramsOf, person, SIGNER } from './fixtures.ts';
import { CONTEXT, Ledger } from './ledger.ts';
import { isVouched, Oracle, vouch } from '../oracle/naive-state.ts';

const PEOPLE = [ALICE, BOB, CAROL, person(7)];
// Signatures have tests of their own; without them a run is a hundred times faster.
const context = { ...CONTEXT, signatureKnown: () => true, verifyHash: isVouched };

/** What somebody tries, made into a transaction of the moment. */
const intent = fc.record({
  // Every kind; closes more often, for many of them come to nothing.
  type: fc.constantFrom<Tx['type'][]>(...TX_TYPES, 'close'),
  who: fc.nat(PEOPLE.length - 1),
  to: fc.nat(PEOPLE.length - 1),
  which: fc.nat(5),
  amount: fc.oneof(
    fc.bigInt(1n, 1000n),
    fc.bigInt(9_999_990n, 10_000_060n),
    fc.bigInt(1n, 200_000_000_000n),
  ),
  /** One in six sends all but so little. */
  rest: fc.option(fc.constantFrom(0n, 0n, 1n, 9_999_999n, 10_000_000n), { freq: 5 }),
  fee: fc.bigInt(0n, 50n),
  lifetime: fc.constantFrom(60, 60, 61, 63),
  /** Per cent of a channel's limit that is vouched for. */
  vouched: fc.constantFrom(0n, 1n, 50n, 99n, 100n, 101n),
  /** One in ten goes wrong on purpose: nonce, sender or voucher. */
  slip: fc.nat(29),
});
type Intent = typeof intent extends fc.Arbitrary<infer T> ? T : never;

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ miner: fc.nat(3), body: fc.array(intent, { maxLength: 8 }) }),
  },
  { weight: 1, arbitrary: fc.record({ undo: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ skip: fc.integer({ min: 1, max: 40 }) }) },
);

function txOf(i: Intent, oracle: Oracle): SignedTx {
  const me = PEOPLE[i.who]!;
  const nonce = (oracle.of(me.address)?.nonce ?? 0n) + (i.slip === 0 ? 1n : 0n);
  const common = { chainId: 3, from: me.key, nonce, expiry: oracle.height + 9, fee: i.fee };
  const opened = Object.keys(oracle.channels);
  const id = fromHex(opened[i.which % Math.max(opened.length, 1)] ?? toHex(bytes32(1)), 32)!;
  const { provider, limit } = oracle.channels[toHex(id)] ?? { provider: me.key, limit: 1000n };
  const amount = (limit * i.vouched) / 100n;
  const balance = oracle.of(me.address)?.balance ?? 0n;
  const allBut = (rest: bigint) => (balance > rest ? balance - rest : 1n);
  const cases: { readonly [K in Tx['type']]: TxOf<K> } = {
    transfer: {
      type: 'transfer',
      ...common,
      to: PEOPLE[i.to]!.address,
      amount: i.rest === null ? i.amount : allBut(i.rest + i.fee),
      memo: new Uint8Array(),
    },
    channel: {
      type: 'channel',
      ...common,
      provider: PEOPLE[i.to]!.key,
      // Somebody without an account, the asker himself, or another.
      payee: i.which ? PEOPLE[i.which % PEOPLE.length]!.address : bytes32(600 + i.to),
      signer: SIGNER.key,
      limit: ACCOUNT_MIN + i.amount,
      lifetime: i.lifetime,
    },
    close: {
      type: 'close',
      ...common,
      nonce: i.slip === 0 ? 1n : 0n,
      from: i.slip === 1 ? me.key : provider,
      channel: id,
      amount,
      voucher: vouch(voucherHash(GENESIS_ID, id, i.slip === 2 ? amount + 1n : amount), SIGNER.key),
    },
  };
  return { tx: cases[i.type], signature: new Uint8Array(64) };
}

/** Executes what the oracle allows, and checks that exactly that is allowed. */
function addBlock(ledger: Ledger, oracle: Oracle, miner: number, intents: Intent[]): void {
  const fields = { miner: PEOPLE[miner]!.address };
  oracle.begin();
  const block = beginBlock(ledger.tree, ledger.height + 1, ledger.params, context);
  if (isFault(block)) throw new Error(block.fault);
  const body: SignedTx[] = [];
  for (const i of intents) {
    const signed = txOf(i, oracle);
    const allowed = oracle.execute(signed.tx);
    const refused = executeTx(block, signed);
    expect(refused?.fault, `${i.type} is ${allowed ? 'valid' : 'not valid'}`).toEqual(
      allowed ? undefined : expect.any(String),
    );
    if (allowed) body.push(signed);
  }
  oracle.end(fields.miner);
  ledger.add(body, fields);
}

function checkAgainst(ledger: Ledger, oracle: Oracle): void {
  const leaves = [...treeEntries(ledger.tree)].map((e) => [toHex(e.key), toHex(e.value)]);
  const expected = [...oracle.leaves()].map(([key, value]) => [key, toHex(value)]);
  expect(leaves).toEqual(expected.sort(([a], [b]) => (a! < b! ? -1 : 1)));
  expect(oracle.coins()).toBe(oracle.issued - oracle.burned);
  expect([ledger.coins(), ledger.burned]).toEqual([oracle.coins(), oracle.burned]);
}

test('any blocks and reorganisations give the naive state, conserve coins, and can be undone', () => {
  const seen = { undone: 0, txs: 0, opened: 0, closed: 0, ended: 0, emptied: 0, burned: 0 };
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 50 }), (steps) => {
      const ledger = new Ledger(paramsOf(), context);
      let past = [new Oracle()];
      for (const s of steps) {
        if ('undo' in s) {
          for (let i = 0; i < s.undo && ledger.height; i++) {
            ledger.undo();
            past = past.slice(0, -1);
            seen.undone++;
          }
        } else {
          for (let i = 0; i < ('skip' in s ? s.skip : 1); i++) {
            const oracle = past.at(-1)!.copy();
            const before = Object.keys(oracle.channels);
            const due = (oracle.ending[oracle.height + 1] ?? []).map(toHex);
            addBlock(ledger, oracle, 'skip' in s ? 0 : s.miner, 'skip' in s ? [] : s.body);
            const now = Object.keys(oracle.channels);
            seen.opened += now.filter((one) => !before.includes(one)).length;
            seen.ended += due.length;
            seen.closed += before.filter((one) => !now.includes(one) && !due.includes(one)).length;
            const gone = Object.keys(past.at(-1)!.accounts);
            seen.emptied += gone.filter((one) => !(one in oracle.accounts)).length;
            seen.burned += Number(oracle.burned > past.at(-1)!.burned);
            seen.txs += 'skip' in s ? 0 : s.body.length;
            past.push(oracle);
          }
        }
        checkAgainst(ledger, past.at(-1)!);
      }
      // The root depends on the leaves alone, not on how they came to be.
      const rebuilt = [...treeEntries(ledger.tree)].reduceRight(
        (tree, e) => treeSet(tree, e.key, e.value),
        EMPTY_TREE,
      );
      expect(treeRoot(ledger.tree)).toEqual(treeRoot(rebuilt));
    }),
    { numRuns: 24, seed: 1 },
  );
  // The run is worth its time only if it went through every fate of a channel.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(8);
});
