/**
 * Orthogonal matrices of entries ±1/√n. A stream or a head's values turned by one have no column that is larger than
 * the others, so that one unit serves all of them.
 */
import { blake3 } from '@noble/hashes/blake3.js';
import { AppError } from '../../../src/lib/errors.ts';

/** Orders that Paley's first (q + 1, q ≡ 3 mod 4) and second (2q + 2, q ≡ 1 mod 4) construction give, with their q. */
const PALEY: readonly (readonly [order: number, q: number])[] = [
  [12, 11],
  [20, 19],
  [28, 13],
  [60, 59],
];

/** Rows of a square matrix. */
type Square = readonly (readonly number[])[];

const square = (n: number, entry: (i: number, j: number) => number): Square =>
  Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => entry(i, j)));

/** a ⊗ b */
const kronecker = (a: Square, b: Square): Square =>
  square(a.length * b.length, (i, j) => {
    const [row, column] = [Math.floor(i / b.length), Math.floor(j / b.length)];
    return a[row]![column]! * b[i % b.length]![j % b.length]!;
  });

/** 1 of squares modulo the prime q, −1 of others, 0 of 0. */
function characterOf(q: number): (x: number) => number {
  const squares = new Set(Array.from({ length: q - 1 }, (_, i) => (i + 1) ** 2 % q));
  return (x) => {
    const rest = ((x % q) + q) % q;
    return rest === 0 ? 0 : squares.has(rest) ? 1 : -1;
  };
}

function paley(q: number): Square {
  const character = characterOf(q);
  const sign = q % 4 === 3 ? -1 : 1;
  /** Conference matrix: C·Cᵀ = q. */
  const c = square(q + 1, (i, j) => {
    if (i === 0 || j === 0) return i === j ? 0 : i === 0 ? 1 : sign;
    return character(j - i);
  });
  if (sign < 0) return c.map((row, i) => row.map((v, j) => (i === j ? 1 : v)));
  const [off, on]: [Square, Square] = [
    [
      [1, 1],
      [1, -1],
    ],
    [
      [1, -1],
      [-1, -1],
    ],
  ];
  const diagonal = square(q + 1, (i, j) => +(i === j));
  const [a, b] = [kronecker(c, off), kronecker(diagonal, on)];
  return a.map((row, i) => row.map((v, j) => v + b[i]![j]!));
}

/** Entries ±1, rows orthogonal; undefined where no construction of ours has the order. */
export function hadamard(n: number): Square | undefined {
  if (n === 1) return [[1]];
  for (const [order, q] of PALEY) {
    const rest = n % order === 0 && hadamard(n / order);
    if (rest) return kronecker(paley(q), rest);
  }
  const rest = n % 2 === 0 && hadamard(n / 2);
  return rest
    ? kronecker(
        [
          [1, 1],
          [1, -1],
        ],
        rest,
      )
    : undefined;
}

/** Seeded ±1. */
const signs = (name: string, count: number): number[] =>
  Array.from(blake3(new TextEncoder().encode(`pila ${name}`), { dkLen: count }), (b) =>
    b & 1 ? -1 : 1,
  );

/** h·diag(±1)/√order: Rᵀ, so that R is diag(±1)·hᵀ/√order. */
function turned(h: Square, name: string, order: number): Float32Array<ArrayBuffer> {
  const sign = signs(name, h.length);
  return Float32Array.from(h.flat(), (v, at) => (v * sign[at % h.length]!) / Math.sqrt(order));
}

/**
 * Rᵀ of the residual stream, n×n: x·R is the product of x with these rows.
 * @throws AppError MODEL_REFUSED: no Hadamard matrix of that width is known here
 */
export function streamRotation(width: number): Float32Array<ArrayBuffer> {
  const h = hadamard(width);
  if (!h)
    throw new AppError(
      'MODEL_REFUSED',
      `hidden ${width} is no power of two times 1, 12, 20, 28, 60 or their products`,
    );
  return turned(h, 'stream', width);
}

/** The same of a head's values: blocks of the largest power of two that divides the width. */
export function headRotation(width: number): Float32Array<ArrayBuffer> {
  const block = width & -width;
  const h = kronecker(
    square(width / block, (i, j) => +(i === j)),
    hadamard(block)!,
  );
  return turned(h, 'head', block);
}
