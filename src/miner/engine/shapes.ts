/**
 * Where a sequence runs that somebody asks about: in the shortest of its package's shapes that holds it. Its row is the
 * same in each (models/README.md), so a batch of short texts pays for its rows and not for the longest.
 */
import { unitShape, type Manifest, type Shape } from '../../core/manifest.ts';

/** A sequence with the shape that it runs in. */
export interface Placed {
  /** Place of the shape in the manifest. */
  readonly shape: number;
  /** As many token ids as a sequence of that shape has. */
  readonly tokens: Uint32Array;
}

/** Tokens up to the last that is no padding. Of padding alone all count: what that means is the whole shape's. */
const usedTokens = (sequence: Uint32Array): number =>
  sequence.findLastIndex((id) => id !== 0) + 1 || sequence.length;

/** Place of the shortest shape of at least `length` tokens, of equals that with the most sequences. */
export function shapeFor(
  shapes: readonly Pick<Shape, 'sequences' | 'tokens'>[],
  length: number,
): number {
  let best = 0;
  for (const [i, { tokens, sequences }] of shapes.entries()) {
    const now = shapes[best]!;
    const isBetter = tokens < now.tokens || (tokens === now.tokens && sequences > now.sequences);
    if (tokens >= length && isBetter) best = i;
  }
  return best;
}

/** Sequences of an input's token ids, as the shape that is mined packs them; the last one is filled up with padding. */
export function sequencesOf(ids: Uint32Array, manifest: Manifest): Placed[] {
  const { tokens: length } = unitShape(manifest);
  return Array.from({ length: Math.ceil(ids.length / length) }, (_, i) => {
    const whole = new Uint32Array(length);
    whole.set(ids.subarray(i * length, (i + 1) * length));
    const shape = shapeFor(manifest.shapes, usedTokens(whole));
    return { shape, tokens: whole.subarray(0, manifest.shapes[shape]!.tokens) };
  });
}

/** The tokens of one pass over sequences of one shape. */
export function joinTokens(sequences: readonly Placed[]): Uint32Array {
  const length = sequences[0]?.tokens.length ?? 0;
  const tokens = new Uint32Array(sequences.length * length);
  for (const [i, sequence] of sequences.entries()) tokens.set(sequence.tokens, i * length);
  return tokens;
}
