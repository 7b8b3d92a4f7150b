/**
 * The four kinds of judge: a seed, a page with the model, a page without, a headless miner. Each is the real program
 * behind its real port; all hear the same blocks from peers of the same names, and what they say is compared.
 */
import { isFault, penaltyOf, type FaultCode } from '../../../src/core/faults.ts';
import type { SignedTx } from '../../../src/core/formats.ts';
import type { Block, SyncRequest, SyncResponse } from '../../../src/core/messages.ts';
import type { Verdict } from '../../../src/net/transport.ts';

export const JUDGES = ['seed', 'page', 'lightPage', 'miner'] as const;
export type JudgeName = (typeof JUDGES)[number];

/** Name of the peer that tells what honest people make; the others are strangers. */
export const HONEST = 'honest';

/** What a judge said of one message, and what it charged who sent it. */
export interface Heard {
  readonly verdict: 'accept' | 'ignore' | FaultCode;
  readonly points: number;
}

/** What a peer answers to a judge that asks it. */
export type Source = (request: SyncRequest) => Promise<SyncResponse>;

export interface Judge {
  readonly name: JudgeName;
  /** Tells a block as a peer of that name, new ones included. */
  tell(peer: string, block: Block): Promise<Heard>;
  tellTx(peer: string, tx: SignedTx): Promise<Heard>;
  /** The fault that its rules found last, also where no verdict says it; only what runs in this process can tell. */
  lastFault?(): FaultCode | undefined;
  /** What it said last, for whoever looks for a reason. */
  words?(): string[];
  /** Hex id of its head once that is executed and nothing is being judged. */
  head(): Promise<string>;
  /** Points that a peer has been charged. */
  points(peer: string): Promise<number>;
  /** A peer of that name connects; what it is asked for, the attack's source answers. */
  meet(peer: string): Promise<void>;
  /** The peer disconnects. */
  leave(peer: string): Promise<void>;
  stop(): Promise<void>;
}

/** Gossip puts a message of newer rules aside before a judge hears of it, so that a seed's log has no such fault. */
export function heardOf(verdict: Verdict): Heard {
  if (!isFault(verdict)) return { verdict, points: 0 };
  const said = verdict.fault === 'wire.newer' ? 'ignore' : verdict.fault;
  return { verdict: said, points: penaltyOf(verdict) };
}

export const describeHeard = ({ verdict, points }: Heard): string =>
  points ? `${verdict} (${points})` : verdict;
