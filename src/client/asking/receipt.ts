/**
 * What became of a request, computed from what is known of it. Pure.
 *
 * Proven by a state leaf: that the request is open or settling, its input, its reward and its best claim. A
 * missing leaf proves that the request is closed or not yet there. Its last leaf, in the state after the block
 * before it closed, proves who was paid. Transactions are proven to stand in their blocks.
 *
 * Not proven, only reported by peers: without such a leaf, that there were no further claims and results;
 * and whatever no block holds yet. That an answer is the model's shows only by running the model again.
 */
import { addressOf } from '../../core/address.ts';
import type { OpenRequest, Position, Tx, TxOf } from '../../core/formats.ts';
import type { HistoryEntry } from '../../core/messages.ts';
import { PAYEE_PERCENT, SETTLEMENT_BLOCKS } from '../../core/params.ts';
import type { Models } from '../../core/tx/tx.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import type { Answered, Receipt } from '../api.ts';

/** A request, claim or result that stands in a block. */
export interface Found extends HistoryEntry {
  readonly blockId: Uint8Array;
}

export interface Evidence {
  readonly id: Uint8Array;
  /** The request itself, from a pool or sent from here; `dropped`: no block can hold it any more. */
  readonly sent:
    { readonly tx: TxOf<'request'>; readonly fate: 'waits' | 'dropped' | 'unknown' } | undefined;
  /** Transactions on the chain, each checked in its block's body. */
  readonly found: readonly Found[];
  /** Results that wait for a block. */
  readonly pooled: readonly TxOf<'result'>[];
  /** The request's leaf in the newest proven state: null where there is none, undefined when no peer proves it. */
  readonly leaf: OpenRequest | null | undefined;
  /** The request's last leaf, once it is closed. */
  readonly closing: OpenRequest | undefined;
  /** Height of the block after which `leaf` holds, or of the head. */
  readonly height: number;
}

const isOf =
  <K extends Tx['type']>(type: K) =>
  (found: Found): found is Found & { tx: { tx: TxOf<K> } } =>
    found.tx.tx.type === type;

const placedIn = ({ found }: Evidence) => found.find(isOf('request'));

/** Height at which the request settles, counted from the first result that is known. */
function settleOf({ leaf, closing, found }: Evidence): number | undefined {
  const known = (leaf ?? closing)?.settle;
  if (known) return known;
  const heights = found.filter(isOf('result')).map(({ position }) => position.height);
  return heights.length ? Math.min(...heights) + SETTLEMENT_BLOCKS : undefined;
}

function expiryOf(e: Evidence): number | undefined {
  const placed = placedIn(e);
  const leaf = e.leaf ?? e.closing;
  return leaf?.expiry ?? (placed && placed.position.height + placed.tx.tx.lifetime);
}

/** Height of the block that closed the request, if the evidence says that it is closed. */
export function closedAt(e: Evidence): number | undefined {
  if (e.leaf || !placedIn(e)) return undefined;
  const at = settleOf(e) ?? expiryOf(e);
  return at !== undefined && at <= e.height ? at : undefined;
}

/** Whether the evidence has every transaction that the leaf, or its absence, implies. */
export function isComplete(e: Evidence): boolean {
  const placed = placedIn(e);
  if (e.leaf === undefined) return placed !== undefined;
  if (e.leaf === null && !placed) return !!e.sent && e.sent.fate !== 'unknown';
  if (e.leaf === null && closedAt(e) === undefined) return false;
  const best = (e.leaf ?? e.closing)?.best;
  const results = e.found.filter(isOf('result'));
  return !!placed && (!best || results.some(({ tx }) => equal(addressOf(tx.tx.from), best.payee)));
}

const isDropped = ({ sent, height }: Evidence): boolean =>
  sent?.fate === 'dropped' || (sent?.fate === 'unknown' && sent.tx.expiry < height);

function stateOf(e: Evidence): Receipt['state'] {
  if (e.leaf) return e.leaf.settle ? 'answered' : 'open';
  if (!placedIn(e)) return isDropped(e) ? 'dropped' : 'waiting';
  const isAnswered = settleOf(e) !== undefined;
  if (closedAt(e) === undefined) return isAnswered ? 'answered' : 'open';
  return isAnswered ? 'paid' : 'refunded';
}

export const byPlace = (a: Position, b: Position): number =>
  a.height - b.height || a.index - b.index;
const lastPlace: Position = { height: Infinity, index: 0 };

/** One answer for each payee, by the age of its claim; answers whose claim is in no block come last. */
function answersOf(e: Evidence): Answered[] {
  const answers = new Map<string, Answered>();
  const best = (e.leaf ?? e.closing)?.best;
  const note = (tx: TxOf<'result'>, result: Position | undefined): void => {
    const payee = addressOf(tx.from);
    const key = toHex(payee);
    if (answers.has(key)) return;
    const claims = e.found
      .filter(isOf('claim'))
      .filter(({ tx: claim }) => equal(claim.tx.from, tx.from))
      .map(({ position }) => position);
    const proven = best && equal(best.payee, payee) ? best.claim : undefined;
    const claim = proven ?? claims.sort(byPlace)[0];
    answers.set(key, { payee, answer: tx.answer, claim, result });
  };
  for (const { tx, position } of e.found.filter(isOf('result'))) note(tx.tx, position);
  for (const tx of e.pooled) note(tx, undefined);
  return [...answers.values()].sort((a, b) => byPlace(a.claim ?? lastPlace, b.claim ?? lastPlace));
}

function paidBy(e: Evidence, reward: bigint, answers: readonly Answered[]): Receipt['paid'] {
  if (stateOf(e) !== 'paid') return undefined;
  const payee = e.closing?.best?.payee ?? answers.find(({ result }) => result)?.payee;
  return payee && { payee, amount: (reward * PAYEE_PERCENT) / 100n };
}

/** undefined when nothing is known of such a request. */
export function receiptFrom(e: Evidence, models: Models): Receipt | undefined {
  const placed = placedIn(e);
  const tx = placed?.tx.tx ?? e.sent?.tx;
  const leaf = e.leaf ?? e.closing;
  const about = leaf ?? (tx && { ...tx, asker: addressOf(tx.from) });
  if (!about) return undefined;
  const { asker, modelId, reward, input } = about;
  const answers = answersOf(e);
  return {
    id: e.id,
    asker,
    modelId,
    reward,
    input,
    model: models.get(toHex(modelId))?.name,
    fee: tx?.fee,
    state: stateOf(e),
    requested: placed?.position,
    expiry: expiryOf(e),
    settle: settleOf(e),
    answers,
    paid: paidBy(e, reward, answers),
    source: leaf ? 'state' : placed ? 'blocks' : 'peers',
  };
}
