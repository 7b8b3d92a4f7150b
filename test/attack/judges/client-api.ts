/** What is asked of a client that is a judge, in Node or behind a page's worker. */
import type { ClientApi } from '../../../src/client/api.ts';
import { equal, toHex } from '../../../src/lib/bytes.ts';

/** ms in which a client has executed its head. */
export const SETTLE_MS = 20_000;
const LOOK_MS = 8;

/** Somebody whose balance a client proves against its head: then the head is executed. */
export const WATCHED = new Uint8Array(32).fill(7);

/** Id of the head once the client has executed it. */
export async function settledHead(
  api: Pick<ClientApi, 'status' | 'account'>,
  ms = SETTLE_MS,
): Promise<string> {
  for (const end = Date.now() + ms; ;) {
    const { chain } = await api.status();
    if (chain.height === 0) return toHex(chain.headId);
    const proven = await api.account(WATCHED).catch(() => undefined);
    if (proven && equal(proven.provenAt.id, chain.headId)) {
      const now = await api.status();
      if (equal(now.chain.headId, chain.headId)) return toHex(chain.headId);
    }
    if (Date.now() > end) return `${toHex(chain.headId)} (not executed)`;
    await new Promise((r) => setTimeout(r, LOOK_MS));
  }
}

/** Loads the model and starts no unit: from now on blocks are replayed. */
export async function loadModel(
  api: Pick<ClientApi, 'payTo' | 'throttleMining' | 'startMining' | 'pauseMining'>,
  model: string,
): Promise<void> {
  await api.payTo(WATCHED);
  // Before the pause comes through a busy worker wins blocks of its own, and what it then hears lies beside its head.
  await api.throttleMining(0);
  await api.startMining({ model, backend: 'cpu' });
  await api.pauseMining();
}
