/**
 * Proofs for light-check tests: a pass over *invented* activations, which is all that a light check
 * can tell from an honest one. Small matrices in plain JS, so that grinding for a winner is quick.
 */
import type { Header } from '../../src/core/formats.ts';
import { plainHash, ZERO_HASH } from '../../src/core/hash.ts';
import type { Linear, Manifest } from '../../src/core/manifest.ts';
import { noisyRows } from '../../src/core/pow/noise.ts';
import { layerSeed, seedOf } from '../../src/core/pow/seed.ts';
import {
  ticket,
  ticketLimits,
  tileCount,
  tileMessage,
  tileOrigin,
} from '../../src/core/pow/transcript.ts';
import { targetFromBits } from '../../src/core/header/target.ts';
import { concat } from '../../src/lib/bytes.ts';
import { randomOperand } from './random.ts';

export interface ShapeOf {
  readonly k: number;
  readonly n: number;
  readonly r: number;
}

/** A manifest of these linears, with random weights; its segments are nobody's. */
export function inventManifest(sequences: number, tokens: number, shapes: ShapeOf[]) {
  const weights = shapes.map((s, i) => randomOperand(`weights ${i}`, s.n * s.k));
  const linears = shapes.map((s, i) => ({
    ...s,
    m: sequences * tokens,
    weights: plainHash(new Uint8Array(weights[i]!)),
  }));
  const manifest: Manifest = {
    version: 1,
    name: 'invented',
    sequences,
    tokens,
    vocabulary: 257,
    packing: 'bytes',
    answerSize: 1,
    labels: [],
    segments: [ZERO_HASH, ...weights.map(() => ZERO_HASH)].map((hash) => ({ hash, size: 1 })),
    linears,
    kappa64: 40,
    knownAnswer: weights.map(() => ZERO_HASH),
    tokenizer: null,
  };
  return { manifest, weights };
}

export const blankHeader = (bits: number): Header => ({
  version: 1,
  height: 1,
  prevHash: ZERO_HASH,
  mmrRoot: ZERO_HASH,
  bodyRoot: ZERO_HASH,
  stateRoot: ZERO_HASH,
  sharesRoot: ZERO_HASH,
  miner: ZERO_HASH,
  time: 1,
  bits,
  totalWork: 0n,
  nonce: 0n,
  modelId: ZERO_HASH,
  proofDigest: ZERO_HASH,
});

const tileRows = (x: Int8Array, first: number, k: number) =>
  x.subarray(first * k, (first + 16) * k);

function messagesOf(l: Linear, sigma: Uint8Array, a: Int8Array, b: Int8Array): Uint8Array[] {
  const noisyA = noisyRows(sigma, 'a', 0, a, l.k, l.r);
  const noisyB = noisyRows(sigma, 'b', 0, b, l.k, l.r);
  return Array.from({ length: tileCount(l) }, (_, tile) => {
    const { row, column } = tileOrigin(l, tile);
    return tileMessage(tileRows(noisyA, row, l.k), tileRows(noisyB, column, l.k), l.k, l.r);
  });
}

/** A pass with activations drawn from the header's seed; the same form as a backend's result. */
export function forgePass(header: Header, m: Manifest, weights: Int8Array[]) {
  const limits = ticketLimits(targetFromBits(header.bits) ?? 0n, m);
  const a: Uint8Array[] = [];
  const t: Uint8Array[] = [];
  let sigma = seedOf(header);
  let winner: { linear: number; tile: number } | undefined;
  let captured: Int8Array | undefined;
  m.linears.forEach((l, i) => {
    const rows = randomOperand(`${sigma}`, l.m * l.k);
    a.push(plainHash(new Uint8Array(rows)));
    sigma = layerSeed(sigma, t[i - 1] ?? ZERO_HASH, a[i]!, l.weights, i + 1);
    const messages = messagesOf(l, sigma, rows, weights[i]!);
    t.push(plainHash(concat(...messages)));
    const tile = messages.findIndex((msg, j) => ticket(sigma, msg, i + 1, j) <= limits[i]!);
    if (winner || tile < 0) return;
    winner = { linear: i + 1, tile };
    captured = rows;
  });
  return { a, t, winner, captured };
}

/** Grinds the nonce until a pass wins. */
export function forgeWin(
  header: Header,
  m: Manifest,
  weights: Int8Array[],
  accept: (linear: number) => boolean = () => true,
) {
  for (let nonce = 0n; nonce < 2000n; nonce++) {
    const tried = { ...header, nonce };
    const pass = forgePass(tried, m, weights);
    if (pass.winner && accept(pass.winner.linear)) return { header: tried, pass };
  }
  throw new Error('no win in 2000 passes');
}
