/** What both ends of a channel know of it from the chain, and what they conclude from that alone. */
import type { SignedOpening, TxOf } from '../../core/formats.ts';

/** What a channel was opened with, by a record of either end. */
export const openingOf = ({ opening }: { readonly opening: SignedOpening }): TxOf<'channel'> =>
  opening.tx;

/** What the verified chain says at this moment. It comes with each event, so that no old view is acted on. */
export interface ChannelView {
  /** Of the verified head. */
  readonly height: number;
  /** nV of a block at that height. */
  readonly subsidy: bigint;
  /** nV that a close must exceed to bring its payee anything. */
  readonly closeCost: bigint;
  /** Blocks from the opening's to the head's, both counted; 0: it waits in the pool; undefined: it does not stand. */
  readonly depth: number | undefined;
  /** Height at which all goes back. Where it does not stand, as if its opening were in the next block. */
  readonly expiry: number;
  /** It does not stand, and its opening can be in no block, unless the branch changes. */
  readonly isLost: boolean;
  /** It can't come back: closed or expired deep enough, or its opening can't be in a block any more. */
  readonly isOver: boolean;
}

/** Openings of one peer that a provider asks the chain about: others are refused as PROVIDER_BUSY. */
export const OPENING_PEER_RATE = { perSecond: 0.5, burst: 8 };

/** Blocks before the expiry from which nothing is served: time for a close to be in a block, whatever fees do. */
export const ENDING_BLOCKS = 30;
export const isEnding = ({ height, expiry }: ChannelView): boolean =>
  height >= expiry - ENDING_BLOCKS;

/**
 * How much of what was vouched for counts, nV: an amount does at depth 2 + ⌈amount/subsidy⌉, since taking the opening
 * back then costs more blocks than it saves.
 */
export function countedOf(vouched: bigint, { depth = 0, subsidy }: ChannelView): bigint {
  const most = BigInt(Math.max(0, depth - 2)) * subsidy;
  return vouched < most ? vouched : most;
}

/** Who has paid so many times as much is trusted with it. */
export const PAID_FOR_CREDIT = 8n;

/** nV that may be delivered and not count: a step, or an eighth of what this asker has paid this provider. */
export const creditOf = (step: bigint, paid: bigint): bigint =>
  step > paid / PAID_FOR_CREDIT ? step : paid / PAID_FOR_CREDIT;
