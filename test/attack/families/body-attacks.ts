/** Bodies that hold what none may hold. All are seen by the bytes alone, and judged before anything is executed. */
import type { FaultCode } from '../../../src/core/faults.ts';
import type { Body } from '../../../src/core/formats.ts';
import { ZERO_HASH } from '../../../src/core/hash.ts';
import { bodyOf } from '../../../src/core/tx/body.ts';
import { FEE, MINER, THIEF, type Arena } from '../arena.ts';
import type { Attack } from '../attack-type.ts';
import type { Verdict } from '../verdict.ts';
import { inBlock } from './tx-attacks.ts';

/** One more than 65,536 bytes hold of payments with the longest memo, 226 bytes each: few, as each is signed. */
const TOO_MANY = 290;
const MEMO = new Uint8Array(64);

const withBody =
  (make: (arena: Arena) => Body | Promise<Body>) =>
  async (arena: Arena): Promise<Verdict[]> => [await inBlock(arena, await make(arena), 'bytes')];

/** A block that takes more of every device than it may. */
const tooLarge = withBody(async (arena) => {
  await arena.coins();
  const nonce = arena.nonceOf(MINER);
  const transfer = { type: 'transfer', amount: 20_000_000n, memo: MEMO };
  const pays = Array.from({ length: TOO_MANY }, (_, i) =>
    arena.sign(MINER, { ...transfer, to: THIEF.address }, nonce + BigInt(i), FEE),
  );
  return bodyOf(pays);
});

/** Pay by shares is not in force: a list that nobody judges would be room for anything. */
const shares = withBody(() => ({
  ...bodyOf(),
  shares: [
    {
      parent: 0,
      bodyRoot: ZERO_HASH,
      miner: THIEF.address,
      time: 1,
      nonce: 0n,
      knows: 2,
      model: 0,
      proofDigest: ZERO_HASH,
      linear: 2,
      tile: 0,
    },
  ],
}));

const votes = withBody(() => ({ ...bodyOf(), votes: [{ back: 1, mask: 1 }] }));

const attack = (name: string, rule: FaultCode, run: Attack['run'], runs = 2): Attack => ({
  name,
  rule,
  off: [rule],
  runs,
  run,
});

export const BODY_ATTACKS: readonly Attack[] = [
  attack('body over its bytes', 'body.size', tooLarge, 1),
  attack('body with a share', 'body.shares', shares),
  attack('body with a vote', 'body.votes', votes),
];
