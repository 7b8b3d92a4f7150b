/**
 * Where a sequence runs that somebody asks about: in the shortest of its package's shapes that holds it. Its row is the
 * same in each (models/README.md), so a batch of short texts pays for its rows and not for the longest.
 */
import { shapesOfInput, tokenIds, tokensMax, type Manifest } from '../../core/manifest.ts';

/** A sequence with the shape that it runs in. */
export interface Placed {
  /** Place of the shape in the manifest. */
  readonly shape: number;
  /** As many token ids as a sequence of that shape has. */
  readonly tokens: Uint32Array;
}

/**
 * Sequences of an input, of which there is at least one; the last is filled up with padding. undefined: a part of a
 * token, or an id that is not below V.
 */
export function sequencesOf(input: Uint8Array, manifest: Manifest): Placed[] | undefined {
  const ids = tokenIds(input, manifest);
  const longest = tokensMax(manifest);
  return (
    ids &&
    shapesOfInput(manifest, input).map((shape, i) => {
      const tokens = new Uint32Array(manifest.shapes[shape]!.tokens);
      tokens.set(ids.subarray(i * longest, i * longest + tokens.length));
      return { shape, tokens };
    })
  );
}

/** The tokens of one pass over sequences of one shape. */
export function joinTokens(sequences: readonly Placed[]): Uint32Array {
  const length = sequences[0]?.tokens.length ?? 0;
  const tokens = new Uint32Array(sequences.length * length);
  for (const [i, sequence] of sequences.entries()) tokens.set(sequence.tokens, i * length);
  return tokens;
}
