/**
 * The pure half of the full check (docs/protocol.md §5.6): a peer with the model replays the unit up to ℓ*
 * and compares. Operands are a unique function of model and input, so the comparison is plain equality.
 */
import { equal } from '../../lib/bytes.ts';
import type { Fault } from '../faults.ts';
import type { Proof } from '../formats.ts';
import { rule, type Rule } from '../rules.ts';
import { statesOf } from './proof.ts';

/** The outcome of a pass over the header's own tokens, up to at least the proof's linear. */
export interface Replayed {
  readonly x: readonly Uint8Array[];
  readonly t: readonly Uint8Array[];
  readonly winner: { readonly linear: number; readonly tile: number } | undefined;
}

const firstDifference = (ours: readonly Uint8Array[], theirs: readonly Uint8Array[]): number =>
  theirs.findIndex((hash, i) => !ours[i] || !equal(hash, ours[i]));

/** A proof that passed the light check, and the replay of its unit. */
export interface ReplayInput {
  readonly proof: Proof;
  readonly replayed: Replayed;
}

export const REPLAY_RULES: readonly Rule<ReplayInput>[] = [
  rule('proof.activations', '5.6', ({ proof, replayed }) => {
    const at = firstDifference(replayed.x, statesOf(proof));
    return at >= 0 ? { linear: at + 1 } : undefined;
  }),
  rule('proof.transcript', '5.6', ({ proof, replayed }) => {
    const at = firstDifference(replayed.t, proof.t);
    return at >= 0 ? { linear: at + 1 } : undefined;
  }),
  rule('proof.earlier-winner', '5.6', ({ proof, replayed: { winner } }) =>
    winner?.linear === proof.linear && winner.tile === proof.tile
      ? undefined
      : { linear: winner?.linear, tile: winner?.tile },
  ),
];

/** Every fault that a replay shows, in order; the caller decides which of them count. */
export const replayFaults = (input: ReplayInput): Fault[] =>
  REPLAY_RULES.flatMap(({ faults }) => [...faults(input)]);
