/**
 * Erasing everything: a mark, then every tab reloads into a page that opens nothing and deletes all of
 * ours. The mark goes last, so that a crash goes on at the next load. Other apps of the origin keep theirs.
 */
import type { StorageBuckets } from '../../../wallet/vault/vault-places.ts';

const MARK = 'pila.wipe';
const LOCK = 'pila-wipe';
const isOurs = (name: string): boolean => name.startsWith('pila');

/** All that a page has to remember of it: for every tab, and for this one, which may load when all is done. */
type Marks = Pick<Storage, 'getItem' | 'setItem'>;

export const isMarked = (...marks: (Marks | undefined)[]): boolean =>
  marks.some((storage) => {
    try {
      return storage?.getItem(MARK) != null;
    } catch {
      return false;
    }
  });

/** Every tab begins. @throws where storage is refused: then there is nothing to erase either */
export function markForWipe(everyTab: Marks, thisTab: Marks): void {
  everyTab.setItem(MARK, '1');
  thisTab.setItem(MARK, '1');
  location.reload();
}

/** Goes along when another tab has marked it. */
export function followWipe({ key, newValue }: StorageEvent, thisTab: Marks): void {
  if (key !== MARK || newValue === null) return;
  thisTab.setItem(MARK, '1');
  location.reload();
}

/**
 * One tab does it, the others wait for it.
 * @param blocked called when a tab or window still holds a database: it goes on once that is closed
 * @throws Error what a browser refuses to delete
 */
export const wipe = (everyTab: Storage, thisTab: Storage, blocked: () => void): Promise<void> =>
  navigator.locks.request(LOCK, async () => {
    thisTab.removeItem(MARK);
    if (!isMarked(everyTab)) return;
    const scope = new URL('./', location.href).href;
    const workers = await workersOf(scope);
    for (const { active } of workers) active?.postMessage({ type: 'KEEP_NOTHING' });
    // The keys first. A bucket goes with whoever holds it.
    const { storageBuckets } = navigator as { readonly storageBuckets?: StorageBuckets };
    for (const name of (await storageBuckets?.keys()) ?? [])
      if (isOurs(name)) await storageBuckets!.delete(name);
    // Waits until the other tabs are gone, whose workers may hold files too.
    for (const { name } of await indexedDB.databases())
      if (name && isOurs(name)) await deleteDatabase(name, blocked);
    await removeFolders();
    for (const worker of workers) await worker.unregister();
    for (const name of (await caches.keys()).filter(isOurs)) await caches.delete(name);
    const keys = Object.keys(everyTab).filter((key) => isOurs(key) && key !== MARK);
    for (const key of [...keys, MARK]) everyTab.removeItem(key);
  });

async function workersOf(scope: string): Promise<ServiceWorkerRegistration[]> {
  const all = (await navigator.serviceWorker?.getRegistrations()) ?? [];
  return all.filter((worker) => worker.scope === scope);
}

/** In private windows there are none. */
async function removeFolders(): Promise<void> {
  const top = await navigator.storage.getDirectory?.().catch(() => undefined);
  const names: string[] = [];
  for await (const name of top?.keys() ?? []) names.push(name);
  for (const name of names.filter(isOurs)) await top?.removeEntry(name, { recursive: true });
}

const deleteDatabase = (name: string, blocked: () => void): Promise<void> =>
  new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onblocked = blocked;
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error ?? new Error('it could not be deleted'));
  });
