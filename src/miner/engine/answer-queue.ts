/**
 * The answers that wait for a pass: who comes first, and whose sequences share one. A row of an exact model does
 * not depend on its neighbours (src/miner/checker/shape.ts), so a pass is filled from all who ask the same model
 * about sequences of the same shape: a short one never pays for the length of another.
 */
import { AppError } from '../../lib/errors.ts';
import { RANKS, type Rank } from './miner-api.ts';
import type { Placed } from './shapes.ts';

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
  /** Sequences in a pass of each of the model's shapes. */
  readonly batches: readonly number[];
  readonly sequences: readonly Placed[];
}

/** One sequence of a pass: number `at` of its job. */
export interface Seat extends Placed {
  readonly id: number;
  readonly at: number;
}

/** What one pass runs: seats of one shape, at most as many as that has sequences. */
export interface Batch {
  readonly model: string;
  readonly shape: number;
  readonly seats: readonly Seat[];
}

interface Waiting {
  readonly job: AnswerTokens;
  /** Its sequences that have no pass yet, in order. */
  left: readonly Seat[];
}

const bytesOf = ({ left }: Waiting): number =>
  left.reduce((sum, { tokens }) => sum + tokens.byteLength, 0);

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
    const shared = new Map<string, { batch: number; count: number }>();
    for (const { job, left } of this.#waiting)
      for (const { shape } of left) {
        const key = `${shape} ${job.model}`;
        const count = (shared.get(key)?.count ?? 0) + 1;
        shared.set(key, { batch: job.batches[shape]!, count });
      }
    return [...shared.values()].reduce((sum, x) => sum + Math.ceil(x.count / x.batch), 0);
  }

  has(rank: Rank): boolean {
    return this.#waiting.some(({ job }) => job.rank === rank);
  }

  /** @throws AppError BUSY */
  add(job: AnswerTokens): void {
    const left = job.sequences.map((sequence, at) => ({ id: job.id, at, ...sequence }));
    const entry = { job, left };
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

    const { model, batches } = first.job;
    const { shape } = first.left[0]!;
    const seats: Seat[] = [];
    for (const each of [first, ...inOrder]) {
      if (each.job.model !== model) continue;
      const fitting = each.left.filter((seat) => seat.shape === shape);
      const taken = new Set(fitting.slice(0, batches[shape]! - seats.length));
      seats.push(...taken);
      each.left = each.left.filter((seat) => !taken.has(seat));
    }
    this.#waiting = this.#waiting.filter(({ left }) => left.length);
    return { model, shape, seats };
  }
}
