/** Targets: thresholds of 256 bits, from a block's own time, and their work (docs/protocol.md §6). */
import type { HeaderCore } from '../formats.ts';
import { PASSES_PER_BLOCK_MIN, type Params } from '../params.ts';
import { asertExponent, asertTarget } from './asert.ts';

export const HASH_SPACE = 1n << 256n;

/** Expected number of tries to get at or below `target`; a chain's work is the sum of these. */
export const workOf = (target: bigint): bigint => HASH_SPACE / (target + 1n);

/** The target for a pass of W multiply-accumulates, capped so that a pass wins at most once in 16. */
export function effectiveTarget(target: bigint, W: bigint): bigint {
  const cap = HASH_SPACE / (PASSES_PER_BLOCK_MIN * W);
  return target < cap ? target : cap;
}

/** How late a block of that height and time is, ms: negative for an early one. */
const latenessOf = ({ genesis, blockTimeMs }: Params, height: number, timeMs: number): number =>
  timeMs - genesis.timeMs - blockTimeMs * height;

/** Lateness that is forgiven up to a block of that height and time, ms: what goes beyond the easiest target. */
export const slipOf = (
  params: Params,
  parent: Pick<HeaderCore, 'slip'>,
  height: number,
  timeMs: number,
): number => Math.max(parent.slip, latenessOf(params, height, timeMs) - params.lagMs);

/** What a block's target follows from: nothing but its own date. */
export type Dated = Pick<HeaderCore, 'height' | 'time' | 'slip'>;

const exponentOf = (params: Params, { height, time, slip }: Dated): bigint =>
  asertExponent(latenessOf(params, height, time) - slip, params.halfLifeMs);

/** The target of a block, from its own time. */
export const targetOf = (params: Params, header: Dated): bigint =>
  asertTarget(params.targetStart, exponentOf(params, header), params.targetMax);

/** Work that a header stands for; 0 for genesis. */
export const headerWork = (params: Params, header: Dated): bigint =>
  header.height === 0 ? 0n : workOf(targetOf(params, header));

/** Half-lives that a block may be early. */
const EARLY_MAX = 128n;

/** Whether a block is so early that its target is below 2^-128 of the start's: nobody meets it. */
export const isHopeless = (params: Params, header: Dated): boolean =>
  exponentOf(params, header) < -EARLY_MAX * 65536n;
