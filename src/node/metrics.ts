/** `/metrics` in Prometheus' text form. */
import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import type { Inference } from './inference.ts';
import type { SeedParts } from './seed.ts';

export function createMetrics(
  { chain, transport, thread }: SeedParts,
  inference: Inference,
): () => Promise<string> {
  const registers = [new Registry()];
  const registry = registers[0]!;
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
  gauge('mempool_txs', 'Transactions waiting', () => chain.mempool.size);
  gauge('mempool_bytes', 'Their bytes', () => chain.mempool.bytes);
  gauge('accounts', 'Accounts with a leaf', () => chain.stats().accounts);
  gauge('issued_vlt', 'Coins created', () => Number(chain.stats().issued) / 1e9);
  gauge('burned_vlt', 'Coins burned', () => Number(chain.stats().burned) / 1e9);

  const count = (name: string, help: string) =>
    new Counter({ name: `pila_${name}`, help, registers });
  const blocks = count('blocks_total', 'Blocks that became the head or part of its chain');
  const reverted = count('blocks_reverted_total', 'Blocks that left the main chain');
  const txs = count('txs_total', 'Transactions taken into the mempool');
  chain.subscribe((event) => {
    if (event.type === 'tx') return txs.inc();
    blocks.inc(event.adopted.length);
    reverted.inc(event.reverted.length);
  });
  const asked = 'Spent on requests over HTTP in the last 24 hours';
  gauge('infer_spent_vlt', asked, () => Number(inference.spent()) / 1e9);
  let status = { units: 0, macsPerSecond: 0 };
  thread.miner.on('status', (s) => (status = s));
  gauge('units', 'Units run to the end since the start', () => status.units);
  gauge('macs_per_second', 'Multiply-accumulates per second of mining', () => status.macsPerSecond);
  return () => registry.metrics();
}
