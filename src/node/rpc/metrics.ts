/** `/metrics` in Prometheus' text form. */
import { Counter, Gauge, Histogram, collectDefaultMetrics } from 'prom-client';
import { BLOCKS_MAX } from '../../core/messages.ts';
import type { Spendings } from '../http/spending.ts';
import type { SeedDeps } from '../seed/seed-deps.ts';

/** Blocks: one is usual, six are what a careful payee waits for, beyond is an attack or a split. */
const DEPTHS = [1, 2, 3, 6, 12, 24, 60, 200];

export function createMetrics(
  { chain, transport, thread, stores, channels, mined, givenBytes, registry }: SeedDeps,
  spendings: Pick<Spendings, 'total'>,
): () => Promise<string> {
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, read: () => number | Promise<number>) =>
    new Gauge({
      name: `pila_${name}`,
      help,
      registers,
      async collect() {
        this.set(await read());
      },
    });
  const coins = (name: string, help: string, read: () => bigint | Promise<bigint>) =>
    gauge(name, help, async () => Number(await read()) / 1e9);
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
  coins('issued_vlt', 'Coins created', () => chain.stats().issued);
  coins('burned_vlt', 'Of them, too few for an account', () => chain.stats().burned);

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
  const inBlocks = new Counter({
    name: 'pila_block_txs_total',
    help: 'Transactions in blocks that joined the main chain',
    labelNames: ['type'],
    registers,
  });
  chain.subscribe((event) => {
    if (event.type === 'tx') return txs.inc();
    const newest = event.adopted.slice(-BLOCKS_MAX).map(({ id }) => id);
    void chain.parts(newest).then(
      (parts) => {
        for (const { tx } of parts.flatMap(({ body }) => body.transactions))
          inBlocks.inc({ type: tx.type });
      },
      () => undefined,
    );
    blocks.inc(event.adopted.length);
    reverted.inc(event.reverted.length);
    if (event.reverted.length) depth.observe(event.reverted.length);
  });
  coins('infer_spent_vlt', 'Spent on answers over HTTP in the last 24 hours', () =>
    spendings.total(),
  );
  gauge('served_models_bytes', 'Given of served models since the start', () => givenBytes.given);
  gauge('served_models_hour_bytes', 'Of them, within the last hour', () =>
    givenBytes.lastHour(performance.now()),
  );
  const { provider } = channels;
  gauge('channels', 'Channels that are answered in', () => provider.status().channels);
  gauge('answers', 'Questions answered for pay', () => provider.status().answers);
  coins('answers_earned_vlt', 'Vouched for since the start', () => provider.status().earned);
  const mining = 'Of blocks found since the start that the chain holds';
  coins('mining_earned_vlt', mining, async () => {
    const { earned } = await mined.count(chain.head().header.height, (at) => chain.header(at));
    return earned;
  });
  let status = { units: 0, macsPerSecond: 0 };
  thread.miner.on('status', (s) => (status = s));
  gauge('units', 'Units run to the end since the start', () => status.units);
  gauge('macs_per_second', 'Multiply-accumulates per second of mining', () => status.macsPerSecond);
  return () => registry.metrics();
}
