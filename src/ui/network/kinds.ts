/** What the explorer knows of each kind of transaction. Pure. */
import type { Tx, TxOf } from '../../core/formats.ts';
import type { IndexLine } from '../kit/index-line.ts';
import type { PageName } from '../route.svelte.ts';
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
  /** A model's input as far as this device can read it. */
  readonly input: (input: Uint8Array) => IndexLine;
  /** Link to the request that a transaction is about. */
  readonly request: (id: Uint8Array) => IndexLine;
  /** Link to the transaction that opened a channel. */
  readonly opening: (id: Uint8Array) => IndexLine;
  /** Link to the receipt of the transaction itself. */
  readonly receipt: () => IndexLine;
}

export interface ExplorerKind<K extends Tx['type']> {
  /** Page that the search opens for its id. */
  readonly page: PageName;
  /** nV that lists show; undefined: nothing but the fee moves. */
  readonly amount: (tx: TxOf<K>) => bigint | undefined;
  /** A model's input, which the page shows as text; undefined: it has none. */
  readonly input: (tx: TxOf<K>) => { modelId: Uint8Array; input: Uint8Array } | undefined;
  /** What the page says beside the fields of every kind. */
  readonly lines: (tx: TxOf<K>, make: LineMaker) => IndexLine[];
}

const none = () => undefined;

const EXPLORER_KINDS: { readonly [K in Tx['type']]: ExplorerKind<K> } = {
  transfer: {
    page: 'tx',
    amount: ({ amount }) => amount,
    input: none,
    lines: ({ amount, memo, to }, { t, volts, bytes, address }) => [
      { label: t.amount, value: volts(amount) },
      ...(memo.length ? [bytes(t.memo, memo)] : []),
      address(t.to, to),
    ],
  },
  request: {
    page: 'receipt',
    amount: ({ reward }) => reward,
    input: ({ modelId, input }) => ({ modelId, input }),
    lines: (tx, { t, volts, count, input, receipt }) => [
      { label: t.reward, value: volts(tx.reward) },
      { label: t.lifetime, value: count(tx.lifetime) },
      input(tx.input),
      receipt(),
    ],
  },
  claim: {
    page: 'tx',
    amount: none,
    input: none,
    lines: (tx, { request }) => [request(tx.request)],
  },
  result: {
    page: 'tx',
    amount: none,
    input: none,
    lines: (tx, { t, bytes, request }) => [bytes(t.answer, tx.answer), request(tx.request)],
  },
  channel: {
    page: 'tx',
    amount: ({ limit }) => limit,
    input: none,
    lines: ({ limit, lifetime, provider, payee, signer }, { t, volts, count, key, address }) => [
      { label: t.prepaid, value: volts(limit) },
      key(t.prepaidWith, provider),
      address(t.payee, payee),
      key(t.signer, signer),
      { label: t.prepaidFor, value: count(lifetime) },
    ],
  },
  close: {
    page: 'tx',
    amount: ({ amount }) => amount,
    input: none,
    lines: ({ amount, channel }, { t, volts, opening }) => [
      { label: t.used, value: volts(amount) },
      opening(channel),
    ],
  },
};

/** The row of a transaction's kind, as one that takes any: row and transaction agree by `type`. */
export const explorerKindOf = ({ type }: Tx): ExplorerKind<Tx['type']> =>
  EXPLORER_KINDS[type] as ExplorerKind<Tx['type']>;
