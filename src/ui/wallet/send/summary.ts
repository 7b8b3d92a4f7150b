/** Every field that the vault read in the bytes it signs, as lines; the payee is shown apart. Pure. */
import { formatAddress } from '../../../core/address.ts';
import { sentBefore } from '../../../core/tx/nonce.ts';
import type { TxSummary } from '../../../wallet/vault/vault-api.ts';
import { isolated } from '../../../wallet/plain-text.ts';
import { formatCount, formatVolts } from '../../kit/format.ts';
import type { Text } from '../../i18n/en/app.ts';
import type { KeyringText } from '../../i18n/en/keyring.ts';

export interface SummaryContext {
  readonly locale: string;
  readonly prefix: string;
  readonly t: Text;
  readonly words: KeyringText['summary'];
  /** Of the account that pays; '' where it has none. */
  readonly accountName: string;
}

/** Label and value. */
export function summaryLines(summary: TxSummary, context: SummaryContext): [string, string][] {
  const { locale, prefix, t, words, accountName } = context;
  const { amount, fee, expiry, nonce, memo, chainId, network } = summary;
  const volts = (nV: bigint) => `${formatVolts(nV, locale)} VLT`;
  const name = accountName && isolated(accountName);
  const from = `${name} …${formatAddress(summary.from, prefix).slice(-6)}`.trim();
  const chain = words.chain(network ?? words.unknownChain, String(chainId));
  return [
    [words.amount, volts(amount)],
    [words.fee, volts(fee)],
    [t.send.total, volts(amount + fee)],
    [words.from, from],
    ...(memo ? [[words.memo, isolated(memo)] as [string, string]] : []),
    [words.nonce, formatCount(sentBefore(nonce) + 1, locale)],
    [t.send.expiry, formatCount(expiry, locale)],
    [t.settings.network, chain],
  ];
}
