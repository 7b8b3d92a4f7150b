/**
 * Signatures of blocks, verified before the blocks are executed: on other cores, while what came before them is
 * imported. What is found right is remembered; whatever is not known by then is verified by execution itself.
 */
import type { Body, SignedTx } from '../../core/formats.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { toHex } from '../../lib/bytes.ts';
import type { VerifiedSignatures } from '../shared/verified-signatures.ts';

/**
 * Whether each signature is right, found out elsewhere; undefined when that is too busy for them, or gone. The
 * caller verifies these itself. It never throws.
 */
export type VerifyElsewhere = (
  genesis: Uint8Array,
  signed: readonly SignedTx[],
) => Promise<readonly boolean[] | undefined>;

/** Bodies remembered as verified whole: those of twice the window of a reorganisation. */
const BODIES_MAX = 4096;

export class SignatureCheck {
  readonly known: VerifiedSignatures;
  readonly #elsewhere: VerifyElsewhere | undefined;
  /** By their root in hex, which commits to each signature: a body on its way back is not looked at again. */
  readonly #bodies = new BoundedMap<string, true>(BODIES_MAX);
  /** Those on their way. */
  readonly #asked = new WeakMap<SignedTx, Promise<void>>();

  constructor(known: VerifiedSignatures, elsewhere?: VerifyElsewhere) {
    this.known = known;
    this.#elsewhere = elsewhere;
  }

  /**
   * Begins with those of a body that are not known. Resolves when all that are asked for, now or before, have come.
   * @param root the body's, and that was verified
   */
  async begin(root: Uint8Array, body: Body): Promise<void> {
    if (!this.#elsewhere || this.#bodies.has(toHex(root))) return;
    const fresh = body.transactions.filter(
      (signed) => !this.#asked.has(signed) && !this.known.has(signed),
    );
    if (fresh.length) {
      const learned = this.#learn(fresh, this.#elsewhere);
      for (const signed of fresh) this.#asked.set(signed, learned);
    }
    for (const signed of body.transactions) await this.#asked.get(signed);
    if (body.transactions.every((signed) => this.known.has(signed)))
      this.#bodies.set(toHex(root), true);
  }

  /** Which signatures of that body are known. */
  knownOf(root: Uint8Array): (signed: SignedTx) => boolean {
    return this.#bodies.has(toHex(root)) ? () => true : (signed) => this.known.has(signed);
  }

  /** The body was executed, and so its signatures are right. Another branch may hold some of them. */
  executed(root: Uint8Array, body: Body): void {
    if (this.#bodies.has(toHex(root))) return;
    for (const signed of body.transactions) this.known.add(signed);
    this.#bodies.set(toHex(root), true);
  }

  async #learn(signed: readonly SignedTx[], elsewhere: VerifyElsewhere): Promise<void> {
    const right = await elsewhere(this.known.genesis, signed);
    for (const [i, one] of signed.entries()) if (right?.[i]) this.known.add(one);
  }
}
