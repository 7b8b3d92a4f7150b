import { describe, expect, it } from 'vitest';
import { noisyRows, permutation } from '../../../src/core/pow/noise.ts';
import { tileMessage, ticket } from '../../../src/core/pow/transcript.ts';
import { plainHash } from '../../../src/core/hash.ts';
import { layerSeed } from '../../../src/core/pow/seed.ts';
import { matrixFrom, multiply, naiveLinear, transpose } from '../../oracle/naive-pass.ts';
import { randomBytes, randomOperand } from '../../oracle/random.ts';

const SHAPES = [
  { m: 32, k: 128, n: 48, r: 16 },
  { m: 16, k: 320, n: 32, r: 16 }, // more steps than message words
  { m: 16, k: 640, n: 16, r: 80 }, // streams of more than one block
];

describe.each(SHAPES)('a linear of $m×$k×$n, rank $r', (shape) => {
  const { m, k, n, r } = shape;
  const activations = randomOperand('A', m * k);
  const weights = randomOperand('B', n * k);
  const before = randomBytes('sigma', 32);
  const t = randomBytes('t', 32);
  const naive = naiveLinear(shape, 2, before, t, activations, weights);
  const { sigma } = naive;

  it('has the oracle’s seed and noise', () => {
    const bHash = plainHash(new Uint8Array(weights));
    expect(layerSeed(before, t, naive.x, bHash, 2)).toEqual(sigma);
    const noisyA = noisyRows(sigma, 'a', 0, activations, k, r);
    const noisyB = noisyRows(sigma, 'b', 0, weights, k, r);
    expect(matrixFrom(noisyA, m, k)).toEqual(naive.noisyA);
    expect(transpose(matrixFrom(noisyB, n, k))).toEqual(naive.noisyB);
    expect(Math.max(...noisyA, ...noisyB)).toBeLessThanOrEqual(126);
    expect(Math.min(...noisyA, ...noisyB)).toBeGreaterThanOrEqual(-126);
  });

  it('has the oracle’s message and ticket in every tile', () => {
    for (let tile = 0; tile < naive.messages.length; tile++) {
      const row = 16 * Math.floor(tile / (n / 16));
      const column = 16 * (tile % (n / 16));
      const rows = activations.subarray(row * k, (row + 16) * k);
      const columns = weights.subarray(column * k, (column + 16) * k);
      const message = tileMessage(
        noisyRows(sigma, 'a', row, rows, k, r),
        noisyRows(sigma, 'b', column, columns, k, r),
        k,
        r,
      );
      expect(message).toEqual(naive.messages[tile]);
      expect(ticket(sigma, message, 2, tile)).toBe(naive.tickets[tile]);
    }
  });

  it('peels to the exact product', () => {
    const exact = multiply(matrixFrom(activations, m, k), transpose(matrixFrom(weights, n, k)));
    expect(naive.product).toEqual(exact);
  });
});

it('permutations are permutations, and differ', () => {
  const sigma = randomBytes('sigma', 32);
  const seen = new Set<string>();
  for (let q = 0; q < 8; q++) {
    const order = permutation(sigma, 'a', q, 32);
    expect([...order].sort((x, y) => x - y)).toEqual(Array.from({ length: 32 }, (_, i) => i));
    seen.add(order.join());
  }
  expect(seen.size).toBe(8);
});

it('a layer’s seed depends on everything before it', () => {
  const [x, y] = [randomBytes('x', 32), randomBytes('y', 32)];
  const all = [
    layerSeed(x, x, x, x, 1),
    layerSeed(y, x, x, x, 1),
    layerSeed(x, y, x, x, 1),
    layerSeed(x, x, y, x, 1),
    layerSeed(x, x, x, y, 1),
    layerSeed(x, x, x, x, 2),
  ];
  expect(new Set(all.map(String)).size).toBe(all.length);
});
