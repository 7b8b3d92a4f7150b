/** The CPU's executor against ONNX Runtime, segment by segment, bit for bit. */
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../sim/random.ts';
import { runTask, toBase64 } from '../../fuzz/session.ts';
import { readModel } from '../../oracle/models.ts';
import { DECODER_SMALL, decoderPackage } from '../../models/decoder.ts';
import { miniModel } from '../../models/mini.ts';
import type { ModelPackage } from '../../../src/miner/engine/backend.ts';
import { drawInputs, openModel, runSegment, type Draw } from './segments.ts';

const DRAWS: readonly Draw[] = ['low', 'high', 'ends', 'random', 'small'];

/** Runs each segment on inputs of each draw, on all sequences and on fewer. */
async function expectEqual(model: ModelPackage, segments?: readonly number[]): Promise<void> {
  const opened = await openModel(model);
  const { executor, facts } = opened;
  expect(executor.report).toEqual([]);
  const random = createRandom(21, 'executor');
  const { sequences } = model.manifest.shapes[0]!;
  for (const segment of segments ?? facts.keys()) {
    const runs = DRAWS.map((draw) => drawInputs(opened, segment, draw, random));
    const task = { segment: toBase64(model.segments[segment]!), runs };
    const all = await runTask(task, { provider: 'wasm' });
    for (const [i, want] of all.entries())
      for (const n of new Set([sequences, 1 + (i % sequences)])) {
        const got = runSegment(opened, segment, runs[i]!, n);
        for (const [name, values] of Object.entries(got)) {
          const wrong = values.findIndex((x, at) => x !== want[name]![at]);
          const where = `segment ${segment}, ${DRAWS[i]}, ${n} sequences: ${name}[${wrong}]`;
          expect(
            wrong < 0 ? undefined : [values[wrong], want[name]![wrong]],
            where,
          ).toBeUndefined();
        }
      }
  }
}

describe('segments on the executor equal ONNX Runtime', () => {
  it('of tiny', async () => expectEqual(await readModel('tiny')));
  it('of lingua', async () => expectEqual(await readModel('lingua'), [0, 1, 2, 3, 12]));
  it('of polyglot', async () => expectEqual(await readModel('polyglot'), [0, 1, 3, 4, 12]));
  it('of a decoder', async () => expectEqual(decoderPackage(DECODER_SMALL)));
  it('of a decoder with keys in blocks', async () =>
    expectEqual(decoderPackage({ ...DECODER_SMALL, blockKeys: 12 }), [1]));
  it('of an imported encoder', async () =>
    expectEqual(await miniModel([{ sequences: 4, tokens: 20 }]), [0, 1, 2, 3, 4, 8]));
});
