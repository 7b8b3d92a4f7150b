/** Loaded models: what is proven, and one copy of the weights. */
import { expect, test } from 'vitest';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import type { ModelPackage } from '../../../src/miner/engine/backend.ts';
import { LoadedModels } from '../../../src/miner/engine/loaded.ts';
import { loadModel } from '../small-model.ts';

test('a model that is loaded has its weights in the memory of its backend alone', async () => {
  const model = await loadModel('tiny');
  const kept: ModelPackage[] = [];
  const models = new LoadedModels(
    {
      modelNamed: () => model,
      modelOf: () => model,
      createCpu: (given, analysis) => createCpuBackend(given, { analysis }),
      onLoaded: (loaded) => void kept.push(loaded),
    },
    () => undefined,
  );
  const loaded = await models.named('tiny');
  expect(kept).toEqual([loaded.model]);
  expect(loaded.model.weights).toHaveLength(model.weights.length);
  for (const [i, rows] of model.weights.entries()) {
    expect(loaded.model.weights[i]).toEqual(rows);
    expect(loaded.model.weights[i]).not.toBe(loaded.model.weights[i]);
  }
  // A lane's worker gets copies.
  expect(structuredClone(loaded.model).weights).toEqual(model.weights);
  await loaded.cpu.close();
});
