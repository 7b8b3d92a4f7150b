/** The vault's own thread: what runs in the page never shares memory with the keys. */
import { expose, type Port } from '../../lib/rpc.ts';
import type { VaultApi, VaultEvents } from './vault-api.ts';
import { createVault } from './vault.ts';
import { indexedDbStorage } from './vault-storage.ts';

const channel = new BroadcastChannel('pila vault');
const vault = createVault({
  others: {
    send: (what) => channel.postMessage(what),
    onMessage: (listener) => channel.addEventListener('message', ({ data }) => listener(data)),
  },
  storage: indexedDbStorage(indexedDB),
  crypto,
  clock: {
    now: Date.now,
    after(ms, run) {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  },
  onChange: (status) => port.emit('status', status),
});
const port = expose<VaultApi, VaultEvents>(vault, self as unknown as Port);
