/** The status of a vault: nothing secret. */
import { addressOf } from '../../core/address.ts';
import { shownName } from '../plain-text.ts';
import type { VaultAccount, VaultStatus } from './vault-api.ts';
import { LOCK_MINUTES_FIRST } from '../lock-minutes.ts';
import type { VaultBlob } from './vault-blob.ts';

/** How far the public part is known to be this vault's own: by its keys, by this device's MAC, or not. */
export type Known = 'byKeys' | 'byDevice' | 'not';

export function statusOf(
  blob: VaultBlob | undefined,
  hasKeys: boolean,
  known: Known = 'not',
): VaultStatus {
  const isProtected = blob?.wrap.type === 'scrypt';
  const accounts = blob && known !== 'not' ? accountsOf(blob) : [];
  const current = blob?.current ?? 0;
  const passkey = blob?.passkey;
  return {
    exists: !!blob,
    locked: isProtected && !hasKeys,
    protected: isProtected,
    backedUp: blob?.backedUp === 1,
    address: accounts[current]?.address,
    publicKey: accounts[current]?.publicKey,
    accounts,
    verified: known === 'byKeys',
    current,
    lockMinutes: blob?.lockMinutes ?? LOCK_MINUTES_FIRST,
    passkey: passkey ? { credential: passkey.credential, salt: passkey.salt } : undefined,
    problem: undefined,
  };
}

const accountsOf = ({ accounts }: VaultBlob): VaultAccount[] =>
  accounts.map(({ name, publicKey }, index) => ({
    index,
    publicKey,
    address: addressOf(publicKey),
    name: shownName(new TextDecoder().decode(name)),
  }));
