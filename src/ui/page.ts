/**
 * Starts the workers, each at the first call of its part. The vault's is light and answers at load
 * whether there are keys; the client's brings the network and comes with the first click, or with
 * keys. Their code is apart from the first route's.
 */
import type { ClientApi, ClientEvent } from '../client/api.ts';
import { connect, workerFailure } from '../lib/rpc.ts';
import type {
  UnattendedApi,
  VaultApi,
  VaultEvents,
  VaultStatus,
} from '../wallet/vault/vault-api.ts';
import { loadConfig, type Part, type Passphrases } from './engine.ts';

export async function openVault(): Promise<Part<VaultApi, VaultStatus>> {
  const worker = new Worker(new URL('../wallet/vault/vault.worker.ts', import.meta.url), {
    type: 'module',
    name: 'vault',
  });
  const api = connect<VaultApi, VaultEvents>(worker, { failed: workerFailure(worker) });
  return { api, on: (listener) => api.on('status', listener) };
}

/** Their lists weigh a megabyte: they come where a passphrase is chosen. */
export const passphrases: Passphrases = {
  async suggest() {
    const { generatePassphrase } = await import('../wallet/strength.ts');
    return generatePassphrase(crypto);
  },
  async requireStrong(passphrase) {
    const { requireStrong } = await import('../wallet/strength.ts');
    requireStrong(passphrase);
  },
};

/** @param signers of the vault that `openVault` starts */
export async function openClient(signers: UnattendedApi): Promise<Part<ClientApi, ClientEvent>> {
  const { createPageClient } = await import('../client/browser-tabs/page.ts');
  const { client, on } = await createPageClient(await loadConfig(), signers);
  return { api: client, on };
}
