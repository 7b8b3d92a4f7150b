/** A liar's transactions for other people's requests: claims without work, answers copied, wrong, or late. */
import { addressOf } from '../../src/core/address.ts';
import type { SignedTx, TxOf } from '../../src/core/formats.ts';
import { commitmentOf, type Execution } from '../../src/core/tx/state-tx.ts';
import { txId } from '../../src/core/tx/tx.ts';
import { BoundedMap } from '../../src/lib/bounded.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { sign, type Person } from '../chain/make-blocks.ts';
import type { Random } from './random.ts';
import { executionOf } from './work.ts';

const REQUESTS_MAX = 50;

interface SeenRequest {
  readonly id: Uint8Array;
  readonly request: TxOf<'request'>;
  /** An answer of somebody else, as announced. */
  answer: Uint8Array | undefined;
}

export class Cheat {
  readonly #requests = new BoundedMap<string, SeenRequest>(REQUESTS_MAX);
  readonly #key: Person;
  readonly #random: Random;

  constructor(key: Person, random: Random) {
    this.#key = key;
    this.#random = random;
  }

  onTx({ tx }: SignedTx): void {
    if (tx.type === 'request') {
      const id = txId(tx);
      this.#requests.set(toHex(id), { id, request: tx, answer: undefined });
    }
    const known = tx.type === 'result' && this.#requests.get(toHex(tx.request));
    if (known && tx.type === 'result') known.answer = tx.answer;
  }

  /** A claim with that nonce, and mostly a result after it; nothing when there is no request. */
  next(nonce: number): SignedTx[] {
    const random = this.#random;
    const open = [...this.#requests].map(([, seen]) => seen);
    if (!open.length) return [];
    const { id, request, answer } = random.pick(open);
    this.#requests.delete(toHex(id));
    const noise = Uint8Array.from({ length: 32 }, () => random.int(0, 255));
    const truth = executionOf(request.input);
    const way = random.pick(['idle', 'copy', 'wrong', 'late'] as const);
    const claimed: Execution = {
      idle: { execution: noise, answer: noise },
      // A liar that did not run the model knows at most the answer, not the execution.
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
