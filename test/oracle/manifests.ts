/** Manifests for tests that need no package: everything that a test does not name is the least that is allowed. */
import { ZERO_HASH } from '../../src/core/hash.ts';
import {
  MANIFEST_VERSION,
  OPERAND_MAX,
  type Manifest,
  type Shape,
} from '../../src/core/manifest.ts';

export interface Invented extends Partial<Omit<Manifest, 'linears' | 'shapes'>> {
  readonly sequences?: number;
  readonly tokens?: number;
  readonly linears: readonly {
    readonly k: number;
    readonly n: number;
    readonly r: number;
    readonly weights?: Uint8Array;
  }[];
  /** Of the shape that is mined. */
  readonly shape?: Partial<Shape>;
}

export function inventedManifest(of: Invented): Manifest {
  const { sequences = 2, tokens = 16, shape, linears, ...fields } = of;
  const steps = [ZERO_HASH, ...linears.map(() => ZERO_HASH)];
  return {
    version: MANIFEST_VERSION,
    name: 'invented',
    kind: 0,
    vocabulary: 257,
    packing: 'bytes',
    answerSize: 16,
    labels: [],
    linears: linears.map((l) => ({
      low: -OPERAND_MAX,
      high: OPERAND_MAX,
      weights: ZERO_HASH,
      ...l,
    })),
    tables: [],
    shapes: [
      {
        sequences,
        tokens,
        segments: steps.map((hash) => ({ hash, size: 1 })),
        carries: [],
        known: steps,
        ...shape,
      },
    ],
    tokenizer: null,
    template: null,
    licence: '',
    attribution: '',
    ...fields,
  };
}
