/**
 * The answers that wait for a pass: who comes first, and whose sequences share one. A row of an exact model does
 * not depend on its neighbours (src/miner/checker/shape.ts), so a pass is filled from all who ask the same model.
 */
import { AppError } from '../../lib/errors.ts';
import { RANKS, type Rank } from './miner-api.ts';

/** What may wait of each rank: a flood of one takes nothing from another. */
export const WAITING_MAX: Readonly<
  Record<Rank, { readonly jobs: number; readonly bytes: number }>
> = {
  own: { jobs: 64, bytes: 2 ** 21 },
  payer: { jobs: 256, bytes: 2 ** 23 },
  stranger: { jobs: 32, bytes: 2 ** 19 },
};
/** Sequences of one job: longer input is asked for in parts, between which others have their turn. */
export const SEQUENCES_MAX = 64;
/**
 * Every so many passes the job that waits longest comes first, whatever its rank: payers who fill every pass would
 * let a stranger wait for ever, and one pass in eight is all that a crowd of strangers can take from them.
 */
export const OLDEST_EVERY = 8;

export interface AnswerTokens {
  /** Identifies the job for `drop`. */
  readonly id: number;
  readonly rank: Rank;
  /** The model's name. */
  readonly model: string;
  /** Sequences in a pass of the model. */
  readonly batch: number;
  /** Token ids of each sequence. */
  readonly sequences: readonly Uint32Array[];
}

/** One sequence of a pass: number `at` of its job. */
export interface Seat {
  readonly id: number;
  readonly at: number;
  readonly tokens: Uint32Array;
}

/** What one pass runs, at most as many seats as the model has sequences. */
export interface Batch {
  readonly model: string;
  readonly seats: readonly Seat[];
}

interface Waiting {
  readonly job: AnswerTokens;
  /** Its sequences that have a pass. */
  taken: number;
}

const bytesOf = ({ job, taken }: Waiting): number =>
  job.sequences.slice(taken).reduce((sum, { byteLength }) => sum + byteLength, 0);

export class AnswerQueue {
  /** In the order in which they came. */
  #waiting: readonly Waiting[] = [];
  /** Passes taken by rank. */
  #taken = 0;

  /** Jobs of which a sequence waits. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Passes that all which wait would take. */
  get passes(): number {
    const sequences = new Map<string, { batch: number; count: number }>();
    for (const { job, taken } of this.#waiting) {
      const count = sequences.get(job.model)?.count ?? 0;
      sequences.set(job.model, {
        batch: job.batch,
        count: count + job.sequences.length - taken,
      });
    }
    return [...sequences.values()].reduce((sum, x) => sum + Math.ceil(x.count / x.batch), 0);
  }

  has(rank: Rank): boolean {
    return this.#waiting.some(({ job }) => job.rank === rank);
  }

  /** @throws AppError BUSY */
  add(job: AnswerTokens): void {
    const entry = { job, taken: 0 };
    const peers = this.#waiting.filter((each) => each.job.rank === job.rank);
    const bytes = [...peers, entry].reduce((sum, each) => sum + bytesOf(each), 0);
    const most = WAITING_MAX[job.rank];
    if (peers.length >= most.jobs || bytes > most.bytes)
      throw new AppError('BUSY', `${peers.length} answers wait`);
    this.#waiting = [...this.#waiting, entry];
  }

  drop(id: number): void {
    this.#waiting = this.#waiting.filter(({ job }) => job.id !== id);
  }

  /** The next pass; `rank`: for a job of this rank, out of turn. undefined: nothing waits. */
  take(rank?: Rank): Batch | undefined {
    const inOrder = this.#waiting.toSorted(
      (one, other) => RANKS.indexOf(one.job.rank) - RANKS.indexOf(other.job.rank),
    );
    const isOldest = !rank && (this.#taken + 1) % OLDEST_EVERY === 0;
    const first = rank
      ? inOrder.find(({ job }) => job.rank === rank)
      : (isOldest ? this.#waiting : inOrder)[0];
    if (!first) return undefined;
    if (!rank) this.#taken++;

    const { model, batch } = first.job;
    const seats: Seat[] = [];
    for (const each of [first, ...inOrder]) {
      if (each.job.model !== model) continue;
      while (each.taken < each.job.sequences.length && seats.length < batch) {
        const at = each.taken++;
        seats.push({ id: each.job.id, at, tokens: each.job.sequences[at]! });
      }
    }
    this.#waiting = this.#waiting.filter(({ job, taken }) => taken < job.sequences.length);
    return { model, seats };
  }
}
