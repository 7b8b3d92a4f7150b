/**
 * The light check: one block's proof without the model (docs/protocol.md §5.6). It recomputes one
 * tile from its 16 rows and 16 columns. It cannot know whether the rows come from the model (replay.ts
 * checks that). A bad proof says nothing about the block's id: ask another peer.
 */
import { equal, u32 } from '../../lib/bytes.ts';
import { fault, type Fault } from '../faults.ts';
import type { Header, Proof } from '../formats.ts';
import { hash } from '../hash.ts';
import { OPERAND_MAX, TILE, unitLinears, type Linear, type Manifest } from '../manifest.ts';
import type { Params } from '../params.ts';
import type { Rule } from '../rules.ts';
import { targetOf } from '../header/target.ts';
import { CHUNK_BYTES } from './blake3.ts';
import { verifyRange } from './blake3-tree.ts';
import { noisyRows } from './noise.ts';
import { layerSeedFrom, seedOf, stateHash } from './seed.ts';
import {
  isWinning,
  ticket,
  ticketLimits,
  tileCount,
  tileMessage,
  tileOrigin,
} from './transcript.ts';

/** What of a proof its digest is made of. */
type Digested = Pick<Proof, 'linear' | 'tile' | 'x' | 't' | 'a' | 'y'>;

/** x_1..x_ℓ*: the last of them from a, y of ℓ*. */
export const statesOf = ({ x, a, y }: Pick<Proof, 'x' | 'a' | 'y'>): Uint8Array[] => [
  ...x,
  stateHash(a, y),
];

/** The digest of the part of a proof that the block id commits to. */
export const proofDigest = (p: Digested): Uint8Array =>
  hash('digest', Uint8Array.of(p.linear), u32(p.tile), ...statesOf(p), ...p.t);

/** Whether every value lies in [low, high]. */
function isWithin(values: Int8Array, low: number, high: number): boolean {
  for (const x of values) if (x < low || x > high) return false;
  return true;
}

const asInt8 = (b: Uint8Array): Int8Array => new Int8Array(b.buffer, b.byteOffset, b.length);

function shapeProblem(p: Proof, m: Manifest, hasWeights: boolean): string | undefined {
  const l = unitLinears(m)[p.linear - 1];
  // The tickets of linear 1 have no credit.
  if (!l || p.linear < 2) return `no linear ${p.linear}`;
  if (p.tile >= tileCount(l)) return `no tile ${p.tile}`;
  if (p.x.length !== p.linear - 1 || p.t.length !== p.linear - 1) return 'number of hashes';
  if (p.rows.length !== TILE * l.k) return `${p.rows.length} bytes of rows`;
  if (!p.columns.length && hasWeights && !p.columnPath.length) return undefined;
  return p.columns.length === TILE * l.k ? undefined : `${p.columns.length} bytes of columns`;
}

/** Whether the path opens the 16 rows from `first` on in the array of `count` rows. */
// eslint-disable-next-line @typescript-eslint/max-params -- the five values of the protocol's check, as verifyRange has them
function isOpened(
  root: Uint8Array,
  count: number,
  first: number,
  rows: Uint8Array,
  path: readonly Uint8Array[],
): boolean {
  const k = rows.length / TILE;
  // k is a multiple of 64, so 16 rows are whole chunks.
  return verifyRange(root, count * k, (first * k) / CHUNK_BYTES, rows, path);
}

function columnsOf(p: Proof, l: Linear, column: number, weights?: readonly Int8Array[]): Int8Array {
  if (p.columns.length) return asInt8(p.columns);
  return weights![p.linear - 1]!.subarray(column * l.k, (column + TILE) * l.k);
}

/** A proof with what its rules need to know. */
export interface ProofInput {
  readonly header: Header;
  /** The target of the header's time. */
  readonly target: bigint;
  readonly proof: Proof;
  /** The manifest of the header's model. */
  readonly manifest: Manifest;
  /** B_ℓᵀ, n×k, of each linear: with these a proof may leave its columns out. */
  readonly weights: readonly Int8Array[] | undefined;
}

/** One generator for all rules of a proof: each needs what the rules before it have read of the proof. */
export const PROOF_RULES: readonly Rule<ProofInput>[] = [
  {
    codes: [
      'proof.shape',
      'proof.digest',
      'proof.range',
      'proof.rows',
      'proof.columns',
      'proof.target',
    ],
    section: '5.6',
    faults: lightFaults,
  },
];

function* lightFaults({
  header,
  target,
  proof: p,
  manifest: m,
  weights,
}: ProofInput): Generator<Fault> {
  const problem = shapeProblem(p, m, weights !== undefined);
  if (problem) {
    yield fault('proof.shape', { problem });
    return; // the rules below have no meaning then
  }
  if (!equal(proofDigest(p), header.proofDigest)) yield fault('proof.digest');
  const l = unitLinears(m)[p.linear - 1]!;
  const { row, column } = tileOrigin(l, p.tile);
  const rows = asInt8(p.rows);
  const columns = columnsOf(p, l, column, weights);
  if (!isWithin(rows, l.low, l.high) || !isWithin(columns, -OPERAND_MAX, OPERAND_MAX))
    yield fault('proof.range');
  if (!isOpened(p.a, l.m, row, p.rows, p.rowPath)) yield fault('proof.rows');
  if (p.columns.length && !isOpened(l.weights, l.n, column, p.columns, p.columnPath))
    yield fault('proof.columns');
  const sigma = layerSeedFrom(seedOf(header), statesOf(p), p.t, m);
  const noisyA = noisyRows(sigma, 'a', row, rows, l.k, l.r);
  const noisyB = noisyRows(sigma, 'b', column, columns, l.k, l.r);
  const value = ticket(sigma, tileMessage(noisyA, noisyB, l.k, l.r), p.linear, p.tile);
  if (!isWinning(value, ticketLimits(target, m)[p.linear - 1]!)) yield fault('proof.target');
}

/**
 * First fault of a proof against its header, or undefined. `manifest` is that of the header's model.
 * `weights` (B_ℓᵀ, n×k, of each linear) let a proof leave its columns out.
 */
// eslint-disable-next-line @typescript-eslint/max-params -- what a proof is judged by, as every caller has it
export function verifyLight(
  params: Params,
  header: Header,
  proof: Proof,
  manifest: Manifest,
  weights?: readonly Int8Array[],
): Fault | undefined {
  const target = targetOf(params, header);
  return params.rules.judge(PROOF_RULES, { header, target, proof, manifest, weights });
}
