/** Attacks on who passes things on in good faith: the node is to cut itself off from honest peers. */
import { EXPIRY_BLOCKS_MAX } from '../../../src/core/params.ts';
import { MINER, THIEF, type Arena } from '../arena.ts';
import type { Attack } from '../attack-type.ts';
import type { Verdict } from '../verdict.ts';

/** As many as a ban takes at 20 points each. */
const PAYMENTS = 5;

/**
 * Payments that expire as late as the rules let them on a chain that is one block ahead, through a relayer that has
 * that block. It is honest: on its chain they are valid. The thief wins if the node bans it.
 */
async function lateExpiries(arena: Arena): Promise<Verdict[]> {
  await arena.coins();
  const next = arena.chain.head().header.height + 1;
  const payments = Array.from({ length: PAYMENTS }, (_, i) => {
    const fields = { type: 'transfer', to: THIEF.address, amount: 1n, memo: new Uint8Array() };
    const expiry = next + 1 + EXPIRY_BLOCKS_MAX;
    return arena.sign(MINER, { ...fields, expiry }, arena.nonceOf(MINER) + BigInt(i), 10_000n);
  });
  return [await arena.relay(payments)];
}

export const RELAY_ATTACKS: readonly Attack[] = [
  {
    name: 'honest relayer of late expiries',
    rule: 'tx.expiry-far',
    off: [],
    charged: ['tx.expiry-far'],
    runs: 2,
    run: lateExpiries,
  },
];
