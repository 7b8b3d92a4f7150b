/**
 * What changed an account's balance, as lines: payments, blocks found, and one line for each channel, whose opening and
 * end belong together. Their sum is the balance, spendable and maturing, if all entries and blocks are given. Pure.
 */
import type { AccountEntry, Balance, FoundBlockPay, History, Income } from '../../../client/api.ts';
import { addressOf } from '../../../core/address.ts';
import type { Tx, TxOf } from '../../../core/formats.ts';
import { bornAt } from '../../../core/tx/nonce.ts';
import { amountOf, spentBy } from '../../../core/tx/tx.ts';
import { equal, toHex } from '../../../lib/bytes.ts';
import { historyKindOf, type KindLine, type LineKind } from './kinds.ts';

/** A channel's fate, for the account that opened it. */
export interface ChannelFate {
  /** Id of its opening in hex. */
  readonly id: string;
  /** nV that were set aside. */
  readonly limit: bigint;
  /** nV that the provider took; undefined while nobody knows. */
  readonly spent: bigint | undefined;
  readonly state: 'open' | 'closed' | 'returned';
}

export interface LedgerLine extends Omit<KindLine, 'kind'> {
  readonly kind: LineKind | 'block';
  /** Of the transaction or the block, in hex. */
  readonly id: string;
  readonly height: number;
  /** Order within the block: what the block pays comes last. */
  readonly index: number;
  readonly timeMs: number;
  /** undefined: the line is a block's pay. */
  readonly tx: Tx | undefined;
  /** nV that the account paid for the transactions of the line. */
  readonly fee: bigint;
  /** Of a channel that the account opened. */
  readonly channel: ChannelFate | undefined;
  /** Whether the amount is proven; an unproven one of a block may be higher. */
  readonly isProven: boolean;
}

export interface Given {
  readonly entries: readonly AccountEntry[];
  readonly blocks: readonly FoundBlockPay[];
}
export interface Whose {
  readonly mine: Uint8Array;
  /** Of the account when the lines were read: what is above its block is left out. */
  readonly balance: Pick<Balance, 'nonce' | 'provenAt'>;
}

/** Newest first. */
export function ledgerOf({ entries, blocks }: Given, { mine, balance }: Whose): LedgerLine[] {
  const { height } = balance.provenAt;
  const known = entries.filter(({ position }) => position.height <= height);
  const closed = new Set(
    known.flatMap(({ tx: { tx } }) => (tx.type === 'close' ? [toHex(tx.channel)] : [])),
  );
  const lines = known.flatMap((entry) => {
    const { tx } = entry.tx;
    if (tx.type === 'close') return [closeLine(entry, tx, { mine, balance })];
    if (tx.type !== 'channel') return [plainLine(entry, mine)];
    return closed.has(toHex(entry.id)) ? [] : [openingLine(entry, tx, height)];
  });
  const found = blocks.filter((block) => block.height <= height).map(blockLine);
  return [...lines, ...found].sort((a, b) => b.height - a.height || b.index - a.index);
}

export const sumOf = (lines: readonly LedgerLine[]): bigint =>
  lines.reduce((sum, { amount = 0n }) => sum + amount, 0n);

/** The height above which no line is missing, as far as histories were read; 0: all are here. */
export const readDownTo = (
  history: Pick<History, 'next'> | undefined,
  income: Pick<Income, 'next'> | undefined,
): number =>
  // The rest of the block in which a page ends is on the next one.
  Math.max(0, (history?.next?.height ?? -1) + 1, (income?.next ?? -1) + 1);

const placed = ({ id, position, timeMs, tx }: AccountEntry) => ({
  id: toHex(id),
  height: position.height,
  index: position.index,
  timeMs,
  tx: tx.tx,
});

function plainLine(entry: AccountEntry, mine: Uint8Array): LedgerLine {
  const { tx } = entry.tx;
  const isMine = equal(addressOf(tx.from), mine);
  return {
    ...placed(entry),
    ...historyKindOf(tx).line(tx, mine),
    fee: isMine ? spentBy(tx) - amountOf(tx) : 0n,
    channel: undefined,
    isProven: true,
  };
}

/** Of a channel that no transaction closed: it is open, or all of it came back at its end. */
function openingLine(entry: AccountEntry, tx: TxOf<'channel'>, height: number): LedgerLine {
  const end = entry.position.height + tx.lifetime;
  const isOver = end <= height;
  const state = isOver ? 'returned' : 'open';
  const spent = isOver ? 0n : undefined;
  return {
    ...placed(entry),
    // Coins come back before the first transaction of the block.
    ...(isOver && { height: end, index: -1, timeMs: entry.endedMs ?? entry.timeMs }),
    kind: 'channel',
    other: undefined,
    amount: isOver ? -tx.fee : -(tx.limit + tx.fee),
    fee: tx.fee,
    channel: { id: toHex(entry.id), limit: tx.limit, spent, state },
    isProven: true,
  };
}

/** A close pays the payee, and gives the asker what is left; one account may be both. */
function closeLine(entry: AccountEntry, tx: TxOf<'close'>, { mine, balance }: Whose): LedgerLine {
  const { opening } = entry;
  const line = { ...placed(entry), kind: 'close', other: undefined, fee: 0n } as const;
  if (!opening) return { ...line, amount: undefined, channel: undefined, isProven: false };
  const asker = addressOf(opening.from);
  const earned = equal(opening.payee, mine) ? tx.amount - tx.fee : 0n;
  if (!equal(asker, mine))
    return { ...line, other: asker, amount: earned, channel: undefined, isProven: true };
  const rest = opening.limit - tx.amount;
  // What an account spent that is gone is no part of the one that came under its address.
  const isOfNow = bornAt(opening.nonce) === bornAt(balance.nonce);
  const laidOut = isOfNow ? opening.limit + opening.fee : 0n;
  return {
    ...line,
    kind: 'channel',
    other: equal(opening.payee, mine) ? undefined : opening.payee,
    amount: earned + rest - laidOut,
    fee: isOfNow ? opening.fee : 0n,
    channel: {
      id: toHex(tx.channel),
      limit: opening.limit,
      spent: tx.amount,
      state: 'closed',
    },
    isProven: true,
  };
}

const blockLine = ({ id, height, timeMs, amount, isProven }: FoundBlockPay): LedgerLine => ({
  kind: 'block',
  id: toHex(id),
  height,
  index: Infinity,
  timeMs,
  amount,
  other: undefined,
  tx: undefined,
  fee: 0n,
  channel: undefined,
  isProven,
});
