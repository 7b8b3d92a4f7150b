/** Runs a browser's transport, for a page that tells it what to do. */
import { PART_BYTES_MAX } from '../../../src/core/ask-messages.ts';
import type { SignedOpening } from '../../../src/core/formats.ts';
import { createLog } from '../../../src/lib/log.ts';
import { expose, type Port } from '../../../src/lib/rpc.ts';
import type { OnAsk } from '../../../src/net/asking/ask-stream.ts';
import { createRemoteTransport } from '../../../src/net/remote-transport.ts';
import { installRtc } from '../../../src/net/rtc-worker.ts';
import type { PeerInfo, Transport } from '../../../src/net/transport.ts';
import { CHAIN } from '../chain-id.ts';
import { blockAnnounce, hash } from '../samples.ts';

export interface PeerState {
  readonly peers: readonly PeerInfo[];
  /** Sequence numbers of the blocks it heard of. */
  readonly heard: readonly number[];
  readonly log: readonly string[];
}

export type PeerApi = {
  start(
    bootstrap: readonly string[],
    lent: { kind: 'rtc' | 'transport'; port: MessagePort },
  ): Promise<void>;
  state(): PeerState;
  /** The agent that the peer says it is. */
  ask(peer: string): Promise<string>;
  tell(sequence: number): Promise<void>;
  /** Opens a stream of asking, sends so many vouchers, and gets a part for each. @returns bytes of all parts */
  prepay(peer: string, vouchers: number): Promise<number>;
};

let transport: Transport;
const heard: number[] = [];
const log: string[] = [];
const { header } = blockAnnounce(0).block;

async function create(bootstrap: readonly string[], kind: string, port: MessagePort) {
  if (kind === 'transport') return createRemoteTransport(port, { chainId: CHAIN, bootstrap });
  installRtc(port);
  const { createTransport } = await import('../../../src/net/create-transport.ts');
  return createTransport({
    chainId: CHAIN,
    role: 'browser',
    bootstrap,
    log: createLog((line) => log.push(line), 'debug'),
  });
}

const signature = new Uint8Array(64);
const opening: SignedOpening = {
  tx: {
    type: 'channel',
    chainId: 1,
    from: hash(1),
    nonce: 0n,
    expiry: 100,
    fee: 1n,
    provider: hash(2),
    payee: hash(3),
    signer: hash(4),
    limit: 1n,
    lifetime: 60,
  },
  signature,
};
/** Answers each voucher with a part of the largest size. */
const serve: OnAsk = async (stream) => ({
  async onFrame(frame) {
    if (frame.type !== 'voucher') return;
    const bytes = new Uint8Array(PART_BYTES_MAX).fill(1);
    await stream.send({ type: 'part', n: 1, units: Number(frame.amount), bytes });
  },
  onGone() {},
});

async function prepay(peer: string, vouchers: number): Promise<number> {
  let [bytes, parts] = [0, 0];
  const done = Promise.withResolvers<void>();
  const stream = await transport.ask(peer, () => ({
    async onFrame(frame) {
      if (frame.type !== 'part') return;
      bytes += frame.bytes.reduce((sum, each) => sum + each, 0);
      if (++parts === vouchers) done.resolve();
    },
    onGone: () => done.reject(new Error('the stream was ended')),
  }));
  await stream.send({ type: 'open', opening, signature });
  for (let amount = 1n; amount <= BigInt(vouchers); amount++)
    await stream.send({ type: 'voucher', amount, signature });
  await done.promise;
  done.promise.catch(() => undefined);
  await stream.close();
  return bytes;
}

expose<PeerApi>(
  {
    async start(bootstrap, { kind, port }) {
      transport = await create(bootstrap, kind, port);
      const head = header.prevHash;
      await transport.start({
        onRequest: async () => ({
          type: 'status',
          genesis: header,
          head,
          height: 1,
          totalWork: 1n,
          agent: 'browser',
        }),
        onBlock: async (_, { sequence }) => {
          heard.push(sequence);
          return 'accept';
        },
        onTx: async () => 'ignore',
        onOffer: async () => 'ignore',
        onPeers: () => {},
        onAsk: serve,
      });
    },
    state: () => ({ peers: transport.peers(), heard, log }),
    async ask(peer) {
      const answer = await transport.request(peer, { type: 'status' });
      return answer.type === 'status' ? answer.agent : answer.type;
    },
    tell: (sequence) => transport.announceBlock(blockAnnounce(sequence)),
    prepay,
  },
  self as unknown as Port,
);
