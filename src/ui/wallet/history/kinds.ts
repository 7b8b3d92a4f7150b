/** What an account's history, its table and its list of payees know of each kind of transaction. Pure. */
import { addressOf } from '../../../core/address.ts';
import type { Tx, TxOf } from '../../../core/formats.ts';
import { equal } from '../../../lib/bytes.ts';
import type { Text } from '../../i18n/en/app.ts';
import type { HistoryText } from '../../i18n/en/history.ts';
import type { WalletText } from '../../i18n/en/wallet.ts';

/** A transfer is shown by its direction, any other kind by its own name. */
export type LineKind =
  'sent' | 'received' | 'toSelf' | 'cancellation' | Exclude<Tx['type'], 'transfer'>;

export interface KindLine {
  readonly kind: LineKind;
  /** nV: what the balance lost (fee included) or gained; undefined where that is not known. */
  readonly amount: bigint | undefined;
  /** The other side's address; undefined where there is none. */
  readonly other: Uint8Array | undefined;
}

export interface HistoryKind<K extends Tx['type']> {
  /** As a line of the account with the address `mine`, by itself: what a close pays is said by its opening. */
  readonly line: (tx: TxOf<K>, mine: Uint8Array) => KindLine;
  /** Address that it pays; undefined: none. */
  readonly payee: (tx: TxOf<K>) => Uint8Array | undefined;
  /** Bytes of the sender's note; undefined where the kind has none. */
  readonly memo: (tx: TxOf<K>) => Uint8Array | undefined;
  /** nV of a payment that may be sped up or cancelled while it waits; undefined: not offered. */
  readonly replaceable: (tx: TxOf<K>) => { to: Uint8Array; amount: bigint } | undefined;
}

const none = () => undefined;

const HISTORY_KINDS: { readonly [K in Tx['type']]: HistoryKind<K> } = {
  transfer: {
    line: transferLine,
    payee: ({ to }) => to,
    memo: ({ memo }) => memo,
    replaceable: ({ to, amount }) => ({ to, amount }),
  },
  channel: {
    line: ({ limit, fee }) => ({ kind: 'channel', amount: -(limit + fee), other: undefined }),
    payee: none,
    memo: none,
    replaceable: none,
  },
  close: {
    line: () => ({ kind: 'close', amount: undefined, other: undefined }),
    payee: none,
    memo: none,
    replaceable: none,
  },
};

function transferLine({ from, to, amount, fee }: TxOf<'transfer'>, mine: Uint8Array): KindLine {
  const sender = addressOf(from);
  if (!equal(sender, mine)) return { kind: 'received', amount, other: sender };
  if (equal(to, mine)) return { kind: 'toSelf', amount: -fee, other: undefined };
  return { kind: 'sent', amount: -(amount + fee), other: to };
}

/** The row of a transaction's kind, as one that takes any: row and transaction agree by `type`. */
export const historyKindOf = ({ type }: Tx): HistoryKind<Tx['type']> =>
  HISTORY_KINDS[type] as HistoryKind<Tx['type']>;

/** What each kind of line is called. */
export const lineTitles = (
  t: Text,
  words: WalletText,
  history: HistoryText,
): Readonly<Record<LineKind | 'block', string>> => ({
  sent: t.wallet.sent,
  received: t.wallet.received,
  toSelf: t.wallet.toSelf,
  cancellation: words.replace.cancellation,
  ...t.wallet.other,
  block: history.found,
});
