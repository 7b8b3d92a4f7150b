/** The status of a vault: nothing secret. */
import { addressOf } from '../../core/address.ts';
import { shownName } from '../plain-text.ts';
import type { VaultStatus } from './vault-api.ts';
import { LOCK_MINUTES_FIRST } from '../lock-minutes.ts';
import type { VaultBlob } from './vault-blob.ts';

export function statusOf(blob: VaultBlob | undefined, hasKeys: boolean): VaultStatus {
  const isProtected = blob?.wrap.type === 'scrypt';
  const accounts = (blob?.accounts ?? []).map(({ name, publicKey }, index) => ({
    index,
    publicKey,
    address: addressOf(publicKey),
    name: shownName(new TextDecoder().decode(name)),
  }));
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
    current,
    lockMinutes: blob?.lockMinutes ?? LOCK_MINUTES_FIRST,
    passkey: passkey ? { credential: passkey.credential, salt: passkey.salt } : undefined,
    problem: undefined,
  };
}
