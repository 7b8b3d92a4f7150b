/** What an open vault holds in memory, and the accounts' names. */
import { equal, utf8 } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { keyPath, keysFromEntropy, type KeyPair } from '../keys.ts';
import { plainText, showsNothing } from '../plain-text.ts';
import type { VaultBlob } from './vault-blob.ts';

export interface Keys {
  readonly entropy: Uint8Array;
  /** Of the accounts, by index. */
  readonly pairs: readonly KeyPair[];
}

const NAME_CHARS_MAX = 32;

/** UTF-8. @throws NAME_MALFORMED, NAME_BLANK (nothing of it would be seen) */
export function readName(name: string): Uint8Array {
  const tidy = plainText(name.trim());
  const chars = [...tidy].length;
  if (chars < 1 || chars > NAME_CHARS_MAX)
    throw new AppError('NAME_MALFORMED', `not 1 to ${NAME_CHARS_MAX} characters`);
  if (showsNothing(tidy)) throw new AppError('NAME_BLANK', 'a name that shows nothing');
  return utf8(tidy);
}

/** The accounts' keys. @throws VAULT_TAMPERED when the list says other keys than the words: it is not sealed */
export function pairsOf(entropy: Uint8Array, accounts: VaultBlob['accounts']): KeyPair[] {
  const pairs = keysFromEntropy(
    entropy,
    accounts.map((_, index) => keyPath(index, 0)),
  );
  if (pairs.every(({ publicKey }, i) => equal(publicKey, accounts[i]!.publicKey))) return pairs;
  wipe({ entropy, pairs });
  throw tampered('its keys are of another address');
}

export const tampered = (why: string) => new AppError('VAULT_TAMPERED', why);

export function wipe({ entropy, pairs }: Keys): void {
  entropy.fill(0);
  for (const { secret } of pairs) secret.fill(0);
}
