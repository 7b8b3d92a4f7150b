/** Frames of what a machine says, signed at once by keys at hand (src/client/channels/saying.ts asks who holds them). */
import { askHash, receiptHash, signHash, voucherHash } from '../../../src/core/channel.ts';
import type { AskerFrame, ProviderFrame } from '../../../src/core/ask-messages.ts';
import type { AskerSays } from '../../../src/client/channels/asker.ts';
import type { AskerRecord } from '../../../src/client/channels/asker-record.ts';
import type { ProviderSays } from '../../../src/client/channels/provider.ts';

interface Signing {
  /** Id of the network's genesis block. */
  readonly genesis: Uint8Array;
  /** Undefined: signatures are 64 zero bytes. */
  readonly secret: Uint8Array | undefined;
}
const sign = (hashed: Uint8Array, secret: Uint8Array | undefined): Uint8Array =>
  secret ? signHash(hashed, secret) : new Uint8Array(64);

export function signAskerFrame(
  says: AskerSays,
  { channel, opening }: Pick<AskerRecord, 'channel' | 'opening'>,
  { genesis, secret }: Signing,
): AskerFrame {
  if (says.type === 'open') {
    const signature = sign(askHash(genesis, channel, says.peers), secret);
    return { type: 'open', opening, signature };
  }
  if (says.type !== 'voucher') return says;
  return { ...says, signature: sign(voucherHash(genesis, channel, says.amount), secret) };
}

export const signProviderFrame = (
  says: ProviderSays,
  { genesis, secret }: Signing,
): ProviderFrame =>
  says.type === 'done'
    ? { ...says, signature: sign(receiptHash(genesis, says.receipt), secret) }
    : says;
