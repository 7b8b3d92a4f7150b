/** A process of light clients: starts as many as it is told, and tells every head that one reaches. */
import { createClient } from '../../src/client/client.ts';
import type { ClientConfig } from '../../src/client/api.ts';
import { createNodePlatform } from '../../src/node/client-platform.ts';

/** Started at once: handshakes are work for both ends. */
const TOGETHER = 5;
const MEMORY_EVERY_MS = 2000;

export type FromClients =
  | { readonly client: number; readonly height: number; readonly atMs: number }
  | { readonly residentBytes: number; readonly clients: number };

const [first, count, config] = [
  Number(process.argv[2]),
  Number(process.argv[3]),
  JSON.parse(process.argv[4]!) as ClientConfig,
];
const tell = (message: FromClients): void => void process.send!(message);
process.on('disconnect', () => process.exit());

async function start(client: number): Promise<void> {
  let reached = 0;
  const made = await createClient(createNodePlatform({ network: config.network }), config);
  made.on((event) => {
    if (event.type !== 'chain' || event.status.height <= reached) return;
    reached = event.status.height;
    tell({ client, height: reached, atMs: Date.now() });
  });
}

for (let i = 0; i < count; i += TOGETHER)
  await Promise.all(
    Array.from({ length: Math.min(TOGETHER, count - i) }, (_, k) => start(first + i + k)),
  );

setInterval(
  () => tell({ residentBytes: process.memoryUsage().rss, clients: count }),
  MEMORY_EVERY_MS,
);
