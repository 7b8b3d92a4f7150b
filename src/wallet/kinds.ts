/**
 * What the wallet knows of each kind of transaction. A new kind does not compile without a row here,
 * and is treated as dangerous until its row says otherwise.
 */
import type { Tx, TxOf } from '../core/formats.ts';
import { plainText } from './plain-text.ts';
import type { TxSummary } from './vault/vault-api.ts';

/** Fields of a summary that only some kinds have. The amount is not among them: consensus says it. */
export type KindSummary = Partial<
  Pick<TxSummary, 'to' | 'memo' | 'asks' | 'request' | 'answer' | 'prepays' | 'closes'>
>;

export interface WalletKind<K extends Tx['type']> {
  /** What the vault shows of it besides the fields of every kind. */
  readonly summary: (tx: TxOf<K>) => KindSummary;
  /**
   * It may be signed with nobody there, and before the words are backed up. Absent: it spends. A person
   * confirms it, the words must be backed up, and signing it counts as a use of the vault.
   */
  readonly unattended?: true;
}

export const WALLET_KINDS: { readonly [K in Tx['type']]: WalletKind<K> } = {
  transfer: {
    summary: ({ to, memo }) => ({ to, memo: plainText(new TextDecoder().decode(memo)) }),
  },
  request: {
    summary: ({ modelId, input, lifetime }) => ({ asks: { modelId, input, lifetime } }),
  },
  claim: {
    summary: ({ request }) => ({ request }),
    unattended: true,
  },
  result: {
    summary: ({ request, answer }) => ({ request, answer }),
    unattended: true,
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

/** Whether a kind may be signed with nobody there. */
export const isUnattended = (type: Tx['type']): boolean => WALLET_KINDS[type].unattended === true;

/** The row of a transaction's kind, as one that takes any: row and transaction agree by `type`. */
export const walletKindOf = ({ type }: Tx): WalletKind<Tx['type']> =>
  WALLET_KINDS[type] as WalletKind<Tx['type']>;
