/** What the explorer knows of each kind of transaction. Pure. */
import type { Tx, TxOf } from '../../core/formats.ts';
import type { IndexLine } from '../kit/index-line.ts';
import type { NetworkText } from '../i18n/en/network.ts';

/** Makes the lines of a transaction's page. */
export interface LineMaker {
  readonly t: NetworkText['tx'];
  readonly count: (n: number) => string;
  readonly volts: (amount: bigint) => string;
  readonly address: (label: string, address: Uint8Array) => IndexLine;
  /** A public key in hex. */
  readonly key: (label: string, key: Uint8Array) => IndexLine;
  /** Bytes as text where they are text. */
  readonly bytes: (label: string, data: Uint8Array) => IndexLine;
  /** Link to the transaction that opened a channel. */
  readonly opening: (id: Uint8Array) => IndexLine;
}

export interface ExplorerKind<K extends Tx['type']> {
  /** nV that lists show. */
  readonly amount: (tx: TxOf<K>) => bigint;
  /** What the page says beside the fields of every kind. */
  readonly lines: (tx: TxOf<K>, make: LineMaker) => IndexLine[];
}

const EXPLORER_KINDS: { readonly [K in Tx['type']]: ExplorerKind<K> } = {
  transfer: {
    amount: ({ amount }) => amount,
    lines: ({ amount, memo, to }, { t, volts, bytes, address }) => [
      { label: t.amount, value: volts(amount) },
      ...(memo.length ? [bytes(t.memo, memo)] : []),
      address(t.to, to),
    ],
  },
  channel: {
    amount: ({ limit }) => limit,
    lines: ({ limit, lifetime, provider, payee, signer }, { t, volts, count, key, address }) => [
      { label: t.prepaid, value: volts(limit) },
      key(t.prepaidWith, provider),
      address(t.payee, payee),
      key(t.signer, signer),
      { label: t.prepaidFor, value: count(lifetime) },
    ],
  },
  close: {
    amount: ({ amount }) => amount,
    lines: ({ amount, channel }, { t, volts, opening }) => [
      { label: t.used, value: volts(amount) },
      opening(channel),
    ],
  },
};

/** The row of a transaction's kind, as one that takes any: row and transaction agree by `type`. */
export const explorerKindOf = ({ type }: Tx): ExplorerKind<Tx['type']> =>
  EXPLORER_KINDS[type] as ExplorerKind<Tx['type']>;
