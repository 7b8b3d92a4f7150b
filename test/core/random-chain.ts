/** Random chains: what people try, and a naive state that says which of it is allowed. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { fromHex, toHex } from '../../src/lib/bytes.ts';
import { isFault } from '../../src/core/faults.ts';
import type { SignedTx, Tx, TxOf } from '../../src/core/formats.ts';
import { voucherHash } from '../../src/core/channel.ts';
import { beginBlock, executeTx } from '../../src/core/state.ts';
import { TX_TYPES } from '../../src/core/tx/kinds.ts';
import { ACCOUNT_MIN } from '../../src/core/params.ts';
import { ALICE, BOB, bytes32, CAROL, GENESIS_ID, person, SIGNER } from './fixtures.ts';
import { CONTEXT, type Ledger } from './ledger.ts';
import { isVouched, type Oracle, vouch } from '../oracle/naive-state.ts';

export const PEOPLE = [ALICE, BOB, CAROL, person(7)];
// Signatures have tests of their own; without them a run is a hundred times faster.
export const context = { ...CONTEXT, signatureKnown: () => true, verifyHash: isVouched };

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

export const step = fc.oneof(
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
export function addBlock(ledger: Ledger, oracle: Oracle, miner: number, intents: Intent[]): void {
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
