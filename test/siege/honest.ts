/**
 * An honest visitor, for so many rounds:
 *   node test/siege/honest.ts HOST PORT ROUNDS
 * Each loads the page with its files, then connects as a new peer, and fetches what the seed has: its status,
 * headers and blocks. Prints the ms of both as JSON, null for what failed.
 */
import { createTransport } from '../../src/net/create-transport.ts';
import { networkOf } from '../../src/client/models/networks.ts';
import { blockId } from '../../src/core/header/header.ts';
import { BLOCKS_MAX } from '../../src/core/messages.ts';

const [host = '', port = '', rounds = '1'] = process.argv.slice(2);
const origin = `http://${host}:${port}`;
/** ms after which a round has failed. */
const PATIENCE_MS = 15_000;
/** Most headers that are asked for. */
const HEADERS = 128;

async function timed(act: () => Promise<void>): Promise<number | null> {
  const startMs = performance.now();
  try {
    await act();
    return Math.round(performance.now() - startMs);
  } catch {
    return null;
  }
}

/** The page, and the files that it names. */
async function loadPage(): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const load = async (path: string): Promise<string> => {
    const response = await fetch(`${origin}${path}`, { signal, headers: { connection: 'close' } });
    if (!response.ok) throw new Error(`${response.status}`);
    return await response.text();
  };
  const page = await load('/');
  const files = [...page.matchAll(/(?:src|href)="\.?(\/[^"]+)"/g)].map(([, path]) => path!);
  await Promise.all(files.map(load));
}

async function connectAndSync(): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const response = await fetch(`${origin}/config.json`, { signal });
  const { bootstrap } = (await response.json()) as { bootstrap: string[] };
  const { chainId } = networkOf('e2e').params;
  const met = Promise.withResolvers<string>();
  signal.addEventListener('abort', () => met.reject(new Error('nobody answers')));
  // It may fail before anybody waits for it.
  met.promise.catch(() => undefined);
  const transport = createTransport({ chainId, role: 'node', bootstrap: [bootstrap[0]!] });
  try {
    await transport.start({
      onRequest: async () => ({ type: 'unavailable', reason: '' }),
      onBlock: async () => 'ignore',
      onTx: async () => 'ignore',
      onOffer: async () => 'ignore',
      onPeers: ([peer]) => peer && met.resolve(peer.id),
    });
    const seed = await met.promise;
    const status = await transport.request(seed, { type: 'status' });
    if (status.type !== 'status') throw new Error(status.type);
    const told = await transport.request(seed, { type: 'headers', locator: [], max: HEADERS });
    if (told.type !== 'headers' || told.headers.length === 0) throw new Error(told.type);
    const ids = told.headers.slice(-BLOCKS_MAX).map(blockId);
    const { type } = await transport.request(seed, { type: 'blocks', ids });
    if (type !== 'blocks') throw new Error(type);
  } finally {
    await transport.stop();
  }
}

for (let round = 0; round < Number(rounds); round++)
  console.log(JSON.stringify({ page: await timed(loadPage), peer: await timed(connectAndSync) }));
process.exit();
