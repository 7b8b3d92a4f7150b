/** What a liar makes of other people's requests: claims without work, answers copied, wrong, or late. */
import { addressOf } from '../../src/core/address.ts';
import type { SignedTx, TxOf } from '../../src/core/formats.ts';
import { commitmentOf, type Execution } from '../../src/core/tx/state-tx.ts';
import { txId } from '../../src/core/tx/tx.ts';
import { BoundedMap } from '../../src/lib/bounded.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { sign, type Person } from '../chain/make-blocks.ts';
import type { Random } from './random.ts';
import { executionOf } from './work.ts';

const HEARD_MAX = 50;

interface Heard {
  readonly id: Uint8Array;
  readonly request: TxOf<'request'>;
  /** Somebody's, as told. */
  answer: Uint8Array | undefined;
}

export class Cheat {
  readonly #heard = new BoundedMap<string, Heard>(HEARD_MAX);
  readonly #key: Person;
  readonly #random: Random;

  constructor(key: Person, random: Random) {
    this.#key = key;
    this.#random = random;
  }

  hear({ tx }: SignedTx): void {
    if (tx.type === 'request') {
      const id = txId(tx);
      this.#heard.set(toHex(id), { id, request: tx, answer: undefined });
    }
    const known = tx.type === 'result' && this.#heard.get(toHex(tx.request));
    if (known && tx.type === 'result') known.answer = tx.answer;
  }

  /** A claim with that nonce, and mostly a result behind it; nothing when nobody asks. */
  next(nonce: number): SignedTx[] {
    const random = this.#random;
    const open = [...this.#heard].map(([, heard]) => heard);
    if (!open.length) return [];
    const { id, request, answer } = random.pick(open);
    this.#heard.delete(toHex(id));
    const noise = Uint8Array.from({ length: 32 }, () => random.int(0, 255));
    const truth = executionOf(request.input);
    const way = random.pick(['idle', 'copy', 'wrong', 'late'] as const);
    const claimed: Execution = {
      idle: { execution: noise, answer: noise },
      // Who did not run it knows the answer at most.
      copy: { execution: noise, answer: answer ?? truth.answer },
      wrong: executionOf(noise),
      late: truth,
    }[way];
    const commitment = commitmentOf(id, addressOf(this.#key.xonly), claimed);
    const claim = sign(this.#key, nonce, { type: 'claim', request: id, commitment });
    if (way === 'idle') return [claim];
    const result = { type: 'result', request: id, answer: claimed.answer };
    return [claim, sign(this.#key, nonce + 1, result, 0n)];
  }
}
