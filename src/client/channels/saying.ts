/**
 * What the machines of a channel's two ends want to say becomes frames here, once whoever holds the keys has signed.
 * The keys may lie behind another worker and be refused there; then nothing is sent.
 */
import type { AskerFrame, ProviderFrame } from '../../core/ask-messages.ts';
import type { SignedOpening } from '../../core/formats.ts';
import type { UnattendedApi } from '../../wallet/vault/vault-api.ts';
import type { AskerSays } from './asker.ts';
import type { ProviderSays } from './provider.ts';

/** The part of either end's record that is said. */
interface Said {
  readonly channel: Uint8Array;
  readonly opening: SignedOpening;
}

/** @throws AppError CHANNEL_UNKNOWN, CHANNEL_AMOUNT, CHAIN_REFUSED, SERVING_MISSING */
export async function askerFrame(
  says: AskerSays,
  { channel, opening }: Said,
  signers: Pick<UnattendedApi, 'signAsk' | 'signVoucher'>,
): Promise<AskerFrame> {
  switch (says.type) {
    case 'open':
      return { type: 'open', opening, signature: await signers.signAsk(channel, says.peers) };
    case 'voucher':
      return { ...says, signature: await signers.signVoucher(channel, says.amount) };
    case 'question':
    case 'stop':
    case 'close':
      return says;
  }
}

/** @throws AppError CHAIN_REFUSED, SERVING_MISSING */
export const providerFrame = async (
  says: ProviderSays,
  signers: Pick<UnattendedApi, 'signReceipt'>,
): Promise<ProviderFrame> =>
  says.type === 'done' ? { ...says, signature: await signers.signReceipt(says.receipt) } : says;
