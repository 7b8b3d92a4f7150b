/** `/metrics` in Prometheus' text form. */
import { Counter, Gauge, Histogram, collectDefaultMetrics, type Registry } from 'prom-client';
import { addressOf } from '../../core/address.ts';
import { BLOCKS_MAX, type BlockParts } from '../../core/messages.ts';
import { equal } from '../../lib/bytes.ts';
import { payoutAddress } from '../keys-file.ts';
import type { Inference } from '../http/inference.ts';
import type { SeedDeps } from '../seed/seed-deps.ts';

/** Blocks: one is usual, six are what a careful payee waits for, beyond is an attack or a split. */
const DEPTHS = [1, 2, 3, 6, 12, 24, 60, 200];

export function createMetrics(
  { chain, transport, thread, stores, keys, channels, registry }: SeedDeps,
  inference: Inference,
): () => Promise<string> {
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `pila_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge('height', 'Height of the best block', () => chain.head().header.height);
  gauge('head_time_ms', 'Time of the best block', () => chain.head().header.time);
  gauge('peers', 'Connected peers', () => transport.peers().length);
  gauge('connections', 'Open connections', () => transport.stats().connections);
  gauge('banned_peers', 'Peers banned now', () => transport.stats().banned);
  gauge('sent_bytes', 'Messages to peers', () => transport.traffic().sentBytes);
  gauge('received_bytes', 'Messages from peers', () => transport.traffic().receivedBytes);
  const places = 'Places that browsers hold here as a relay';
  gauge('relay_reservations', places, () => transport.stats().reservations);
  gauge('store_failing', '1 while a database fails', () => Number(!!stores.problem()));
  gauge('mempool_txs', 'Transactions waiting', () => chain.mempool.size);
  gauge('mempool_bytes', 'Their bytes', () => chain.mempool.bytes);
  gauge('accounts', 'Accounts with a leaf', () => chain.stats().accounts);
  gauge('issued_vlt', 'Coins created', () => Number(chain.stats().issued) / 1e9);
  gauge('burned_vlt', 'Coins burned', () => Number(chain.stats().burned) / 1e9);

  const count = (name: string, help: string) =>
    new Counter({ name: `pila_${name}`, help, registers });
  const blocks = count('blocks_total', 'Blocks that became the head or part of its chain');
  const reverted = count('blocks_reverted_total', 'Blocks that left the main chain');
  const depth = new Histogram({
    name: 'pila_reorganisation_depth_blocks',
    help: 'Blocks that left the main chain at once',
    buckets: DEPTHS,
    registers,
  });
  const txs = count('txs_total', 'Transactions taken into the mempool');
  const noteBodies = countBodies(payoutAddress(keys), registers);
  chain.subscribe((event) => {
    if (event.type === 'tx') return txs.inc();
    const newest = event.adopted.slice(-BLOCKS_MAX).map(({ id }) => id);
    void chain.parts(newest).then(noteBodies, () => undefined);
    blocks.inc(event.adopted.length);
    reverted.inc(event.reverted.length);
    if (event.reverted.length) depth.observe(event.reverted.length);
  });
  const asked = 'Spent on requests over HTTP in the last 24 hours';
  gauge('infer_spent_vlt', asked, () => Number(inference.spent()) / 1e9);
  const { provider } = channels;
  gauge('channels', 'Channels that are answered in', () => provider.status().channels);
  gauge('answers', 'Questions answered for pay', () => provider.status().answers);
  const earned = 'Vouched for since the start';
  gauge('answers_earned_vlt', earned, () => Number(provider.status().earned) / 1e9);
  let status = { units: 0, macsPerSecond: 0 };
  thread.miner.on('status', (s) => (status = s));
  gauge('units', 'Units run to the end since the start', () => status.units);
  gauge('macs_per_second', 'Multiply-accumulates per second of mining', () => status.macsPerSecond);
  return () => registry.metrics();
}

function countBodies(own: Uint8Array, registers: Registry[]) {
  const inBlocks = new Counter({
    name: 'pila_block_txs_total',
    help: 'Transactions in blocks that joined the main chain',
    labelNames: ['type'],
    registers,
  });
  const served = new Counter({
    name: 'pila_results_served_total',
    help: "Results among them that this node's own key signed",
    registers,
  });
  return (blocks: readonly BlockParts[]): void => {
    for (const { tx } of blocks.flatMap(({ body }) => body)) {
      inBlocks.inc({ type: tx.type });
      if (tx.type === 'result' && equal(addressOf(tx.from), own)) served.inc();
    }
  };
}
