/** A page without a connection that needs ONNX Runtime, of which it has kept nothing. */
import { expect, test, vi } from 'vitest';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import { configureOrt } from '../../../src/miner/engine/ort-place.ts';
import { loadModel } from '../small-model.ts';

const code = vi.hoisted(() => ({ isThere: false }));
vi.mock('../../../src/miner/cpu/runtime-segments.ts', (load) => {
  if (code.isThere) return load();
  throw new TypeError('Failed to fetch dynamically imported module');
});

test.each([false, true])(
  'what cannot be fetched is no fault of the model; code: %s',
  async (isThere) => {
    code.isThere = isThere;
    configureOrt({ wasmPaths: 'file:///nowhere/' });
    const opening = createCpuBackend(await loadModel('tiny'), { runtimeOnly: true });
    await expect(opening).rejects.toMatchObject({ code: 'MODEL_MISSING' });
  },
);
