/**
 * Erasing everything: a mark, then every tab reloads into a page that opens nothing and deletes all of
 * ours. The mark goes last, so that a crash goes on at the next load. Other apps of the origin keep theirs.
 */
const MARK = 'pila.wipe';
const LOCK = 'pila-wipe';
const isOurs = (name: string): boolean => name.startsWith('pila');

export const isMarked = (storage: Pick<Storage, 'getItem'> | undefined): boolean => {
  try {
    return storage?.getItem(MARK) != null;
  } catch {
    return false;
  }
};

/** Tells the other tabs too. @throws where storage is refused: then there is nothing to erase either */
export function markForWipe(storage: Pick<Storage, 'setItem'>): void {
  storage.setItem(MARK, '1');
  location.reload();
}

/** Another tab has marked it. */
export const isMarkSet = ({ key, newValue }: StorageEvent): boolean =>
  key === MARK && newValue !== null;

/**
 * One tab does it, the others wait for it.
 * @param blocked called when a tab or window still holds a database: it goes on once that is closed
 * @throws Error what a browser refuses to delete
 */
export const wipe = (storage: Storage, blocked: () => void): Promise<void> =>
  navigator.locks.request(LOCK, async () => {
    if (!isMarked(storage)) return;
    const scope = new URL('./', location.href).href;
    // Waits until the other tabs are gone, whose workers may hold files too.
    for (const { name } of await indexedDB.databases())
      if (name && isOurs(name)) await deleteDatabase(name, blocked);
    await removeFolders();
    for (const worker of (await navigator.serviceWorker?.getRegistrations()) ?? [])
      if (worker.scope === scope) await worker.unregister();
    for (const name of (await caches.keys()).filter(isOurs)) await caches.delete(name);
    const keys = Array.from({ length: storage.length }, (_, i) => storage.key(i)!);
    for (const key of keys) if (isOurs(key) && key !== MARK) storage.removeItem(key);
    storage.removeItem(MARK);
  });

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
    request.onerror = () => reject(request.error);
  });
