/** The 200 blocks of a recorded chain: money in every form, branches, a pause, haste. */
import { schnorr } from '@noble/curves/secp256k1.js';
import { addressOf } from '../../../src/core/address.ts';
import type { SignedTx } from '../../../src/core/formats.ts';
import { ACCOUNT_MIN, FAUCET_SECRET, NANOVOLTS } from '../../../src/core/params.ts';
import { fromHex } from '../../../src/lib/bytes.ts';
import { person, type Person } from '../../chain/make-blocks.ts';
import type { Made, RecordLedger } from './ledger.ts';

const BLOCKS = 200;
export const [ANN, BOB, CAT, EVE] = [1, 2, 3, 4].map(person) as [Person, Person, Person, Person];
const MINERS = [person(70), person(71)] as const;
const faucetSecret = fromHex(FAUCET_SECRET, 32)!;
const xonly = schnorr.getPublicKey(faucetSecret);
const FAUCET: Person = { secret: faucetSecret, xonly, address: addressOf(xonly) };

/** Blocks in the order in which they are told; `onHead`: the node's head is this block then. */
export interface Step {
  readonly made: Made;
  readonly replay: boolean;
}

type Txs = (ledger: RecordLedger, on: Made) => readonly SignedTx[];

/** What the block of a height holds, on the branch that stays. */
class Story {
  /** Openings by their names here. */
  readonly #opened = new Map<string, SignedTx>();

  readonly #at: Readonly<Record<number, Txs>> = {
    1: (l, on) => [l.pay(on, FAUCET, ANN, 100n * NANOVOLTS)],
    2: (l, on) => [l.pay(on, FAUCET, BOB, 50n * NANOVOLTS), l.pay(on, ANN, CAT, NANOVOLTS)],
    3: (l, on) => [l.pay(on, BOB, BOB, 5n), l.pay(on, CAT, EVE, ACCOUNT_MIN, { memo: BOB.xonly })],
    5: (l, on) => [this.#open('ends', l.open(on, ANN)), this.#open('closed', l.open(on, BOB))],
    8: (l, on) => [l.close(on, this.#opened.get('closed')!, 3n * ACCOUNT_MIN)],
    // All that she has: her leaf goes.
    10: (l, on) => [l.payAll(on, CAT, BOB)],
    // A leaf made anew, whose nonce begins at its height.
    12: (l, on) => [l.pay(on, ANN, CAT, 2n * ACCOUNT_MIN)],
    13: (l, on) => [l.pay(on, CAT, BOB, ACCOUNT_MIN / 2n)],
    // What is left is below the least balance, and goes to the fees.
    14: (l, on) => [l.pay(on, CAT, BOB, ACCOUNT_MIN), l.pay(on, EVE, ANN, ACCOUNT_MIN - 1000n)],
    15: (l, on) => [l.pay(on, ANN, EVE, 5n * ACCOUNT_MIN)],
    16: (l, on) => [this.#open('all', l.open(on, EVE, { limit: 5n * ACCOUNT_MIN - 1000n }))],
    // 5 nV for an account without a leaf are burned.
    20: (l, on) => [l.close(on, this.#opened.get('all')!, 5n * ACCOUNT_MIN - 1005n)],
    21: (l, on) => [l.pay(on, ANN, EVE, 5n * ACCOUNT_MIN)],
    22: (l, on) => [this.#open('refund', l.open(on, EVE, { limit: 5n * ACCOUNT_MIN - 1000n }))],
    30: (l, on) => [l.pay(on, MINERS[0], ANN, 10n * NANOVOLTS, { fee: 12_345n })],
    // Its channel came back at 82, to an account that was gone.
    83: (l, on) => [l.pay(on, EVE, BOB, ACCOUNT_MIN)],
    90: (l, on) => {
      const opening = l.open(on, ANN);
      return [opening, l.close(on, opening, 2n * ACCOUNT_MIN, { fee: 500n })];
    },
  };

  #open(name: string, opening: SignedTx): SignedTx {
    this.#opened.set(name, opening);
    return opening;
  }

  txsAt(ledger: RecordLedger, on: Made): readonly SignedTx[] {
    const height = on.point.header.height + 1;
    const own = this.#at[height]?.(ledger, on);
    if (own) return own;
    const [from, to] = height % 2 ? [ANN, BOB] : [BOB, ANN];
    return height % 5 === 0 && height > 25 ? [ledger.pay(on, from, to, BigInt(height))] : [];
  }
}

/** ms from the parent to the block of a height: a pause of an hour at 100, haste after 120. */
function gapBefore(height: number): number | undefined {
  if (height === 100) return 3_600_000;
  return height > 120 && height <= 140 ? 150 : undefined;
}

/** The steps, lowest first. */
export async function* chainSteps(ledger: RecordLedger): AsyncGenerator<Step, void> {
  const story = new Story();
  let tip = ledger.genesis;
  let told = 0;
  const extend = async (on: Made, salt = 0, after?: number): Promise<Made> => {
    const height = on.point.header.height + 1;
    const first = height === 1 ? ledger.params.lagMs + ledger.params.blockTimeMs : undefined;
    const gap = after ?? first ?? gapBefore(height);
    return ledger.next({
      on,
      txs: story.txsAt(ledger, on),
      miner: MINERS[(height + salt) % 2]!,
      ...(gap !== undefined && { after: gap }),
    });
  };
  const step = (made: Made): Step => ({ made, replay: told++ % 17 === 3 });

  while (told < BLOCKS) {
    const parent = tip;
    tip = await extend(parent);
    yield step(tip);
    const { height } = tip.point.header;
    // A sibling of as much work stays aside, and so does one with a little more, since its date is earlier.
    if (height === 40) yield step(await extend(parent, 1));
    if (height === 92) yield step(await extend(parent, 1, 40));
    // A branch of three replaces one of two.
    if (height === 60) tip = yield* branch(3, parent, extend, step);
    // A branch from below that is shorter waits, and its last block takes it past the head by more than half a block.
    if (height === 150) tip = yield* branch(2, parent, extend, step);
  }
}

async function* branch(
  count: number,
  from: Made,
  extend: (on: Made, salt: number) => Promise<Made>,
  step: (made: Made) => Step,
): AsyncGenerator<Step, Made> {
  let at = from;
  for (let i = 0; i < count; i++) {
    at = await extend(at, 1);
    yield step(at);
  }
  return at;
}
