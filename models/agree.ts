/** Tries that a sequence has one answer in all shapes of a package, which the checker does not prove of two graphs. */
import { answerBytes } from '../src/core/manifest.ts';
import { toHex } from '../src/lib/bytes.ts';
import { AppError } from '../src/lib/errors.ts';
import type { Backend, ModelPackage } from '../src/miner/engine/backend.ts';
import { createRandom, type Random } from '../test/sim/random.ts';

/** Random token ids without padding. */
const sequenceOf = (random: Random, length: number, vocabulary: number): Uint32Array =>
  Uint32Array.from({ length }, () => random.int(1, vocabulary - 1));

/** Sequences that are tried. */
const SEQUENCES = 24;

/**
 * Runs sequences of all lengths in every shape that holds them, each alone and once more at a random seat of a whole
 * batch. @returns what was tried, as a sentence @throws AppError MODEL_REFUSED where two answers differ
 */
export async function requireShapes(
  { manifest }: Pick<ModelPackage, 'manifest'>,
  backend: Backend,
): Promise<string> {
  const { shapes, vocabulary, name } = manifest;
  const random = createRandom(1, `shapes of ${name}`);
  const longest = Math.max(...shapes.map(({ tokens }) => tokens));
  let passes = 0;
  for (let i = 0; i < SEQUENCES; i++) {
    // Those that fill a shape first: ends of sequences are where shapes differ most easily.
    const length = shapes[i]?.tokens ?? random.int(1, longest);
    const ids = sequenceOf(random, length, vocabulary);
    let wanted: string | undefined;
    for (const [shape, { tokens: most, sequences }] of shapes.entries()) {
      if (most < length) continue;
      for (const count of [1, sequences]) {
        const seat = random.int(0, count - 1);
        const tokens = new Uint32Array(count * most);
        for (let s = 0; s < count; s++) {
          const other = sequenceOf(random, random.int(1, most), vocabulary);
          tokens.set(s === seat ? ids : other, s * most);
        }
        const { answer } = await backend.pass({ shape, tokens, sigma0: undefined, limits: [] });
        const from = seat * answerBytes(manifest, shapes[shape]!);
        // A generator says nothing of the padding behind a text.
        const size = answerBytes(manifest, { tokens: length });
        const row = toHex(Uint8Array.from(answer.subarray(from, from + size)));
        wanted ??= row;
        if (row !== wanted)
          throw new AppError(
            'MODEL_REFUSED',
            `${length} tokens have another answer in shape ${shape}`,
          );
        passes++;
      }
    }
  }
  return `shapes: ${SEQUENCES} sequences had one answer each in ${passes} passes`;
}
