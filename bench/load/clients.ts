/** A process of light clients: starts the requested number of clients, and reports every head that one reaches. */
import { createClient } from '../../src/client/client.ts';
import type { ClientConfig } from '../../src/client/api.ts';
import type { Platform } from '../../src/client/platform.ts';
import { createTransport } from '../../src/net/create-transport.ts';
import { newPrivateKey, peerIdOfKey } from '../../src/net/peer-key.ts';
import { createNodePlatform } from '../../src/node/client-platform.ts';

/** Clients started at the same time: handshakes are work for both ends. */
const TOGETHER = 5;
const MEMORY_EVERY_MS = 2000;

export type FromClients =
  /** Of a client's connection to the seed, its only peer: at each change. */
  | {
      readonly client: number;
      readonly peer: string;
      readonly isConnected: boolean;
      readonly atMs: number;
    }
  | { readonly client: number; readonly height: number; readonly atMs: number }
  | { readonly residentBytes: number; readonly clients: number };

const [first, count, config] = [
  Number(process.argv[2]),
  Number(process.argv[3]),
  JSON.parse(process.argv[4]!) as ClientConfig,
];
const report = (message: FromClients): void => void process.send!(message);
process.on('disconnect', () => process.exit());

/** A client's platform, with a transport of a known key that tells when its connection comes and goes. */
async function platformOf(client: number): Promise<Platform> {
  const privateKey = await newPrivateKey();
  const peer = peerIdOfKey(privateKey);
  let wasConnected = false;
  const tell = (isConnected: boolean): void => {
    if (isConnected === wasConnected) return;
    wasConnected = isConnected;
    report({ client, peer, isConnected, atMs: Date.now() });
  };
  return {
    ...createNodePlatform({ network: config.network }),
    async createTransport(given) {
      const transport = createTransport({ ...given, role: 'node', privateKey });
      return {
        ...transport,
        start: (handlers) =>
          transport.start({
            ...handlers,
            onPeers(peers) {
              tell(peers.length > 0);
              handlers.onPeers(peers);
            },
          }),
      };
    },
  };
}

async function start(client: number): Promise<void> {
  let reached = 0;
  const made = await createClient(await platformOf(client), config);
  made.on((event) => {
    if (event.type !== 'chain' || event.status.height <= reached) return;
    reached = event.status.height;
    report({ client, height: reached, atMs: Date.now() });
  });
}

for (let i = 0; i < count; i += TOGETHER)
  await Promise.all(
    Array.from({ length: Math.min(TOGETHER, count - i) }, (_, k) => start(first + i + k)),
  );

setInterval(
  () => report({ residentBytes: process.memoryUsage().rss, clients: count }),
  MEMORY_EVERY_MS,
);
