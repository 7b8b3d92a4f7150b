/**
 * Proofs for light-check tests: a pass over *invented* activations, which is all that a light check
 * can tell from an honest one. Small matrices in plain JS, so that grinding for a winner is quick.
 */
import type { Header } from '../../src/core/formats.ts';
import { plainHash, ZERO_HASH } from '../../src/core/hash.ts';
import { unitLinears, type Manifest, type UnitLinear } from '../../src/core/manifest.ts';
import { noisyRows } from '../../src/core/pow/noise.ts';
import { carriesHash, layerSeed, seedOf, stateHash } from '../../src/core/pow/seed.ts';
import {
  isWinning,
  ticket,
  ticketLimits,
  tileCount,
  tileMessage,
  tileOrigin,
} from '../../src/core/pow/transcript.ts';
import { concat } from '../../src/lib/bytes.ts';
import { inventedManifest } from './manifests.ts';
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
    weights: plainHash(new Uint8Array(weights[i]!)),
  }));
  const manifest = inventedManifest({ sequences, tokens, answerSize: 1, linears });
  return { manifest, weights };
}

/** A target that every second hash meets, and one that none meets. */
export const EASIEST = 0x7fffffn << 232n;
export const UNMET = 1n;

/** Late enough for the easiest target of a chain that began at 0. */
export const blankHeader = (): Header => ({
  version: 2,
  knows: 2,
  height: 1,
  prevHash: ZERO_HASH,
  mmrRoot: ZERO_HASH,
  bodyRoot: ZERO_HASH,
  stateRoot: ZERO_HASH,
  miner: ZERO_HASH,
  time: 1e12,
  slip: 0,
  totalWork: 0n,
  nonce: 0n,
  model: 0,
  proofDigest: ZERO_HASH,
});

const tileRows = (x: Int8Array, first: number, k: number) =>
  x.subarray(first * k, (first + 16) * k);

function messagesOf(l: UnitLinear, sigma: Uint8Array, a: Int8Array, b: Int8Array): Uint8Array[] {
  const noisyA = noisyRows(sigma, 'a', 0, a, l.k, l.r);
  const noisyB = noisyRows(sigma, 'b', 0, b, l.k, l.r);
  return Array.from({ length: tileCount(l) }, (_, tile) => {
    const { row, column } = tileOrigin(l, tile);
    return tileMessage(tileRows(noisyA, row, l.k), tileRows(noisyB, column, l.k), l.k, l.r);
  });
}

/** A pass at the easiest target with activations drawn from the header's seed; of a backend's form. */
export function forgePass(header: Header, m: Manifest, weights: Int8Array[]) {
  const limits = ticketLimits(EASIEST, m);
  const x: Uint8Array[] = [];
  const a: Uint8Array[] = [];
  const y = m.linears.map(() => carriesHash([]));
  const t: Uint8Array[] = [];
  let sigma = seedOf(header);
  let winner: { linear: number; tile: number } | undefined;
  let captured: Int8Array | undefined;
  unitLinears(m).forEach((l, i) => {
    const rows = randomOperand(`${sigma}`, l.m * l.k);
    a.push(plainHash(new Uint8Array(rows)));
    x.push(stateHash(a[i]!, y[i]!));
    sigma = layerSeed(sigma, t[i - 1] ?? ZERO_HASH, x[i]!, l.weights, i + 1);
    const messages = messagesOf(l, sigma, rows, weights[i]!);
    t.push(plainHash(concat(...messages)));
    const tile = messages.findIndex((msg, j) =>
      isWinning(ticket(sigma, msg, i + 1, j), limits[i]!),
    );
    if (winner || tile < 0) return;
    winner = { linear: i + 1, tile };
    captured = rows;
  });
  return { x, a, y, t, winner, captured };
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
