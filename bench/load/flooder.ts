/**
 * A process of hostile peers: floods of requests, garbage, too large and invalid blocks. Each kind goes on until
 * it is disconnected, tries once more with the key that was banned, then comes back with a new key.
 */
import { multiaddr } from '@multiformats/multiaddr';
import { lpStream } from '@libp2p/utils';
import { decode, encode } from '../../src/core/codec.ts';
import { BlockAnnounce, GOSSIP_BYTES_MAX, SyncRequest } from '../../src/core/messages.ts';
import { fromHex } from '../../src/lib/bytes.ts';
import { silentLog } from '../../src/lib/log.ts';
import { blockTopic, txTopic } from '../../src/net/gossip.ts';
import { createHost, type Host } from '../../src/net/host.ts';
import { newPrivateKey } from '../../src/net/peer-key.ts';
import { syncProtocol } from '../../src/net/sync.ts';

export interface FromFlooder {
  readonly kind: string;
  /** ms from the first hostile message to the closed connection; undefined if it was never disconnected. */
  readonly cutMs: number | undefined;
  /** Whether the peer was disconnected at once when it came back with the banned key. */
  readonly banned: boolean;
}

const CUT_MS_MAX = 20_000;
const [address, chainIdText, invalidBlock] = process.argv.slice(2) as [string, string, string];
const chainId = Number(chainIdText);
const invalid = decode(BlockAnnounce, fromHex(invalidBlock)!);
const randomU32 = (): number => crypto.getRandomValues(new Uint32Array(1))[0]!;
process.on('disconnect', () => process.exit());

type Attack = (host: Host) => Promise<void>;

const publish =
  (data: () => Uint8Array): Attack =>
  async ({ services }) => {
    await services.pubsub.publish(blockTopic(chainId), data());
    await sleep(20);
  };

const ATTACKS: Record<string, Attack> = {
  async requests(host) {
    const [connection] = host.getConnections();
    const stream = await connection!.newStream(syncProtocol(chainId));
    await lpStream(stream).write(encode(SyncRequest, { type: 'transactions' }));
    await stream.close();
  },
  garbage: publish(() => crypto.getRandomValues(new Uint8Array(1000))),
  'too large': publish(() => new Uint8Array(GOSSIP_BYTES_MAX + 1).fill(Math.random() * 256)),
  // Gossip drops equal messages, whoever sends them: each announcement has a number of its own.
  'invalid blocks': publish(() => encode(BlockAnnounce, { ...invalid, sequence: randomU32() })),
};

const sleep = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));

async function open(privateKey: Uint8Array): Promise<Host> {
  const topics = [blockTopic(chainId), txTopic(chainId)];
  const gater = { denyDialMultiaddr: () => false };
  const host = await createHost({ role: 'node', topics, gater, privateKey, log: silentLog });
  await host.start();
  await host.handle(syncProtocol(chainId), (stream) => stream.abort(new Error('no')));
  for (const topic of topics) host.services.pubsub.subscribe(topic);
  return host;
}

const isCut = (host: Host): boolean => host.getConnections().length === 0;

async function waitFor(what: () => boolean, ms: number): Promise<boolean> {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(5)) if (what()) return true;
  return what();
}

async function attackOnce(kind: string, attack: Attack): Promise<FromFlooder> {
  const host = await open(await newPrivateKey());
  try {
    await host.dial(multiaddr(address));
    const { pubsub } = host.services;
    const listens = () => pubsub.getSubscribers(blockTopic(chainId)).length > 0;
    await waitFor(listens, CUT_MS_MAX);
    const started = Date.now();
    while (!isCut(host) && Date.now() - started < CUT_MS_MAX)
      await attack(host).catch(() => sleep(5));
    const cutMs = isCut(host) ? Date.now() - started : undefined;
    await host.dial(multiaddr(address)).catch(() => undefined);
    return { kind, cutMs, banned: await waitFor(() => isCut(host), CUT_MS_MAX) };
  } finally {
    await host.stop();
  }
}

for (;;)
  for (const [kind, attack] of Object.entries(ATTACKS))
    process.send!(await attackOnce(kind, attack));
