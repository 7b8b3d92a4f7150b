/** Peers in memory: requests and gossip pass the real codecs; links come and go as the test says. */
import type { FullChain } from '../../src/chain/full/full-chain.ts';
import { answer } from '../../src/chain/shared/answer.ts';
import { decode, encode, type Codec } from '../../src/core/codec.ts';
import { isFault, type Fault } from '../../src/core/faults.ts';
import { BlockAnnounce, SyncRequest, SyncResponse, TxAnnounce } from '../../src/core/messages.ts';
import { Offer } from '../../src/core/offer.ts';
import { AppError } from '../../src/lib/errors.ts';
import {
  type Handlers,
  NO_TRAFFIC,
  type PeerInfo,
  type Transport,
  type Verdict,
} from '../../src/net/transport.ts';
import { joinInMemory } from './memory-ask.ts';

const copy = <T>(codec: Codec<T>, value: T): T => decode(codec, encode(codec, value));

/** Everybody dialled, each from an address of its own. */
export const peerInfo = (id: string): PeerInfo => ({
  id,
  origin: 'outbound',
  link: 'websocket',
  address: `/dns4/${id}.example/tcp/443/wss`,
  penalty: 0,
});

interface Node {
  readonly id: string;
  readonly links: Set<Node>;
  handlers: Handlers | undefined;
  /** Aborted when the peer leaves the network: ends its streams. */
  gone: AbortController;
}

export class MemoryNet {
  readonly #nodes = new Map<string, Node>();
  /** What others see of a peer, where it is not `peerInfo`. */
  readonly infos = new Map<string, Partial<PeerInfo>>();
  /** What was charged, and by whom to whom. */
  readonly faults: { by: string; to: string; fault: Fault }[] = [];

  #node(id: string): Node {
    const node = this.#nodes.get(id) ?? {
      id,
      links: new Set<Node>(),
      handlers: undefined,
      gone: new AbortController(),
    };
    this.#nodes.set(id, node);
    return node;
  }

  #infoOf = ({ id }: Node): PeerInfo => ({ ...peerInfo(id), ...this.infos.get(id) });

  transport(id: string): Transport {
    const node = this.#node(id);
    const peers = () => [...node.links].filter((n) => n.handlers).map(this.#infoOf);
    return {
      start: async (handlers) => {
        node.handlers = handlers;
        this.#tell([node, ...node.links]);
      },
      stop: async () => this.cut(id),
      ownId: () => id,
      peers,
      addresses: () => [],
      traffic: () => NO_TRAFFIC,
      request: async (peer, request) => {
        const other = this.#nodes.get(peer);
        if (!other?.handlers || !node.links.has(other)) throw new AppError('NET_CLOSED', peer);
        const response = await other.handlers.onRequest(id, copy(SyncRequest, request));
        if (isFault(response)) throw new AppError('NET_CLOSED', response.fault);
        return copy(SyncResponse, response);
      },
      ask: async (peer, receiver) => {
        const other = this.#nodes.get(peer);
        if (!other?.handlers?.onAsk || !node.links.has(other))
          throw new AppError('NET_CLOSED', peer);
        const cut = AbortSignal.any([node.gone.signal, other.gone.signal]);
        return joinInMemory({ asker: id, provider: peer }, other.handlers.onAsk, receiver, cut);
      },
      announceBlock: (announce) =>
        this.#flood(node, (h, from) => h.onBlock(from, copy(BlockAnnounce, announce))),
      announceTx: (announce) =>
        this.#flood(node, (h, from) => h.onTx(from, copy(TxAnnounce, announce))),
      announceOffer: async (offer) => {
        await this.#flood(node, (h, from) => h.onOffer(from, copy(Offer, offer)));
        return peers().length;
      },
      charge: (to, fault) => void this.faults.push({ by: id, to, fault }),
    };
  }

  /** A full chain as a peer. */
  async seed(id: string, chain: FullChain): Promise<void> {
    await this.transport(id).start({
      onRequest: (_, request) => answer(chain, request, () => chain.mempool.byFee()),
      onBlock: async (_, { block }) => {
        const done = await chain.importBlock(block);
        return isFault(done) ? done : done.status === 'extended' ? 'accept' : 'ignore';
      },
      onTx: async (_, { tx }) => (await chain.addTx(tx)) ?? 'accept',
      onOffer: async () => 'accept',
      onPeers: () => undefined,
    });
  }

  link(a: string, b: string): void {
    const [x, y] = [this.#node(a), this.#node(b)];
    x.links.add(y);
    y.links.add(x);
    this.#tell([x, y]);
  }

  /** Takes a peer from the network. */
  cut(id: string): void {
    const node = this.#node(id);
    const others = [...node.links];
    for (const other of others) other.links.delete(node);
    node.links.clear();
    node.handlers = undefined;
    node.gone.abort();
    node.gone = new AbortController();
    this.#tell(others);
  }

  #tell(nodes: Node[]): void {
    for (const node of nodes) node.handlers?.onPeers([...node.links].map(this.#infoOf));
  }

  /** To the neighbours, and on by those who accept. */
  async #flood(
    from: Node,
    hand: (handlers: Handlers, from: string) => Promise<Verdict>,
  ): Promise<void> {
    const seen = new Set([from]);
    const spread = async (at: Node): Promise<void> => {
      for (const other of at.links) {
        if (seen.has(other) || !other.handlers) continue;
        seen.add(other);
        const verdict = await hand(other.handlers, at.id);
        if (isFault(verdict)) this.faults.push({ by: other.id, to: at.id, fault: verdict });
        if (verdict === 'accept') await spread(other);
      }
    };
    await spread(from);
  }
}
