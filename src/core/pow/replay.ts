/**
 * The pure half of the full check (docs/protocol.md §5.6): whoever has the model replays the unit up
 * to ℓ* and compares. Operands are a unique function of model and input, so this is equality.
 */
import { equal } from '../../lib/bytes.ts';
import { firstFault, fault, type Fault, type FaultCode } from '../faults.ts';
import type { Proof } from '../formats.ts';

/** What a pass over the header's own tokens gave, up to at least the proof's linear. */
export interface Replayed {
  readonly a: readonly Uint8Array[];
  readonly t: readonly Uint8Array[];
  readonly winner: { readonly linear: number; readonly tile: number } | undefined;
}

const firstDifference = (ours: readonly Uint8Array[], theirs: readonly Uint8Array[]): number =>
  theirs.findIndex((hash, i) => !ours[i] || !equal(hash, ours[i]));

function* replayFaults(p: Proof, replayed: Replayed): Generator<Fault> {
  const a = firstDifference(replayed.a, p.a);
  if (a >= 0) yield fault('proof.activations', { linear: a + 1 });
  const t = firstDifference(replayed.t, p.t);
  if (t >= 0) yield fault('proof.transcript', { linear: t + 1 });
  const w = replayed.winner;
  if (!w || w.linear !== p.linear || w.tile !== p.tile)
    yield fault('proof.earlier-winner', { linear: w?.linear, tile: w?.tile });
}

/** First fault of a light-checked proof against the replay of its unit, or undefined. `off`: as in `firstFault`. */
export const compareReplay = (
  off: ReadonlySet<FaultCode>,
  proof: Proof,
  replayed: Replayed,
): Fault | undefined => firstFault(off, replayFaults(proof, replayed));
