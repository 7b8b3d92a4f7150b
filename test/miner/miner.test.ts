/** The mining engine on a real model: starts, pauses and finishes that come at bad moments. */
import { expect, test, vi } from 'vitest';
import { createCpuBackend } from '../../src/miner/cpu.ts';
import { Miner } from '../../src/miner/miner.ts';
import type { FoundBlock } from '../../src/miner/miner-api.ts';
import { genesisPoint, templateCore } from '../../src/core/header.ts';
import { createParams } from '../../src/core/params.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { loadModel } from './small-model.ts';

const model = await loadModel('tiny');
const zero = new Uint8Array(32);
const params = createParams('e2e', [toHex(model.id)]);
const core = templateCore(params, genesisPoint(params, 1000), {
  ...{ timeMs: 2000, miner: zero, bodyRoot: zero, stateRoot: zero },
  modelId: model.id,
});
const wait = { timeout: 30_000, interval: 5 };

function create() {
  const found: FoundBlock[] = [];
  const seen = { passes: 0 };
  const miner: Miner = new Miner({
    loadModel: async () => model,
    async createCpu(given) {
      const cpu = await createCpuBackend(given);
      return { ...cpu, pass: (input) => (seen.passes++, cpu.pass(input)) };
    },
    createWebgpu: undefined,
    nowMs: () => performance.now(),
    randomNonce: () => 1n,
    onStatus: () => undefined,
    onBlock: (block) => {
      found.push(block);
      miner.work({ core, jobInput: undefined });
    },
  });
  return { miner, found, seen };
}

test('works on no template of another model', async () => {
  const { miner, seen } = create();
  miner.work({ core: { ...core, modelId: zero }, jobInput: undefined });
  await miner.start('tiny', 'cpu');
  // Those of the self-test.
  await new Promise((r) => setTimeout(r, 10));
  expect(seen.passes).toBe(2);
  miner.work({ core, jobInput: undefined });
  await vi.waitUntil(() => miner.status.units > 0, wait);
  miner.pause();
  expect(miner.status.state).toBe('paused');
});

test('a pause while it loads holds, and a start takes a finish back', async () => {
  const { miner } = create();
  const starting = miner.start('tiny', 'cpu');
  miner.pause();
  await starting;
  expect(miner.status.state).toBe('paused');
  miner.work({ core, jobInput: undefined });
  await miner.start('tiny', 'cpu');
  miner.finish();
  expect(miner.status.state).toBe('finishing');
  await miner.start('tiny', 'cpu');
  expect(miner.status.state).toBe('running');
  const { units } = miner.status;
  await vi.waitUntil(() => miner.status.units > units + 2, wait);
  miner.finish();
  await vi.waitUntil(() => miner.status.state === 'paused', wait);
});
