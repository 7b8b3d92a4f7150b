/** Two real seeds: one learns the other's chain; they part, mine apart, and become one again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, it } from 'vitest';
import { freePort, startSeed, type Seed } from '../../e2e/support/seed.ts';

const scratch = mkdtempSync(join(tmpdir(), 'pila-two-'));
const started = new Set<Seed>();
afterAll(async () => {
  await Promise.all([...started].map((seed) => seed.kill()));
  rmSync(scratch, { recursive: true });
});
async function start(name: string, port: number, ...args: string[]): Promise<Seed> {
  const seed = await startSeed({ data: join(scratch, name), port, args });
  started.add(seed);
  return seed;
}

const status = (seed: Seed) => seed.rpc('status');
async function until<T>(get: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const value = await get();
    if (value) return value;
    await new Promise((r) => setTimeout(r, 100));
  }
}
const addressOf = async (seed: Seed): Promise<string> => {
  const config = (await (await fetch(`${seed.url}config.json`)).json()) as { bootstrap: string[] };
  return config.bootstrap[0]!;
};

it.concurrent(
  'a node without a chain needs a peer that answers',
  { timeout: 180_000 },
  async ({ expect }) => {
    const nobody = '/ip4/127.0.0.1/tcp/1/ws';
    const ended = await start('alone', await freePort(), '--bootstrap', nobody).then(
      () => 'started',
      (e: Error) => e.message,
    );
    expect(ended).toMatch(/^seed ended with 1:/);
    const told = ended.split('\n').filter((line) => line.startsWith('pila: '));
    expect(told).toEqual([expect.stringContaining('no --bootstrap peer of e2e answered')]);
  },
);

it.concurrent(
  'two seeds sync, part, and heal to the heavier chain',
  { timeout: 300_000 },
  async ({ expect }) => {
    const [portA, portB] = [await freePort(), await freePort()];
    const a = await start('a', portA, '--mine');
    const address = await addressOf(a);
    await until(async () => (await status(a)).height >= 3);
    let b = await start('b', portB, '--bootstrap', address);
    expect((await status(b)).genesis).toBe((await status(a)).genesis);
    // History, and then blocks as they are found.
    await until(async () => (await status(b)).height >= 3);
    const now = await status(a);
    await until(async () => (await status(b)).height > now.height);
    expect(await b.rpc('getHeader', now.height)).toMatchObject({ id: now.head });
    expect(await b.stop()).toBe(0);

    // Apart: B alone mines a branch of its own, for its only peer's address leads nowhere.
    b = await start('b', portB, '--mine', '--bootstrap', '/ip4/127.0.0.1/tcp/1/ws');
    const fork = (await status(b)).height;
    const [own, other] = await until(async () => {
      const both = [await status(a), await status(b)];
      return both.every((s) => s.height > fork + 2) && both;
    });
    const at = Math.min(own!.height, other!.height);
    const told = [await a.rpc('getHeader', at), await b.rpc('getHeader', at)];
    expect(told[0].id).not.toBe(told[1].id);
    // Its branch is still there after a kill.
    await b.kill();

    b = await start('b', portB, '--bootstrap', address);
    await until(async () => {
      const both = await Promise.all([a.rpc('getHeader', at), b.rpc('getHeader', at)]);
      return both[0].id === both[1].id;
    });
    const healed = await a.rpc('getHeader', at);
    expect(told.map(({ id }) => id)).toContain(healed.id);
    const reorganised = [a, b].some((s) => s.log.some((line) => / reverted=\d/.test(line)));
    expect(reorganised).toBe(true);
    // What an operator sees of it.
    const texts = await Promise.all(
      [a, b].map(async ({ rpcUrl }) => (await fetch(`${rpcUrl}metrics`)).text()),
    );
    const depths = texts.map((text) =>
      /^pila_reorganisation_depth_blocks_count (\d+)$/m.exec(text),
    );
    expect(depths.some((found) => Number(found![1]) > 0)).toBe(true);
    const tips = (await Promise.all([a, b].map((s) => s.rpc('getChainTips')))).flat();
    expect(tips.filter(({ isHead }) => isHead)).toHaveLength(2);
    expect(tips.some(({ branchLength }) => branchLength > 0)).toBe(true);
    // libp2p's own figures, which name protocols and no peer.
    for (const text of texts) {
      const bytes = /^libp2p_data_transfer_bytes_total\{.*"\/pila\/sync\/2\/4 received"\} [1-9]/m;
      expect(text).toMatch(bytes);
      expect(text).not.toMatch(/12D3Koo|\b(?!127\.0\.0\.1)\d+\.\d+\.\d+\.\d+/);
    }
    expect(await b.stop()).toBe(0);
    expect(await a.stop()).toBe(0);
  },
);
