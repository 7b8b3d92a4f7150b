/** From a decoder's constants to the source of its package: all shapes of one set of constants. */
import type { Source } from '../finish.ts';
import type { DecoderConstants, DecoderShape, ScaledLinear } from './description.ts';
import { decoderSegments } from './segments.ts';

/** What the constants do not say. */
export interface DecoderPackaging {
  readonly name: string;
  readonly licence: string;
  readonly attribution: string;
  /** The first is the shortest, as a rule: it keeps what a judge of one step has. */
  readonly shapes: readonly DecoderShape[];
  readonly tokenizer?: Uint8Array;
  /** Bytes of generation.json. */
  readonly generation?: Uint8Array;
}

/** Rank of the noise, which a served model has none of: a multiple of 16, at most an eighth of k, a divisor of it. */
const rankOf = (k: number): number => [48, 32, 16].find((r) => k >= 16 * r && k % r === 0) ?? 16;

/** Linears 1 to L in order: down's weights stand twice, as one array. */
function linearsOf({ layers, last }: DecoderConstants): Source['linears'] {
  const all = layers.flatMap(({ qkv, out, gateUp, down }) => [qkv, out, gateUp, down, down]);
  return [...all, last].map(({ weight, factors }: ScaledLinear) => {
    const n = factors.length;
    const k = weight.length / n;
    return { k, n, r: rankOf(k), weight };
  });
}

/** Source of a package of kind generator; its answer is a row [d] of the head's operand for each token. */
export function decoderSource(c: DecoderConstants, packaging: DecoderPackaging): Source {
  const { shapes, ...named } = packaging;
  const tokensMax = Math.max(...shapes.map(({ tokens }) => tokens));
  const [first, ...otherShapes] = shapes.map((shape) => ({
    ...shape,
    graphs: decoderSegments(c, shape, tokensMax),
  }));
  if (!first) throw new Error('a package without shapes');
  const { hidden, vocabulary } = c.size;
  return {
    ...named,
    ...first,
    otherShapes,
    kind: 'generator',
    vocabulary,
    packing: vocabulary > 2 ** 16 ? 'u24' : 'u16',
    answerSize: hidden,
    labels: [],
    linears: linearsOf(c),
    tables: [
      { width: hidden, wide: 1, values: c.rows },
      { width: 1, wide: 2, values: c.multipliers },
    ],
  };
}
