/** An answer that is asked for again and again: the last one stays until the next is there. */
import { AppError } from '../../lib/errors.ts';
import type { Problem } from '../session.svelte.ts';

export class Loaded<T> {
  value = $state.raw<T>();
  problem = $state.raw<Problem>();
  /** Nothing was answered yet. */
  fresh = $state.raw(true);
  #turn = 0;

  /** A later question's answer is never replaced by an earlier one's. */
  async load(ask: () => Promise<T>): Promise<void> {
    const turn = ++this.#turn;
    try {
      const value = await ask();
      if (turn !== this.#turn) return;
      this.value = value;
      this.problem = undefined;
    } catch (error) {
      if (turn !== this.#turn) return;
      this.problem = AppError.from(error).toJSON();
    }
    this.fresh = false;
  }

  /** Another question: the old answer is no answer to it. */
  reset(): void {
    this.#turn++;
    this.value = undefined;
    this.problem = undefined;
    this.fresh = true;
  }
}
