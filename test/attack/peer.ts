/**
 * A hostile peer: our own libp2p host without the rules of honest peers. It announces forged blocks and
 * transactions to one node over gossip, and learns the verdict from that node's log and RPC.
 */
import { multiaddr } from '@multiformats/multiaddr';
import type { Seed } from '../../e2e/support/seed.ts';
import { encode } from '../../src/core/codec.ts';
import type { SignedTx } from '../../src/core/formats.ts';
import { blockId } from '../../src/core/header/header.ts';
import { BlockAnnounce, TxAnnounce, type Block } from '../../src/core/messages.ts';
import { txBytes, txId } from '../../src/core/tx/tx.ts';
import { equal, fromHex, toHex } from '../../src/lib/bytes.ts';
import { silentLog } from '../../src/lib/log.ts';
import { blockTopic, txTopic } from '../../src/net/gossip.ts';
import { createHost } from '../../src/net/host.ts';
import { BAN_AT } from '../../src/net/penalties.ts';
import { syncProtocol } from '../../src/net/sync.ts';
import type { PeerInfo } from '../../src/net/transport.ts';

export interface Verdict {
  readonly accepted: boolean;
  /** The rule that refused it. */
  readonly fault: string | undefined;
}

/** Gossip drops messages that it has seen: a sequence number makes each announcement new. */
let sequence = 0;
const VERDICT_MS = 120_000;
/** ms: longer than gossip takes between processes of one machine. */
const GOSSIP_MS = 1500;

export const sleep = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));

/** Polls until there is a value. */
export async function until<T>(
  what: string,
  get: () => T | undefined | Promise<T | undefined>,
  ms = VERDICT_MS,
): Promise<T> {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(15)) {
    const value = await get();
    if (value !== undefined) return value;
  }
  throw new Error(`never happened: ${what}`);
}

export async function fetchConfig(seed: Seed): Promise<{ bootstrap: string[]; genesis: string }> {
  return await (await fetch(`http://127.0.0.1:${seed.port}/config.json`)).json();
}

/** A fresh peer, known to the node by a new key; stopped when `use` ends. */
async function asPeer<T>(
  seed: Seed,
  chainId: number,
  use: (
    id: string,
    announce: (topic: string, data: Uint8Array) => Promise<unknown>,
    isConnected: () => boolean,
  ) => Promise<T>,
): Promise<T> {
  const topics = [blockTopic(chainId), txTopic(chainId)];
  const gater = { denyDialMultiaddr: () => false };
  const host = await createHost({ role: 'node', topics, gater, log: silentLog });
  try {
    await host.start();
    await host.handle(syncProtocol(chainId), (stream) => stream.abort(new Error('no')));
    await host.dial(multiaddr((await fetchConfig(seed)).bootstrap[0]));
    const { pubsub } = host.services;
    await until('the node subscribed', () =>
      topics.every((t) => pubsub.getSubscribers(t).length > 0) ? true : undefined,
    );
    // That came in; what is published before there is a way out is dropped without a word.
    const { streamsOutbound } = pubsub as unknown as { streamsOutbound: Map<string, unknown> };
    await until('there is a way to the node', () => streamsOutbound.size || undefined);
    return await use(
      host.peerId.toString(),
      (topic, data) => pubsub.publish(topic, data),
      () => host.getConnections().length > 0,
    );
  } finally {
    await host.stop();
  }
}

const fieldOf = (line: string, name: string): string | undefined =>
  new RegExp(` ${name}=(\\S+)`).exec(line)?.[1];

export async function isHead(seed: Seed, id: Uint8Array): Promise<boolean> {
  const head = fromHex((await seed.rpc('status')).head);
  return head !== undefined && equal(head, id);
}

/** Announces a block and waits until it is the node's head or refused. */
export const announceBlock = (seed: Seed, chainId: number, block: Block): Promise<Verdict> =>
  asPeer(seed, chainId, async (peer, announce) => {
    await announce(blockTopic(chainId), encode(BlockAnnounce, { block, sequence: ++sequence }));
    const id = blockId(block.header);
    return await until('a verdict on the block', async () => {
      const refusal = seed.log.find((l) => l.includes('block.refused') && l.includes(peer));
      if (refusal) return { accepted: false, fault: fieldOf(refusal, 'fault') };
      return (await isHead(seed, id)) ? { accepted: true, fault: undefined } : undefined;
    });
  });

/** Whether a transaction waits in the node's pool. */
export const isKnown = (seed: Seed, id: Uint8Array): Promise<boolean> =>
  seed.rpc('getTransaction', toHex(id)).then(
    ({ position }) => position === null,
    () => false,
  );

/**
 * Announces a transaction and then an honest one: once the honest one is in the pool, or this peer is charged,
 * the first was judged. Submitting it to the node's RPC as well gives the name of the rule.
 */
export const announceTx = (
  seed: Seed,
  chainId: number,
  tx: SignedTx,
  marker: SignedTx,
): Promise<Verdict> =>
  asPeer(seed, chainId, async (peer, announce) => {
    const send = (x: SignedTx) =>
      announce(txTopic(chainId), encode(TxAnnounce, { tx: x, sequence: ++sequence }));
    await send(tx);
    await sleep(50);
    await send(marker).catch(() => undefined);
    const isCharged = () => seed.log.some((l) => l.includes('charged') && l.includes(peer));
    await until('a verdict on the transaction', async () =>
      isCharged() || (await isKnown(seed, txId(marker.tx))) ? true : undefined,
    );
    if (await waitKnown(seed, txId(tx.tx))) return { accepted: true, fault: undefined };
    const reason = await reasonOf(seed, tx);
    return { accepted: reason === 'none', fault: reason };
  });

/** Why the node refuses it from its own RPC, which charges nobody. */
const reasonOf = (seed: Seed, tx: SignedTx): Promise<string | undefined> =>
  seed.rpc('submitTransaction', toHex(txBytes(tx))).then(
    () => 'none',
    (e: Error) => e.message.split(' ')[0],
  );

/**
 * Passes transactions on as an honest peer does, and an honest one behind them. `accepted`: the node cut the peer
 * off; else the last one came through the same connection.
 */
export const relay = (
  seed: Seed,
  chainId: number,
  txs: readonly SignedTx[],
  marker: SignedTx,
): Promise<Verdict> =>
  asPeer(seed, chainId, async (own, announce, isConnected) => {
    for (const tx of [...txs, marker])
      await announce(txTopic(chainId), encode(TxAnnounce, { tx, sequence: ++sequence })).catch(
        () => undefined,
      );
    const wasCut = await until('a verdict on the relayer', async () => {
      if (!isConnected()) return true;
      if (!(await isKnown(seed, txId(marker.tx)))) return undefined;
      // All were judged; that it is cut off may be on its way to here, and the node knows it already.
      const peers: readonly PeerInfo[] = await seed.rpc('getPeers');
      return !peers.some(({ id, penalty }) => id === own && penalty < BAN_AT);
    });
    return { accepted: wasCut, fault: wasCut ? undefined : await reasonOf(seed, txs[0]!) };
  });

/** Transactions are judged in order of arrival; still, it waits a little longer, in the attacker's favour. */
async function waitKnown(seed: Seed, id: Uint8Array): Promise<boolean> {
  for (const end = Date.now() + GOSSIP_MS / 10; Date.now() < end; await sleep(30))
    if (await isKnown(seed, id)) return true;
  return false;
}
