/**
 * Signatures that were verified here: the costliest rule, whose verdict can't change. One of the same
 * transaction in a block, in a block of another branch, or on its return to the pool is not verified again.
 */
import { verifyHash } from '../../core/channel.ts';
import type { SignedTx } from '../../core/formats.ts';
import { txId } from '../../core/tx/tx.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { toHex } from '../../lib/bytes.ts';

/** Two hundred kilobytes a thousand: 100 full blocks, and as many again of what waits. */
export const SIGNATURES_MAX = 50_000;

export class VerifiedSignatures {
  /** Id of the network's block 0. */
  readonly genesis: Uint8Array;
  /** The very objects, which are never changed: known without a hash. */
  readonly #objects = new WeakSet<SignedTx>();
  /** By id and signature: a changed signature leaves the id as it is. */
  readonly #known: BoundedMap<string, true>;

  /** @param max signatures remembered; the one used longest ago is forgotten */
  constructor(genesis: Uint8Array, max = SIGNATURES_MAX) {
    this.genesis = genesis;
    this.#known = new BoundedMap(max);
  }

  has(signed: SignedTx): boolean {
    if (this.#objects.has(signed)) return true;
    const isKnown = this.#known.get(this.#keyOf(signed)) ?? false;
    if (isKnown) this.#objects.add(signed);
    return isKnown;
  }

  add(signed: SignedTx): void {
    if (this.#objects.has(signed)) return;
    this.#objects.add(signed);
    this.#known.set(this.#keyOf(signed), true);
  }

  #keyOf({ tx, signature }: SignedTx): string {
    return nameOf(txId(this.genesis, tx), signature);
  }

  /** `verifyHash` of core, remembered with the key: a false state may say that a channel has another signer. */
  readonly verifyHash: typeof verifyHash = (hashed, signature, key) => {
    const name = nameOf(hashed, signature) + toHex(key);
    if (this.#known.get(name)) return true;
    const isRight = verifyHash(hashed, signature, key);
    if (isRight) this.#known.set(name, true);
    return isRight;
  };
}

const nameOf = (hashed: Uint8Array, signature: Uint8Array): string =>
  toHex(hashed) + toHex(signature);
