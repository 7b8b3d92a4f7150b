/** Tries that a sequence has one answer in all shapes of a package, which the checker does not prove of two graphs. */
import { answerBytes } from '../src/core/manifest.ts';
import { toHex } from '../src/lib/bytes.ts';
import { AppError } from '../src/lib/errors.ts';
import type { Backend, ModelPackage } from '../src/miner/engine/backend.ts';
import { createRandom, type Random } from '../test/sim/random.ts';

/** Random token ids without padding. */
const sequenceOf = (random: Random, length: number, vocabulary: number): Uint32Array =>
  Uint32Array.from({ length }, () => random.int(1, vocabulary - 1));

/** Sequences that are tried, and tokens of all passes together after which no further one is: long shapes take long. */
const SEQUENCES = 24;
const TOKENS_MAX = 2 ** 15;

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
  let [tried, passes, passed] = [0, 0, 0];
  for (let i = 0; i < SEQUENCES && passed < TOKENS_MAX; i++) {
    // Those that fill a shape first: ends of sequences are where shapes differ most easily.
    const length = shapes[i]?.tokens ?? random.int(1, longest);
    const ids = sequenceOf(random, length, vocabulary);
    let wanted: string | undefined;
    const holding = [...shapes.entries()].filter(([, { tokens: most }]) => most >= length);
    // What runs once has nothing to differ from.
    if (holding.length === 1 && holding[0]![1].sequences === 1) continue;
    tried++;
    for (const [shape, { tokens: most, sequences }] of holding) {
      for (const count of new Set([1, sequences])) {
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
        passed += tokens.length;
      }
    }
  }
  return `shapes: ${tried} sequences had one answer each in ${passes} passes`;
}
