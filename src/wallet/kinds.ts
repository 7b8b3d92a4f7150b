/** What the wallet knows of each kind of transaction. A new kind does not compile without a row here. */
import type { Tx, TxOf } from '../core/formats.ts';
import { plainText } from './plain-text.ts';
import type { TxSummary } from './vault/vault-api.ts';

/** Fields of a summary that only some kinds have. The amount is not among them: consensus says it. */
export type KindSummary = Partial<Pick<TxSummary, 'to' | 'memo' | 'prepays' | 'closes'>>;

export interface WalletKind<K extends Tx['type']> {
  /** What the vault shows of it besides the fields of every kind. */
  readonly summary: (tx: TxOf<K>) => KindSummary;
}

export const WALLET_KINDS: { readonly [K in Tx['type']]: WalletKind<K> } = {
  transfer: {
    summary: ({ to, memo }) => ({ to, memo: plainText(new TextDecoder().decode(memo)) }),
  },
  channel: {
    summary: ({ provider, payee, signer, lifetime }) => ({
      prepays: { provider, payee, signer, lifetime },
    }),
  },
  // A provider's own key signs it, which is no account. Should somebody have made it one, a person looks at it.
  close: {
    summary: ({ channel, amount }) => ({ closes: { channel, amount } }),
  },
};

/** The row of a transaction's kind, as one that takes any: row and transaction agree by `type`. */
export const walletKindOf = ({ type }: Tx): WalletKind<Tx['type']> =>
  WALLET_KINDS[type] as WalletKind<Tx['type']>;
