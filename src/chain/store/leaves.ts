/** State leaves in a store, under `s/<key in hex>`. */
import { treeOf } from '../../core/tree/tree-parts.ts';
import type { Tree, TreeEntry } from '../../core/tree/tree.ts';
import { fromHex } from '../../lib/bytes.ts';
import type { Store } from './store.ts';

/** The tree of all stored leaves; undefined when a key is none. The caller checks its root. */
export async function loadLeaves(store: Store): Promise<Tree | undefined> {
  const entries: TreeEntry[] = [];
  for (let from = 's/'; ;) {
    const rows = await store.range(from, 's0');
    for (const row of rows) {
      const key = fromHex(row.key.slice(2), 32);
      if (!key) return undefined;
      entries.push({ key, value: row.value });
    }
    const last = rows.at(-1);
    // Hex keeps the order of the keys, as the tree wants them.
    if (!last) return treeOf(entries);
    from = `${last.key}0`;
  }
}
