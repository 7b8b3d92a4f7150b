/**
 * Where claims and results of a request and the close of a channel stand: what `find` answers with, next to a transaction's own
 * place. Anybody may claim, so an answer holds only a bounded number: results first, with their claims.
 */
import { decode, encode, optional } from '../../core/codec.ts';
import { addressOf } from '../../core/address.ts';
import { Claim, Position, type Body, type Tx, type TxOf } from '../../core/formats.ts';
import { stateKey } from '../../core/tree/keys.ts';
import { FIND_MAX } from '../../core/messages.ts';
import { SETTLEMENT_BLOCKS } from '../../core/params.ts';
import type { Executed } from '../../core/state.ts';
import { equal, toHex } from '../../lib/bytes.ts';

/** Of a result: the place of the claim that it fulfils. Of a claim: nothing. */
const Fulfils = optional(Position);

/** All results that one request can have: 16 a block until it is settled. */
export const RESULTS_READ_MAX = 16 * SETTLEMENT_BLOCKS;

export interface IndexEntry {
  /** `c` a claim, `r` a result, or the close of a channel. */
  readonly kind: 'c' | 'r';
  /** Id of the request or the channel. */
  readonly request: Uint8Array;
  readonly position: Position;
  readonly value: Uint8Array;
}

/** Under which letter and id a transaction is kept; undefined: its own place is enough. */
const INDEXED: {
  readonly [K in Tx['type']]: (tx: TxOf<K>) => Pick<IndexEntry, 'kind' | 'request'> | undefined;
} = {
  transfer: () => undefined,
  request: () => undefined,
  claim: ({ request }) => ({ kind: 'c', request }),
  result: ({ request }) => ({ kind: 'r', request }),
  channel: () => undefined,
  close: ({ channel }) => ({ kind: 'r', request: channel }),
};

/** Entries of a block's claims, results and closes; `changes`: what executing it changed. */
export function indexEntries(
  height: number,
  body: Body,
  changes: Executed['changes'],
): IndexEntry[] {
  const entries: IndexEntry[] = [];
  for (const [index, { tx }] of body.entries()) {
    const indexed = (INDEXED[tx.type] as (tx: Tx) => ReturnType<(typeof INDEXED)[Tx['type']]>)(tx);
    if (!indexed) continue;

    const { kind, request } = indexed;
    const claim = kind === 'r' ? claimBefore(changes, request, addressOf(tx.from)) : null;
    entries.push({ kind, request, position: { height, index }, value: encode(Fulfils, claim) });
  }
  return entries;
}

/** The place of a payee's claim, which the block took away. */
function claimBefore(
  changes: Executed['changes'],
  request: Uint8Array,
  payee: Uint8Array,
): Position | null {
  const key = stateKey.claim(request, payee);
  const leaf = changes.find((change) => equal(change.key, key))?.before;
  return leaf ? decode(Claim, leaf).position : null;
}

/**
 * Places of an answer, in order: the request's own, results with their claims (the earliest claim first),
 * then other claims, FIND_MAX in all.
 */
export function placesOf(
  own: Position | undefined,
  results: readonly { position: Position; value: Uint8Array }[],
  claims: readonly Position[],
): Position[] {
  const answered = results
    .map(({ position, value }) => ({ position, claim: decode(Fulfils, value) }))
    .sort((a, b) => before(a.claim ?? a.position, b.claim ?? b.position))
    .flatMap(({ position, claim }) => (claim ? [claim, position] : [position]));
  const all = [...(own ? [own] : []), ...answered, ...claims];
  const distinct = new Map(all.map((at) => [toHex(encode(Position, at)), at]));
  return [...distinct.values()].slice(0, FIND_MAX).sort(before);
}

const before = (a: Position, b: Position): number => a.height - b.height || a.index - b.index;
