/** Runs a browser's transport, for a page that tells it what to do. */
import { createLog } from '../../../src/lib/log.ts';
import { expose, type Port } from '../../../src/lib/rpc.ts';
import { createRemoteTransport } from '../../../src/net/remote-transport.ts';
import { installRtc } from '../../../src/net/rtc-worker.ts';
import type { PeerInfo, Transport } from '../../../src/net/transport.ts';
import { CHAIN } from '../chain-id.ts';
import { blockAnnounce } from '../samples.ts';

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
        onPeers: () => {},
      });
    },
    state: () => ({ peers: transport.peers(), heard, log }),
    async ask(peer) {
      const answer = await transport.request(peer, { type: 'status' });
      return answer.type === 'status' ? answer.agent : answer.type;
    },
    tell: (sequence) => transport.announceBlock(blockAnnounce(sequence)),
  },
  self as unknown as Port,
);
