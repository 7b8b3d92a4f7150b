/** What waits for a block: room is sold by the byte, or few fat transactions shut out many that pay more. */
import { NANOVOLTS } from '../../../src/core/params.ts';
import { isFault } from '../../../src/core/faults.ts';
import { FEE, MINER, person, THIEF, type Arena } from '../arena.ts';
import type { Attack } from '../attack-type.ts';
import type { Verdict } from '../verdict.ts';

/** Payments that wait, some 160 bytes each. */
const PAYMENTS = 60;
/** nV: the least for a payment to somebody who has an account. */
const FEE_LEAST = 1_000n;
/** Bytes of a memo: the most. */
const MEMO = 64;

/** The thief's are larger and pay a little more each, and less for each byte: they must come last. */
async function fatFees(arena: Arena): Promise<Verdict[]> {
  await arena.coins();
  const rich = person('sends fat payments');
  await arena.honest([arena.pay(MINER, rich.address, NANOVOLTS)]);
  const transfer = { type: 'transfer', to: THIEF.address, amount: 20_000_000n };
  const add = async (from: typeof MINER, memo: Uint8Array, fee: bigint, count: number) => {
    const first = arena.nonceOf(from);
    for (let i = 0; i < count; i++) {
      const nonce = first + BigInt(i);
      const refused = await arena.chain.addTx(arena.sign(from, { ...transfer, memo }, nonce, fee));
      if (isFault(refused) && refused.fault !== 'tx.known') throw new Error(refused.fault);
    }
  };
  await add(rich, new Uint8Array(MEMO).fill(1), FEE + FEE / 10n, 2);
  await add(MINER, new Uint8Array(), FEE, PAYMENTS);
  const [best] = arena.chain.mempool.byFee();
  const accepted = best !== undefined && best.tx.type === 'transfer' && best.tx.memo.length > 0;
  return [{ accepted, fault: 'pool.bytes', differences: [] }];
}

/** A payment that pays nothing for its room: pools hold a thousand of them in place of those who pay. */
async function freeOfCharge(arena: Arena): Promise<Verdict[]> {
  await arena.coins();
  const transfer = {
    type: 'transfer',
    to: MINER.address,
    amount: NANOVOLTS,
    memo: new Uint8Array(),
  };
  return [await arena.announceTx(arena.sign(MINER, transfer, undefined, FEE_LEAST - 1n))];
}

export const POOL_ATTACKS: readonly Attack[] = [
  {
    name: 'payment below the least fee',
    rule: 'tx.fee-low',
    off: [],
    seam: 'no-floor',
    runs: 2,
    run: freeOfCharge,
  },
  {
    name: 'fat payments',
    rule: 'pool.bytes',
    off: [],
    seam: 'by-fee',
    runs: 1,
    run: fatFees,
  },
];
