/** The vault's own thread: what runs in the page never shares memory with the keys. */
// Before all others: they are to find no way out.
import { news, refusal } from './cage.ts';
import { expose, type Port } from '../../lib/rpc.ts';
import type { VaultApi, VaultEvents } from './vault-api.ts';
import { onlyGuarded } from './guarded.ts';
import { createVault } from './vault.ts';
import { browserStorage } from './vault-storage.ts';

const vault = createVault({
  others: {
    send: (what) => news.postMessage(what),
    onMessage: (listener) =>
      news.addEventListener(
        'message',
        ({ data }) => void refusal.then((why) => why ?? listener(data)),
      ),
  },
  storage: browserStorage(indexedDB, navigator),
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
const port = expose<VaultApi, VaultEvents>(onlyGuarded(vault, refusal), self as unknown as Port);
