/**
 * Which keys this page last saw confirmed by themselves. A locked vault is known by its device alone, and
 * whoever exchanges all that the device stores of it makes that right as well: here it is found out.
 */
import { toHex } from '../lib/bytes.ts';
import type { VaultStatus } from '../wallet/vault/vault-api.ts';

export type KeyMemory = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

const KEY = 'pila.keys';

const textOf = ({ accounts }: VaultStatus): string =>
  accounts.map(({ publicKey }) => toHex(publicKey)).join(' ');

/** At load: others than the ones remembered are not believed until they are opened. */
export function recognise(status: VaultStatus, memory: KeyMemory | undefined): VaultStatus {
  if (status.verified || status.problem || !status.address) return status;
  const known = read(memory);
  if (known === undefined || known === textOf(status)) return status;
  const none = { address: undefined, publicKey: undefined, accounts: [] };
  return { ...status, ...none, current: 0, problem: 'VAULT_TAMPERED' };
}

export function remember(status: VaultStatus, memory: KeyMemory | undefined): void {
  if (status.verified && textOf(status) !== read(memory))
    attempt(() => memory?.setItem(KEY, textOf(status)));
}

export function forget(memory: KeyMemory | undefined): void {
  attempt(() => memory?.removeItem(KEY));
}

const read = (memory: KeyMemory | undefined): string | undefined =>
  attempt(() => memory?.getItem(KEY)) ?? undefined;

/** A person may forbid it, and it may be full: then nothing is remembered. */
function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
