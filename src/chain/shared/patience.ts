/**
 * How long a source of a branch's blocks is waited for: in all, not for each answer, or one that gives a little at a
 * time would be waited for without end (docs/protocol.md §10.1). Only the waiting counts, not what is done with the
 * answers.
 */
import { PROOFS_KEPT } from '../../core/params.ts';

/** ms for each PROOFS_KEPT blocks, begun ones counted: 24 KB/s where each is full. */
export const GIVEN_MS = 30_000;

export class Patience {
  readonly #nowMs: () => number;
  #leftMs: number;

  /** @param blocks how many are asked for in all */
  constructor(blocks: number, nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#leftMs = GIVEN_MS * Math.max(1, Math.ceil(blocks / PROOFS_KEPT));
  }

  get isOver(): boolean {
    return this.#leftMs < 0;
  }

  /** Waits for one answer. @throws what `ask` throws */
  async wait<T>(ask: () => Promise<T>): Promise<T> {
    const fromMs = this.#nowMs();
    try {
      return await ask();
    } finally {
      // A clock that is set back gives no more time.
      this.#leftMs -= Math.max(0, this.#nowMs() - fromMs);
    }
  }
}
